"""The comparison of networks, on made cases so small that the answers are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from deepstroke.errors import ConfigError
from deepstroke_training.benchmarks.networks import NetworksBenchmark
from deepstroke_training.benchmarks.networks_errors import errors_table
from deepstroke_training.benchmarks.networks_work import (
    CASE_FILE,
    HeadFacts,
    NetworkChoice,
    NetworksWork,
    read_case,
)
from deepstroke_training.benchmarks.networks_worker import NetworkFigures, measure, rate_factor, region_dice

SMALL = {"depth": 2, "base_channels": 4}
TINY = NetworksWork(
    networks=(NetworkChoice("unet3d", SMALL), NetworkChoice("unet3d", SMALL, lr=1e-9)),
    shape=(16, 16, 16),
    training_cases=2,
    held_out_cases=2,
    steps=30,
    lr=0.02,
)


def write_halves(folder: Path) -> None:
    """Heads whose bright half is region 1."""
    rng = np.random.default_rng(0)
    for number in range(TINY.training_cases + TINY.held_out_cases):
        labels = np.zeros(TINY.shape, np.uint8)
        labels[:8] = 1
        image = (0.8 * labels + 0.05 * rng.standard_normal(TINY.shape)).astype(np.float32)
        np.savez(folder / CASE_FILE.format(number), image=image, labels=labels, facts=[5.0, 12.0, number % 2, 0.0])


def test_cases_come_back_with_their_facts(tmp_path: Path) -> None:
    write_halves(tmp_path)
    assert read_case(tmp_path, 0).facts == HeadFacts(5.0, 12.0, "none")
    assert read_case(tmp_path, 1).facts == HeadFacts(5.0, 12.0, "acute")


def test_a_network_learns_more_at_a_rate_at_which_it_can(tmp_path: Path) -> None:
    write_halves(tmp_path)
    learnt, still = (measure(TINY, tmp_path, number) for number in (0, 1))
    assert learnt.parameters == still.parameters
    assert learnt.steps == still.steps == TINY.steps
    assert learnt.dice[0][1:] == (None,) * 9
    assert (learnt.dice[0][0] or 0) > 0.9 > (still.dice[0][0] or 0)


def test_seconds_end_the_training_too(tmp_path: Path) -> None:
    write_halves(tmp_path)
    work = NetworksWork(**{**vars(TINY), "steps": 10_000, "seconds": 0.05})
    assert measure(work, tmp_path, 0).steps < 100


def test_dice_of_regions_is_none_where_the_truth_lacks_one() -> None:
    truth, found = np.array([1, 1, 2, 2, 0]), np.array([1, 0, 2, 2, 3])
    assert region_dice(found, truth) == (pytest.approx(2 / 3), 1.0, *(None,) * 8)


def test_the_rate_rises_and_falls() -> None:
    assert [round(rate_factor(share), 3) for share in (0.1, 0.2, 0.6, 1.0)] == [0.5, 1.0, 0.5, 0.0]


def test_the_table_pairs_with_the_first_and_tells_the_worst() -> None:
    better, worse = ((0.9,) * 10, (0.7,) * 10), ((0.8,) * 10, (0.6,) * 10)
    figures = tuple(NetworkFigures(1234, 30, 0.5, 0.1, 15.0, 200.0, dice) for dice in (better, worse))
    facts = (HeadFacts(1.0, 0.0, "none"), HeadFacts(5.0, 20.0, "acute"))
    result = NetworksBenchmark(TINY, figures, facts, "here")
    assert float(result.beside_first(1).difference) == pytest.approx(-0.1)
    lines = result.table().splitlines()
    assert any(line.split()[:6] == ["unet3d", "1,234", "30", "0.50", "0.10", "200"] for line in lines)
    assert any("-0.100 (-0.100 to -0.100)" in line for line in lines)
    assert any(line.startswith("unet3d: 0.600 (5 mm slices, tilt 20 degrees, acute lesion)") for line in lines)


def test_errors_are_told_by_region_and_by_kind_of_head() -> None:
    dice = np.full((2, 10), 0.8)
    dice[1, 3] = np.nan
    dice[0, 0] = 0.0
    text = errors_table(["a"], [dice], [HeadFacts(1.0, 0.0, "none"), HeadFacts(5.0, 0.0, "other")])
    rows = {line.split("  ")[0]: line.split() for line in text.splitlines() if line}
    assert rows["C"][-1] == "0.400"
    assert rows["thin slices"][-2:] == ["1", "0.720"]
    assert rows["thick slices (4 mm or more)"][-2:] == ["1", "0.800"]
    assert "gantry tilted" not in rows


def test_faulty_work_is_refused_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        NetworksWork(networks=TINY.networks[:1], steps=0, held_out_cases=1)
    assert [line.split(":")[0] for line in str(caught.value).splitlines()] == ["held_out_cases", "steps", "networks"]
    with pytest.raises(ConfigError, match="dept: no such setting"):
        NetworkChoice("unet3d", {"dept": 3})
