"""The second pass against displacements that are known: it mends them, and leaves alone what nothing speaks for."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from deepstroke import atlas
from deepstroke.atlas import propagate_labels
from deepstroke.atlas.overlay_cloud import OverlayCloud
from deepstroke.atlas.second_pass import Level, RefinementSettings, refine
from deepstroke.errors import ConfigError, RegistrationError
from deepstroke.register import SpatialTransform
from deepstroke.volume import LabelMap, Volume
from phantoms_overlay import CLEAN, Drawing, draw_outlines, smooth_warp

FIRST_PASS = SpatialTransform.from_affine(np.eye(4))
#: Where only the way a result behaves matters, not how near it comes.
QUICK = RefinementSettings(levels=(Level(16.0, 8.0, 5), Level(8.0, 4.0, 5)), spacing_mm=4.0)


@cache
def whole_atlas() -> atlas.Atlas:
    return atlas.load()


@cache
def scan_grid() -> Volume:
    """A scan over all regions in 5 mm slices of 1.4 mm pixels."""
    affine = np.diag([1.4, 1.4, 5.0, 1.0])
    affine[:3, 3] = (-78.0, -100.0, -30.0)
    return Volume(np.zeros((112, 136, 22), np.uint8), affine)


@cache
def case(seed: int, longest_mm: float = 5.0) -> tuple[SpatialTransform, LabelMap]:
    """The true map of a scan to the atlas, which the first pass (the identity) misses, and the true regions."""
    truth = smooth_warp(whole_atlas().template, seed, longest_mm)
    return truth, propagate_labels(whole_atlas(), truth, scan_grid())


def mean_dice(found: LabelMap, truth: LabelMap) -> float:
    each = [
        2
        * np.count_nonzero((found.data == label) & (truth.data == label))
        / (np.count_nonzero(found.data == label) + np.count_nonzero(truth.data == label))
        for label in range(1, 21)
    ]
    return float(np.mean(each))


def outlines_of(truth: LabelMap, seed: int, drawing: Drawing) -> OverlayCloud:
    return OverlayCloud.from_volume(draw_outlines(truth, seed, drawing))


@pytest.mark.parametrize(
    ("drawing", "least_gain", "least_dice", "most_error"),
    [
        (CLEAN, 0.09, 0.92, 0.6),
        (Drawing(), 0.07, 0.895, 0.72),
        (Drawing(gaps=0.5, noise=0.004, missing=6, jitter=1.0), 0.04, 0.865, 0.8),
    ],
    ids=["clean", "as drawn", "poor"],
)
def test_outlines_mend_what_the_first_pass_missed(
    drawing: Drawing, least_gain: float, least_dice: float, most_error: float
) -> None:
    truth, regions = case(1)
    refined = refine(FIRST_PASS, outlines_of(regions, 1, drawing), whole_atlas())
    before = mean_dice(propagate_labels(whole_atlas(), FIRST_PASS, scan_grid()), regions)
    after = mean_dice(propagate_labels(whole_atlas(), refined, scan_grid()), regions)
    assert after > before + least_gain
    assert after > least_dice
    inside = scan_grid().ras_of(np.argwhere(regions.mask))
    errors = [np.linalg.norm(t.map_points(inside) - truth.map_points(inside), axis=1) for t in (FIRST_PASS, refined)]
    assert np.median(errors[1]) < most_error * np.median(errors[0])


def test_the_refined_map_inverts_keeps_its_first_part_and_ends_at_its_margin() -> None:
    _, regions = case(2)
    pose = np.eye(4)
    pose[:3, 3] = (30.0, -20.0, 10.0)
    moved = LabelMap(regions.data, np.linalg.inv(pose) @ regions.ijk_to_ras)
    first = SpatialTransform.from_affine(pose, "first")
    refined = refine(first, outlines_of(moved, 2, CLEAN), whole_atlas(), QUICK)
    np.testing.assert_array_equal(refined.steps[0], pose)
    assert refined.engine == "first + outlines"
    points = moved.ras_of(np.argwhere(moved.mask))
    there = refined.map_points(points)
    assert np.abs(refined.inverse().map_points(there) - points).max() < 0.05
    shift = np.linalg.norm(there - first.map_points(points), axis=1)
    assert 1.0 < shift.max() <= QUICK.most_mm
    places = whole_atlas().labels.ras_of(np.argwhere(whole_atlas().labels.mask))
    beyond = np.array([places.max(axis=0) + 31, places.min(axis=0) - 31]) - pose[:3, 3]
    np.testing.assert_allclose(refined.map_points(beyond), first.map_points(beyond), atol=1e-9)


def test_where_nothing_was_drawn_nothing_moves() -> None:
    _, regions = case(3)
    left_only = LabelMap(np.where(regions.data <= 10, regions.data, 0), regions.ijk_to_ras)
    refined = refine(FIRST_PASS, outlines_of(left_only, 3, CLEAN), whole_atlas(), QUICK)

    def shift(side: Callable[[NDArray], NDArray]) -> float:
        points = regions.ras_of(np.argwhere(side(regions.data)))
        return float(np.median(np.linalg.norm(refined.map_points(points) - points, axis=1)))

    assert shift(lambda data: (data >= 1) & (data <= 10)) > 0.5
    assert shift(lambda data: data > 14) < 0.1


def test_outlines_that_fit_move_next_to_nothing() -> None:
    regions = propagate_labels(whole_atlas(), FIRST_PASS, scan_grid())
    refined = refine(FIRST_PASS, outlines_of(regions, 4, CLEAN), whole_atlas(), QUICK)
    points = scan_grid().ras_of(np.argwhere(regions.mask))
    assert np.percentile(np.linalg.norm(refined.map_points(points) - points, axis=1), 95) < 0.4


def test_the_same_outlines_give_the_same_bits() -> None:
    _, regions = case(1)
    cloud = outlines_of(regions, 1, Drawing())
    fields = [refine(FIRST_PASS, cloud, whole_atlas(), QUICK) for _ in range(2)]
    np.testing.assert_array_equal(fields[0].steps[-1].data, fields[1].steps[-1].data)  # type: ignore[union-attr]


def test_too_few_points_leave_the_first_pass_and_say_so() -> None:
    cloud = OverlayCloud(np.array([[40.0, 0.0, 5.0]] * 20), np.array([0.0, 0, 1]), 0.5, 5.0)
    kept = refine(FIRST_PASS, cloud, whole_atlas())
    assert kept.steps is FIRST_PASS.steps
    assert [finding.code for finding in kept.findings] == ["overlay-too-sparse"]
    assert "at least 300 are needed" in kept.findings[0].message


def test_a_folding_refinement_is_an_error() -> None:
    _, regions = case(1)
    wild = RefinementSettings(levels=(Level(1.5, 20.0, 8),), elasticity_mm=0.5, share=1.0, most_mm=40.0)
    with pytest.raises(RegistrationError, match="the second pass folds the map"):
        refine(FIRST_PASS, outlines_of(regions, 1, Drawing(noise=0.05)), whole_atlas(), wild)


def test_settings_name_all_their_faults() -> None:
    with pytest.raises(ConfigError, match=r"one level or more.*spacing_mm.*share within 0\.\.1, found 2"):
        RefinementSettings(levels=(), spacing_mm=0, share=2)
