"""The training benchmark: its turns, its figures by hand, and each contender really training."""

from __future__ import annotations

import io
import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch

from deepstroke.errors import ConfigError, DeepStrokeError, MissingDependencyError
from deepstroke_training.benchmarks.training import ContenderFigures, TrainingBenchmark, run
from deepstroke_training.benchmarks.training_loading import measure_loading, read_figures
from deepstroke_training.benchmarks.training_process import Contender
from deepstroke_training.benchmarks.training_work import GatedBatches, NoMoreOrdersError, StepTimes, Work

SMALL = Work("plain", size=16, batch=1, base_channels=2, chunked=True)


def figures(name: str, step_mb: float, *seconds: float) -> ContenderFigures:
    rounds = tuple(StepTimes((second, second), (second / 2, second / 2), 0.0, 0.0) for second in seconds)
    return ContenderFigures(name, rounds, 1000.0, step_mb)


@pytest.mark.parametrize(("size", "depth"), [(32, 4), (64, 5), (96, 6), (256, 7), (512, 7)])
def test_a_volume_gets_as_many_levels_as_it_allows(size: int, depth: int) -> None:
    assert Work(size=size).depth == depth


def test_work_that_cannot_be_done_is_refused_with_all_faults() -> None:
    wrong: Any = {"batch": 0, "size": 33, "trainer": "keras"}
    with pytest.raises(ConfigError, match="size: a multiple of 16 is expected for 5 levels, found 33") as caught:
        Work(**wrong)
    assert [line.split(":")[0] for line in str(caught.value).splitlines()] == ["batch", "size", "trainer"]


def test_contenders_are_named_by_what_they_do() -> None:
    assert Work("deepstroke").name == "deepstroke"
    assert Work(chunked=True, checkpointed=True).name == "plain, chunked loss, checkpointed"


def test_a_batch_is_as_the_data_module_gives_it() -> None:
    batch = Work(size=24, batch=2).make_batch()
    assert batch["image"].shape == batch["label"].shape == (2, 1, 24, 24, 24)
    assert batch["label"].dtype == torch.uint8
    assert 5 < len(batch["label"].unique()) <= 11
    assert batch["label"].max() <= 10


def test_steps_are_done_as_ordered_and_timed() -> None:
    answers = io.StringIO()
    batches = GatedBatches(SMALL, io.StringIO("1\n3\n"), answers)
    with pytest.raises(NoMoreOrdersError):
        list(batches)
    ready, first, second = answers.getvalue().splitlines()
    assert ready == "ready"
    assert [len(json.loads(line)["wall_s"]) for line in (first, second)] == [1, 3]
    assert json.loads(second)["peak_mb"] > 10


def test_overhead_is_the_median_over_the_rounds() -> None:
    plain, ours = figures("plain", 100, 1.0, 2.0, 10.0), figures("deepstroke", 90, 1.1, 2.0, 30.0)
    assert ours.beyond(plain, "wall_s") == pytest.approx(0.1)
    assert ours.wall_s == 2.0
    assert ours.cpu_s == pytest.approx((1.1 + 2 + 30) / 6)


def test_the_table_sets_each_beside_the_plain_loop() -> None:
    found = (figures("plain", 100, 1.0), figures("deepstroke", 90, 1.02), figures("plain, chunked loss", 40, 0.9))
    result = TrainingBenchmark("a machine", Work(), found, {"compiled": "there is no CUDA device"}, load=1.5)
    assert result.overhead == pytest.approx(0.02)
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in result.markdown().splitlines()[:5]]
    assert rows[2] == ["plain", "1.000", "0.500", "2.00", "-", "-", "100", "1000", "-"]
    assert rows[4] == ["plain, chunked loss", "0.900", "0.450", "2.22", "-10.0%", "-10.0%", "40", "1000", "-60%"]
    assert "overhead of our trainer over the plain loop: +2.0% of processor time" in result.table()
    assert "not measured: compiled: there is no CUDA device" in result.table()
    assert json.loads(json.dumps(result.as_dict()))["contenders"][2]["memory_gain"] == pytest.approx(0.6)


