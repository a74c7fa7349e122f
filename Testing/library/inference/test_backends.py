"""OpenVINO and PyTorch on a real network: the same outputs, kept conversions, and who takes over."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from deepstroke.devices import choose_device
from deepstroke.errors import ConfigError, WeightsError
from deepstroke.inference.backends import TorchBackend, choose_backend, fallback_findings
from deepstroke.networks import build

#: Largest difference between OpenVINO's and PyTorch's logits in 32 bits; logits are about 1.
TOLERANCE = 2e-3
CPU = choose_device("cpu")


@pytest.fixture(scope="module")
def network() -> nn.Module:
    torch.manual_seed(0)
    # Sizes that don't divide evenly by 8 make the decoder crop, which a conversion must get right.
    return build("unet3d", depth=3, base_channels=8, se_min_hidden=1, deep_supervision=True, out_channels=14).eval()


@pytest.fixture(scope="module")
def image() -> Tensor:
    return torch.rand(1, 1, 26, 22, 18, generator=torch.Generator().manual_seed(1))


def test_openvino_gives_what_pytorch_gives_and_keeps_its_conversion(
    network: nn.Module, image: Tensor, tmp_path: Path
) -> None:
    pytest.importorskip("openvino")
    expected = TorchBackend(network, CPU)(image)
    backend = choose_backend(network, CPU, cache=tmp_path, patience_s=0.0)
    found = backend(image)
    assert backend.description == "OpenVINO f32 on cpu"
    assert fallback_findings(backend) == ()
    assert found.dtype == torch.float32
    assert (found - expected).abs().max() < TOLERANCE
    assert (found.argmax(1) == expected.argmax(1)).float().mean() > 0.999
    (kept,) = tmp_path.iterdir()
    before = (kept / "network.bin").stat().st_mtime_ns
    again = choose_backend(network, CPU, cache=tmp_path)(image)  # what is kept is used at once
    assert torch.equal(again, found)
    assert (kept / "network.bin").stat().st_mtime_ns == before


def test_pytorch_computes_until_a_conversion_pays(image: Tensor) -> None:
    pytest.importorskip("openvino")
    backend = choose_backend(nn.Conv3d(1, 2, 1), CPU, patience_s=1e-9)
    first = backend(image)
    assert backend.description == "PyTorch float32 on cpu"
    assert (backend(image) - first).abs().max() < TOLERANCE
    assert backend.description == "OpenVINO f32 on cpu"
    assert fallback_findings(backend) == ()


def test_a_damaged_conversion_is_made_anew(network: nn.Module, image: Tensor, tmp_path: Path) -> None:
    pytest.importorskip("openvino")
    expected = choose_backend(network, CPU, "openvino", cache=tmp_path)(image)
    (kept,) = tmp_path.iterdir()
    (kept / "network.bin").write_bytes(b"\0" * (kept / "network.bin").stat().st_size)
    assert torch.equal(choose_backend(network, CPU, "openvino", cache=tmp_path)(image), expected)
    assert (kept / "network.bin").read_bytes().strip(b"\0")


def test_other_weights_and_other_sizes_are_converted_apart(image: Tensor, tmp_path: Path) -> None:
    pytest.importorskip("openvino")
    first, second = nn.Conv3d(1, 2, 1), nn.Conv3d(1, 2, 1)
    outputs = [choose_backend(one, CPU, "openvino", cache=tmp_path)(image) for one in (first, second)]
    assert not torch.allclose(outputs[0], outputs[1])
    choose_backend(first, CPU, "openvino", cache=tmp_path)(image[..., :10])
    assert len(list(tmp_path.iterdir())) == 3


def test_a_cache_that_cannot_be_written_costs_nothing_but_time(image: Tensor, tmp_path: Path) -> None:
    pytest.importorskip("openvino")
    (tmp_path / "file").write_text("")
    network = nn.Conv3d(1, 2, 1)
    found = choose_backend(network, CPU, "openvino", cache=tmp_path / "file" / "cache")(image)
    assert (found - network(image)).abs().max() < TOLERANCE


class _Unconvertible(nn.Module):
    """Works in PyTorch; its Hessenberg reduction has no counterpart in OpenVINO."""

    def forward(self, image: Tensor) -> Tensor:
        """(1, 1, i, j, k) to (1, 2, i, j, k)."""
        factor = torch.linalg.eigvalsh(torch.eye(3) * 2.0).sum()
        return torch.cat([image, image * factor], dim=1)


def test_pytorch_takes_over_from_openvino_with_a_finding(image: Tensor) -> None:
    pytest.importorskip("openvino")
    backend = choose_backend(_Unconvertible(), CPU, patience_s=0.0)
    assert torch.allclose(backend(image)[:, 1], 6.0 * image[:, 0])
    (finding,) = fallback_findings(backend)
    assert finding.code == "slower-backend"
    assert "PyTorch float32 on cpu computed the regions: OpenVINO refuses" in finding.message


def test_openvino_that_was_asked_for_refuses_aloud(image: Tensor) -> None:
    pytest.importorskip("openvino")
    with pytest.raises(WeightsError, match="OpenVINO refuses the network"):
        choose_backend(_Unconvertible(), CPU, "openvino")(image)


def test_bfloat16_is_near_and_says_so(network: nn.Module, image: Tensor) -> None:
    exact = TorchBackend(network, CPU)(image)
    backend = TorchBackend(network, CPU, "bfloat16")
    assert backend.description == "PyTorch bfloat16 on cpu"
    difference = (backend(image) - exact).abs()
    assert 0 < difference.mean() < 0.05


def test_pytorch_is_taken_when_asked_for(network: nn.Module) -> None:
    assert choose_backend(network, CPU, "torch").description == "PyTorch float32 on cpu"


def test_openvino_on_a_gpu_is_refused(network: nn.Module) -> None:
    from deepstroke.devices import Device

    with pytest.raises(ConfigError, match="OpenVINO computes on the CPU, cuda:0 was asked for"):
        choose_backend(network, Device("cuda:0", "some GPU", "asked for"), "openvino")


def test_outputs_are_copies(image: Tensor) -> None:
    pytest.importorskip("openvino")
    backend = choose_backend(nn.Conv3d(1, 2, 1), CPU, "openvino")
    first = backend(image)
    kept = first.clone()
    backend(image * 0)
    assert np.array_equal(first.numpy(), kept.numpy())


_CONVERT = """
import torch
from torch import nn
from deepstroke.devices import choose_device
from deepstroke.inference.backends import choose_backend
choose_backend(nn.Conv3d(1, 2, 1), choose_device("cpu"), "openvino")(torch.zeros(1, 1, 4, 4, 4))
"""


def test_nothing_is_reported_over_the_network(tmp_path: Path) -> None:
    """OpenVINO's own converter announces every use, unless it believes to run in CI."""
    pytest.importorskip("openvino")
    environment = {k: v for k, v in os.environ.items() if k not in ("CI", "TF_BUILD", "JENKINS_URL")}
    subprocess.run(
        [sys.executable, "-c", _CONVERT],
        check=True,
        env={**environment, "HOME": str(tmp_path), "USERPROFILE": str(tmp_path)},
    )
    assert not (tmp_path / "intel").exists()  # where it would keep who reports


@pytest.mark.gpu
def test_a_gpu_computes_in_sixteen_bits(network: nn.Module, image: Tensor) -> None:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    expected = TorchBackend(network, CPU)(image)
    backend = choose_backend(network, choose_device("cuda"))
    assert "float16 on cuda" in backend.description
    assert (backend(image).cpu() - expected).abs().mean() < 0.05
