"""Filling outlines: right on closed ones, wrong on those with gaps, which is why the atlas came in its place."""

from __future__ import annotations

import numpy as np
import pytest

from deepstroke.errors import ConfigError, GeometryError
from deepstroke.volume import LabelMap, Volume
from deepstroke_training.curation.morphological_baseline import FillingSettings, fill_outlines

AFFINE = np.diag([1.0, 0.8, 5.0, 1.0])


def regions() -> LabelMap:
    """Two regions side by side and one apart on the other side, on two of three slices; left unlike right."""
    data = np.zeros((90, 80, 3), np.uint8)
    data[10:35, 10:40, :2] = 5
    data[10:35, 40:70, :2] = 6
    data[60:80, 20:60, :2] = 16
    return LabelMap(data, AFFINE)


def drawn(truth: LabelMap) -> np.ndarray:
    padded = np.pad(truth.data, ((1, 1), (1, 1), (0, 0)))
    around = (padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:])
    return (truth.data > 0) & np.logical_or.reduce([side != truth.data for side in around])


def dice(found: LabelMap, truth: LabelMap, label: int) -> float:
    a, b = found.data == label, truth.data == label
    return 2 * np.count_nonzero(a & b) / (np.count_nonzero(a) + np.count_nonzero(b))


def test_closed_outlines_fill_to_their_regions_by_the_approximate_names() -> None:
    truth = regions()
    names = truth.with_labels(np.roll(truth.data, (4, -3), axis=(0, 1)))
    filled = fill_outlines(Volume(drawn(truth).astype(np.uint8), AFFINE), names)
    for label in (5, 6, 16):
        assert dice(filled, truth, label) > 0.97
    assert not filled.data[:, :, 2].any()


def test_a_small_gap_is_closed_and_a_wide_one_lets_the_region_run_out() -> None:
    truth = regions()
    line = drawn(truth)
    small, wide = line.copy(), line.copy()
    small[60, 30:35] = False
    wide[60, 20:60] = False
    found = [fill_outlines(Volume(cut.astype(np.uint8), AFFINE), truth) for cut in (small, wide)]
    assert dice(found[0], truth, 16) > 0.95
    assert dice(found[1], truth, 16) == 0
    assert dice(found[1], truth, 5) > 0.97


def test_pieces_without_a_name_stay_empty() -> None:
    truth = regions()
    nameless = truth.with_labels(np.where(truth.data == 16, 0, truth.data))
    filled = fill_outlines(Volume(drawn(truth).astype(np.uint8), AFFINE), nameless)
    assert filled.present() == [5, 6]


def test_noise_does_not_name_the_outside() -> None:
    truth = regions()
    line = drawn(truth)
    line[np.random.default_rng(1).random(line.shape) < 0.001] = True
    filled = fill_outlines(Volume(line.astype(np.uint8), AFFINE), truth)
    assert np.count_nonzero((filled.data > 0) & ~truth.mask) < 0.05 * np.count_nonzero(truth.mask)


def test_names_on_another_grid_and_senseless_settings_are_refused() -> None:
    truth = regions()
    with pytest.raises(GeometryError, match="the map that names the pieces lies on another grid"):
        fill_outlines(Volume(truth.data, AFFINE), LabelMap(truth.data, np.eye(4)))
    with pytest.raises(ConfigError, match="expected rising bridged_mm"):
        FillingSettings(bridged_mm=(4.0, 2.0))