def test_a_runs_figures_leave_its_start_out(tmp_path: Path) -> None:
    rows = ["samples_per_second,waiting,memory_gb", "0.1,0.9,5", "1.0,0.02,20", "3.0,0.04,21"]
    (tmp_path / "steps.csv").write_text("\n".join(rows))
    found = read_figures(tmp_path / "steps.csv", [0.9, 1.0], workers=8)
    assert found.samples_per_s == pytest.approx(2 / (1 / 1 + 1 / 3))
    assert (found.waiting, found.memory_gb, found.utilization) == (pytest.approx(0.03), 21.0, pytest.approx(0.95))
    assert "waiting for data 3.0% (target: at most 5%)" in found.describe()
    assert "GPU busy unknown" in read_figures(tmp_path / "steps.csv", [], workers=8).describe()


def test_the_plain_loop_and_our_trainer_take_turns() -> None:
    with Contender(SMALL) as plain, Contender(Work("deepstroke", 16, 1, 2, chunked=True)) as ours:
        for contender in (plain, ours, plain, ours):
            times = contender.take(2)
            assert len(times.wall_s) == len(times.cpu_s) == 2
            assert min(times.cpu_s) > 0
            assert times.peak_mb > 100


def test_nnunets_own_trainer_learns_from_the_same_volumes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("nnunetv2")
    from deepstroke_training.benchmarks import training_nnunet

    for name in ("nnUNet_raw", "nnUNet_preprocessed", "nnUNet_results", "nnUNet_compile"):
        monkeypatch.setenv(name, "")
    work = Work("nnunet", 16, 1, 2)
    trainer = training_nnunet.make_trainer(work, tmp_path)
    assert type(trainer.network).__name__ == "PlainConvUNet"
    assert trainer.network.encoder.output_channels == [2, 4, 8]
    batch = work.make_batch()
    targets = training_nnunet._targets(trainer, batch["label"])
    assert [tuple(target.shape[2:]) for target in targets] == [(16, 16, 16), (8, 8, 8)]
    losses = [float(trainer.train_step({"data": batch["image"], "target": targets})["loss"]) for _ in range(20)]
    assert math.isfinite(losses[-1])
    assert losses[-1] < losses[0]


def test_a_missing_peer_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process finds a package that can't be imported before the real one."""
    (tmp_path / "nnunetv2.py").write_text("raise ImportError")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with (
        Contender(Work("nnunet", 16, 1, 2)) as contender,
        pytest.raises(MissingDependencyError, match="pip install nnunetv2"),
    ):
        contender.take(1)


def test_a_contender_that_fails_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "psutil.py").write_text("raise RuntimeError('no such thing')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with Contender(SMALL) as contender, pytest.raises(DeepStrokeError, match=r"plain, .* failed: .*no such thing"):
        contender.take(1)


@pytest.mark.slow
def test_a_whole_benchmark_measures_all_contenders(tmp_path: Path) -> None:
    result = run(size=16, batch=1, base_channels=2, steps=2, device="cpu", output=tmp_path / "training.json")
    names = [each["name"] for each in json.loads((tmp_path / "training.json").read_text())["contenders"]]
    assert names[:3] == ["plain", "deepstroke", "nnunet"] or "nnunet" in result.skipped
    assert "bench training --size 16" in (tmp_path / "training.md").read_text()


@pytest.mark.slow
def test_a_run_with_its_data_loader_is_measured() -> None:
    found = measure_loading(Work("plain", 64, 1, 2, chunked=True), steps=20)
    assert found.samples_per_s > 0
    assert 0 < found.waiting < 1
    assert found.workers == 0


@pytest.mark.gpu
def test_a_gpu_is_measured_with_its_loader() -> None:
    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    result = run(size=64, batch=1, steps=2, device="cuda")
    assert result.loading is not None
    assert result.of("plain, compiled").wall_s > 0
