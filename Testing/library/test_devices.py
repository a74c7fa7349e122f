"""Which processor is chosen; with a GPU at hand also by its free memory."""

from __future__ import annotations

import pytest
import torch

from deepstroke.devices import choose_device, threads_shared_by
from deepstroke.errors import ConfigError

without_gpu = pytest.mark.skipif(torch.cuda.is_available(), reason="a CUDA device is here")


def test_the_cpu_is_taken_when_asked_for() -> None:
    device = choose_device("cpu")
    assert (device.name, device.reason) == ("cpu", "asked for")
    assert "cores" in device.description


@without_gpu
def test_auto_falls_back_to_the_cpu_and_says_why() -> None:
    assert (choose_device("auto").name, choose_device("auto").reason) == ("cpu", "no CUDA device was found")


@without_gpu
@pytest.mark.parametrize("name", ["cuda", "cuda:3"])
def test_a_missing_gpu_is_named_with_the_way_out(name: str) -> None:
    with pytest.raises(
        ConfigError, match=f"device '{name}' was asked for, but PyTorch .* sees 0 CUDA devices; use --device"
    ):
        choose_device(name)


@pytest.mark.parametrize("name", ["gpu", "cuda:x", "CPU", ""])
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="expected auto, cpu, cuda or cuda:N"):
        choose_device(name)


@pytest.mark.gpu
def test_a_gpu_that_is_too_small_is_left_alone() -> None:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    assert choose_device("auto").name.startswith("cuda:")
    chosen = choose_device("auto", needs_mb=1e9)
    assert chosen.name == "cpu"
    assert "MB of free memory, 1000000000 MB are needed" in chosen.reason
    with pytest.raises(ConfigError, match="end other programs on it"):
        choose_device("cuda", needs_mb=1e9)


def test_work_side_by_side_gets_its_share_of_threads_and_gives_it_back() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    try:
        with threads_shared_by(2):
            assert torch.get_num_threads() == 2
            with threads_shared_by(8):
                assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 4
    finally:
        torch.set_num_threads(before)
