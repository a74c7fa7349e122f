"""Slices over columns: averages and readings known by hand, tilt included."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from deepstroke_training.synthesis import AcquisitionSettings, HeadSettings, SyntheticHead
from deepstroke_training.synthesis.rendering import CaseModel
from deepstroke_training.synthesis.sectioning import Sections, lay_sections, scan_grid
from deepstroke_training.synthesis.upright_grid import UprightGrid

LEVELS = torch.arange(0.0, 40.0, 2.0)


def sections(heights: list[float], thickness: float) -> Sections:
    return Sections(range(len(heights)), torch.tensor([heights]), LEVELS, thickness)


def test_a_slab_of_a_ramp_is_its_middle_and_of_a_step_the_part_above() -> None:
    averaging = sections([9.0, 20.5], 6.0).averaging()[0]
    assert averaging.sum(1).numpy() == pytest.approx((1.0, 1.0))
    assert (averaging @ LEVELS).numpy() == pytest.approx((9.0, 20.5), abs=1e-4)
    step = (LEVELS >= 10.0).float()
    # The step rises from 8 to 10 mm: half of the 1 mm above the middle's ramp, then 2 mm of ones, over 6 mm.
    assert float((averaging @ step)[0]) == pytest.approx((0.5 * 2.0 + 2.0) / 6.0, abs=1e-4)


def test_a_slice_beyond_the_grid_shows_the_voxel_at_its_end() -> None:
    averaging = sections([-9.0, 60.0], 1.0).averaging()[0]
    assert float(averaging[0, 0]) == pytest.approx(1.0, abs=0.15)
    assert float(averaging[1, -1]) == pytest.approx(1.0, abs=0.15)


def test_columns_are_read_linearly_between_uneven_slices() -> None:
    reading, covered = sections([4.0, 9.0, 19.0], 5.0).reading()
    values = reading[0] @ torch.tensor([40.0, 90.0, 190.0])
    assert values[2:10].numpy() == pytest.approx(10.0 * LEVELS[2:10].numpy(), abs=1e-3)
    assert covered[0].tolist() == [bool(1.5 <= z <= 24.0) for z in LEVELS.tolist()]


def test_a_single_slice_covers_its_thickness() -> None:
    reading, covered = sections([10.0], 5.0).reading()
    assert reading.shape == (1, 20, 1)
    assert LEVELS[covered[0]].tolist() == [8.0, 10.0, 12.0]


def model(maker: SyntheticHead, **settings: float) -> CaseModel:
    plain = {"noise_hu": 0.0, "cupping_hu": 0.0, "streak_hu": 0.0, "head_rest": False}
    return maker.draw(1, HeadSettings(acquisition=AcquisitionSettings(**plain | settings)))  # type: ignore[arg-type]


def test_tilted_slices_rise_towards_the_face(maker: SyntheticHead) -> None:
    case = model(maker, tilt_degrees=20.0, shift_mm=(0.0, 10.0, 0.0), matrix=100, pixel_mm=2.2)  # type: ignore[arg-type]
    grid = UprightGrid((40, 40, 40), (-78.0, -68.0, -78.0), 4.0)
    laid = lay_sections(case, grid)
    rise = laid.heights[30] - laid.heights[10]
    assert rise.numpy() == pytest.approx(np.full(len(rise), 80.0 * math.tan(math.radians(20))), abs=1e-3)
    assert float(laid.heights[0].diff()[0]) == pytest.approx(5.0 / math.cos(math.radians(20)), abs=1e-4)
    assert float(laid.heights[0, 0]) <= -78.0 + 6.0
    assert laid.thickness_mm == pytest.approx(5.0 / math.cos(math.radians(20)))


def test_what_is_smooth_is_shown_as_it_is_and_nothing_outside_the_field(maker: SyntheticHead) -> None:
    case = model(maker, tilt_degrees=15.0, matrix=64, pixel_mm=2.2)
    grid = UprightGrid((44, 44, 36), (-86.0, -86.0, -70.0), 4.0)
    hu = 30.0 + 0.1 * grid.points(torch.device("cpu"))[2]
    image, scanned = scan_grid(case, grid, hu, torch.ones_like(hu), seed=1)
    # Half a slice's step, at 0.1 HU a mm, where the outer slices are carried on beyond their middle.
    assert float((image - hu)[scanned].abs().max()) < 0.27
    assert float((image - hu)[:, :, 6:-6][scanned[:, :, 6:-6]].abs().max()) < 0.02
    assert set(image[~scanned].tolist()) == {-1024.0}
    radius = torch.hypot(grid.axis(0, hu.device)[:, None], grid.axis(1, hu.device)[None] / math.cos(math.radians(15)))
    assert not scanned[radius > 64 * 1.1].any()
    assert scanned[radius < 64 * 1.1][:, 15:25].all()


def test_a_grid_meets_the_slices_of_a_scan_in_two_parts_by_their_numbers(maker: SyntheticHead) -> None:
    case = model(maker, step_mm=3.0, upper_step_mm=8.0, change_mm=-10.0)
    whole = lay_sections(case, UprightGrid((4, 4, 60), (0.0, 0.0, -100.0), 4.0))
    steps = whole.heights[0].diff()
    assert whole.numbers == range(len(steps) + 1)
    assert set(steps.round().tolist()) == {3.0, 8.0}
    upper = lay_sections(case, UprightGrid((4, 4, 10), (0.0, 0.0, 30.0), 4.0))
    assert torch.equal(upper.heights, whole.heights[:, upper.numbers.start : upper.numbers.stop])
    assert float(upper.heights[0, 0]) < 30 <= float(upper.heights[0, 1])


def test_a_small_field_of_view_beside_the_head_is_all_that_is_scanned(maker: SyntheticHead) -> None:
    case = model(maker, matrix=50, pixel_mm=2.0, field_shift_mm=(20.0, 0.0))  # type: ignore[arg-type]
    grid = UprightGrid((44, 44, 10), (-86.0, -86.0, -20.0), 4.0)
    scanned = scan_grid(case, grid, torch.zeros(grid.shape), torch.zeros(grid.shape), seed=1)[1]
    seen = grid.points(torch.device("cpu"))[:2, scanned]
    assert seen.amin(1).numpy() == pytest.approx((-30.0, -50.0), abs=4.0)
    assert seen.amax(1).numpy() == pytest.approx((70.0, 50.0), abs=4.0)
