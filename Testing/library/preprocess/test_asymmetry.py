"""The darker side is the side where the phantom was made darker."""

from __future__ import annotations

import pytest

from deepstroke.preprocess.asymmetry import DarkArea, largest_dark_area
from deepstroke.preprocess.cavity import find_cavity
from deepstroke.preprocess.midsagittal import find_plane
from phantoms_head import HeadPhantom, head_grid


def _dark(head: HeadPhantom) -> DarkArea | None:
    cavity = find_cavity(head.sample(head_grid((1.8, 1.8, 4.0)))[0])
    return largest_dark_area(cavity, find_plane(cavity))


@pytest.mark.parametrize(("x", "side"), [(38.0, "right"), (-38.0, "left")])
def test_a_defect_is_found_on_its_side_in_a_turned_head(x: float, side: str) -> None:
    head = HeadPhantom(balls=(((x, -10.0, 20.0), 20.0, 8.0),), rotation_degrees=(0.0, 15.0, -10.0))
    dark = _dark(head)
    assert dark is not None
    assert dark.side == side
    assert dark.ml == pytest.approx(4 / 3 * 3.14159 * 2.0**3, rel=0.3)
    assert -22.0 < dark.difference_hu < -10.0


def test_a_healthy_head_has_none() -> None:
    dark = _dark(HeadPhantom(rotation_degrees=(0.0, 15.0, -10.0)))
    assert dark is None or dark.ml < 1.0
