"""Changed scans show the same head where they say it is, and equal answers count as equal."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from deepstroke.frames import apply_affine
from deepstroke.nifti import write_nifti
from deepstroke.volume import Volume
from deepstroke_training.assessment.stability import changes_of, measure_stability
from deepstroke_training.synthesis import AcquisitionSettings, HeadSettings, SyntheticHead
from phantoms_network import write_weights

SHAPE = (40, 50, 30)
SPACING = np.diag([2.0, 2.0, 3.0, 1.0])


def a_slope() -> Volume:
    """HU that name the place: 100 + 1.5 x + y + 0.5 z in RAS+ mm about the scan's middle."""
    ijk_to_ras = SPACING.copy()
    ijk_to_ras[:3, 3] = -(SPACING[:3, :3] @ (np.array(SHAPE) - 1)) / 2
    ras = apply_affine(ijk_to_ras, np.moveaxis(np.indices(SHAPE), 0, -1))
    return Volume((100.0 + ras @ [1.5, 1.0, 0.5]).astype(np.float32), ijk_to_ras)


NAMES = tuple(changes_of(a_slope()))


def test_all_changes_are_there() -> None:
    assert len(NAMES) == 17
    assert {"mirrored", "pitch -15 degrees", "re-sliced, yaw +15 degrees", "base cut by 30 mm"} <= set(NAMES)


@pytest.mark.parametrize("name", [name for name in NAMES if "HU" not in name])
def test_a_point_of_the_head_is_where_the_change_says(name: str) -> None:
    scan = a_slope()
    changed = changes_of(scan)[name]()
    inner = np.array([[20, 25, 15], [14, 30, 13], [26, 20, 17]])
    place = changed.scan.ijk_of(apply_affine(changed.moved, scan.ras_of(inner)))
    nearest = np.rint(place).astype(int)
    off_mm = (place - nearest) @ changed.scan.ijk_to_ras[:3, :3].T @ changed.moved[:3, :3]
    expected = scan.data[tuple(inner.T)] - off_mm @ [1.5, 1.0, 0.5]
    assert changed.scan.data[tuple(nearest.T)] == pytest.approx(expected, abs=0.5)


def test_mirrored_heads_are_mirrored_and_others_are_not() -> None:
    mirrored = {name: make().mirrored for name, make in changes_of(a_slope()).items()}
    assert [name for name, answer in mirrored.items() if answer] == ["mirrored"]
    assert np.linalg.det(changes_of(a_slope())["mirrored"]().moved[:3, :3]) == pytest.approx(-1.0)


def test_noise_and_shift_are_as_large_as_they_say() -> None:
    scan = a_slope()
    changes = changes_of(scan)
    assert (changes["noise of 5 HU"]().scan.data - scan.data).std() == pytest.approx(5.0, rel=0.02)
    assert changes["-5 HU"]().scan.data == pytest.approx(scan.data - 5.0)


@pytest.fixture(scope="module")
def head(tmp_path_factory: pytest.TempPathFactory) -> Path:
    acquisition = AcquisitionSettings(matrix=128, pixel_mm=1.9, render_mm=1.9)
    case = SyntheticHead().generate(3, HeadSettings(acquisition=acquisition))
    path = tmp_path_factory.mktemp("head") / "head.nii.gz"
    write_nifti(case.volume, path)
    return path


def test_a_network_that_follows_the_brain_is_steady(head: Path, tmp_path: Path) -> None:
    """It lays regions onto the brain's extent, which moves with the head and doesn't turn with it."""
    weights = write_weights(tmp_path, "laid", "phantom-atlas")
    changes = ("mirrored", "roll +15 degrees", "shifted by 12 mm along each axis")
    found = measure_stability([head], weights, changes=changes, output=tmp_path / "figures.json")
    dice = {one.change: one.dice for one in found.figures}
    assert tuple(dice) == changes
    assert None not in dice.values()
    assert (dice["mirrored"] or 0) > 0.9
    assert dice["shifted by 12 mm along each axis"] == pytest.approx(1.0, abs=0.01)
    assert (dice["roll +15 degrees"] or 0) < 0.8
    assert "mirrored" in found.table()
    assert (tmp_path / "figures.json").exists()
