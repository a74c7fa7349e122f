"""Tissue maps and the CT-like template: HU that a reader of CT expects where it expects them."""

from __future__ import annotations

import numpy as np
import pytest

from deepstroke.volume import Volume
from deepstroke_training.atlas_authoring import TissueMaps, structures, tissue_maps


@pytest.fixture(scope="module")
def maps() -> TissueMaps:
    return tissue_maps()


def value(volume: Volume, ras: tuple[float, float, float]) -> float:
    return float(volume.data[tuple(np.rint(volume.ijk_of(np.array(ras))).astype(int))])


def test_shares_sum_to_one_in_the_brain_and_to_nothing_outside(maps: TissueMaps) -> None:
    total = maps.grey.data + maps.white.data + maps.csf.data
    np.testing.assert_allclose(total[maps.brain.mask], 1.0, atol=1e-5)
    assert not total[~maps.brain.mask].any()
    assert min(part.data.min() for part in (maps.grey, maps.white, maps.csf)) >= 0


def test_everything_is_a_mirror_image_of_itself(maps: TissueMaps) -> None:
    for volume in (maps.grey, maps.white, maps.csf, maps.brain, maps.hounsfield):
        assert np.array_equal(volume.data, volume.data[::-1])


@pytest.mark.parametrize(
    ("place", "ras", "low", "high"),
    [
        ("caudate head", (13, 16, 6), 36, 37),
        ("putamen", (-27, 4, 4), 36, 37),
        ("pallidum", (20, -3, 0), 35, 37),
        ("thalamus", (10, -18, 8), 34, 37),
        ("insula", (-38, 0, 0), 33, 37),
        ("anterior limb", (18, 14, 6), 27, 30),
        ("posterior limb", (-22, -12, 6), 27, 30),
        ("centrum semiovale", (26, -10, 32), 27, 29),
        ("frontal horn", (5, 12, 8), 8, 12),
        ("atrium", (-28, -45, 10), 8, 14),
        ("corpus callosum", (0, 28, 6), 27, 31),
        ("air", (78, 80, 80), 0, 0),
    ],
)
def test_hounsfield_units_of_named_places(
    maps: TissueMaps, place: str, ras: tuple[float, float, float], low: float, high: float
) -> None:
    assert low <= value(maps.hounsfield, ras) <= high, place


def test_the_brain_holds_the_csf_over_it_and_all_tissue(maps: TissueMaps) -> None:
    assert 1850 <= maps.brain.volume_ml() <= 2050
    assert 150 <= maps.csf.data.sum() / 1000 <= 400
    assert value(maps.brain, (0, 0, 4)) == 1
    assert value(maps.brain, (0, 40, 30)) == 1  # in the interhemispheric fissure


def test_ventricles_hold_csf_and_nuclei_are_grey(maps: TissueMaps) -> None:
    deep = structures()
    assert maps.csf.data[deep.ventricles.mask].mean() > 0.75
    for nucleus in (deep.caudate, deep.lentiform, deep.insula):
        assert maps.grey.data[nucleus.mask].mean() > 0.85
    assert maps.grey.data[deep.thalamus.mask].mean() > 0.75
    assert maps.white.data[deep.internal_capsule.mask].mean() > 0.8
