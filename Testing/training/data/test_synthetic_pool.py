"""Pools of synthetic cases: the same bits, seeds that never meet, repair, and growth beside training."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import psutil
import pytest
import torch

from deepstroke_training.data.pool_growth import GrowingPool, PoolGrowth
from deepstroke_training.data.splits import PARTS
from deepstroke_training.data.synthetic_pool import PoolRecipe, SyntheticPool, generator_version
from deepstroke_training.synthesis.random_fields import stream_seed


def test_a_case_holds_a_head_with_its_truth(pool: SyntheticPool) -> None:
    case = pool.case(0)
    assert case.name == "synthetic-train-000000"
    assert case.whole_head
    assert case.image.shape == (40, 48, 40)
    assert 900 < float(case.brain.sum()) * 0.064 < 1800
    assert 25 < float(case.image[case.brain].double().median()) < 42
    assert int(case.image.max()) > 500
    assert set(case.label.unique().tolist()) <= set(range(21))
    assert int((case.label.unique() > 0).sum()) > 10
    assert case.template_mm is not None
    left, right = (
        case.template_mm[0].float()[mask] for mask in ((case.label > 0) & (case.label < 11), case.label > 10)
    )
    assert float(left.max()) < 2 and float(right.min()) > -2  # noqa: PT018


def test_a_case_is_made_of_the_same_bits_again(pool: SyntheticPool, tmp_path: Path) -> None:
    other = SyntheticPool(tmp_path, pool.recipe)
    for name, tensor in other.case(1).tensors.items():
        assert torch.equal(tensor, pool.case(1).tensors[name])
    assert not torch.equal(pool.case(0).image, pool.case(1).image)


def test_a_damaged_case_is_made_again(pool: SyntheticPool, tmp_path: Path) -> None:
    other = SyntheticPool(tmp_path, pool.recipe)
    other.path(0).parent.mkdir(parents=True)
    content = bytearray(pool.path(0).read_bytes())
    content[-1] ^= 1
    other.path(0).write_bytes(content)
    assert not other.is_there(0)
    assert pool.is_there(0)
    assert torch.equal(other.case(0).image, pool.case(0).image)
    assert other.numbers() == [0]


def test_no_seed_is_in_two_parts() -> None:
    seeds = {
        (run, part): {stream_seed(stream_seed(run, f"pool/{part}"), f"sample/{n}") >> 16 for n in range(3000)}
        for run in range(3)
        for part in PARTS
    }
    assert len(set().union(*seeds.values())) == 9 * 3000


def test_every_setting_has_a_folder_of_its_own(recipe: PoolRecipe, tmp_path: Path) -> None:
    others = [
        recipe,
        replace(recipe, stream="validation"),
        replace(recipe, seed=1),
        replace(recipe, spacing_mm=3.0),
        replace(recipe, shape=(40, 48, 32)),
        replace(recipe, jitter_mm=0.0),
        replace(recipe, template_mm=False),
    ]
    assert len({SyntheticPool(tmp_path, other).folder for other in others}) == len(others)
    assert len(generator_version()) == 16


def test_a_growing_pool_gives_what_is_there(pool: SyntheticPool) -> None:
    growing = GrowingPool(pool, 50)
    assert len(growing) == 50
    assert growing[1].name == "synthetic-train-000001"
    assert growing[31].name in ("synthetic-train-000000", "synthetic-train-000001")
    with pytest.raises(IndexError, match="case 50 of 50"):
        growing[50]


def until(condition: object, seconds: float = 400.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():  # type: ignore[operator]
            return True
        time.sleep(0.1)
    return False


@pytest.mark.slow
def test_a_pool_grows_beside_training_and_stops_with_it(recipe: PoolRecipe, tmp_path: Path) -> None:
    """The process that trains is killed: what makes its cases ends as well, and leaves whole cases alone."""
    script = (
        "import sys, time; from pathlib import Path\n"
        "from deepstroke_training.data.pool_growth import PoolGrowth\n"
        "from deepstroke_training.data.synthetic_pool import PoolRecipe, SyntheticPool\n"
        "if __name__ == '__main__':\n"
        "    recipe = PoolRecipe('train', spacing_mm=4.0, shape=(40, 48, 40))\n"
        "    growth = PoolGrowth(SyntheticPool(Path(sys.argv[1]), recipe), 100000)\n"
        "    growth.start(); print(growth.running[0].pid, flush=True); time.sleep(600)\n"
    )
    program = tmp_path / "grow.py"
    program.write_text(script)
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    parent = subprocess.Popen([sys.executable, str(program), str(tmp_path)], stdout=subprocess.PIPE, env=environment)
    assert parent.stdout is not None
    maker = psutil.Process(int(parent.stdout.readline()))
    pool = SyntheticPool(tmp_path, recipe)
    try:
        assert until(lambda: len(pool.numbers()) >= 2)
    finally:
        parent.kill()
        parent.wait()
    assert until(lambda: not maker.is_running() or maker.status() == psutil.STATUS_ZOMBIE)
    assert pool.numbers() == list(range(len(pool.numbers())))
    assert all(pool.is_there(number) for number in pool.numbers())


def test_a_full_pool_starts_no_process(pool: SyntheticPool) -> None:
    growth = PoolGrowth(pool, 2, processes=2)
    growth.start()
    assert growth.running == []
    assert PoolGrowth(pool, 9, processes=2, node=1, nodes=3).shares == [(2, 6), (3, 6)]


def test_jobs_report_and_fail_by_name(tmp_path: Path) -> None:
    from deepstroke.errors import DeepStrokeError
    from deepstroke_training.data.making import alone_in, run_jobs

    told: list[str] = []
    made: list[int] = []
    with alone_in(tmp_path / "pool"):
        run_jobs([partial(made.append, n) for n in range(3)], 1, lambda _, text: told.append(text), "head")
    assert made == [0, 1, 2]
    assert told == ["head 1 of 3", "head 2 of 3", "head 3 of 3"]
    with pytest.raises(DeepStrokeError, match="a process that makes a head was killed"):
        run_jobs([partial(os._exit, 9)] * 2, 2, what="head")
