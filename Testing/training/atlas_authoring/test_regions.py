"""The regions that the authoring code draws: anatomy that a reader of CT would insist on."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from deepstroke.atlas.checks import is_mirror_symmetric, keeps_levels, parts_of, volumes_ml
from deepstroke.regions import BY_ABBREVIATION, REGIONS
from deepstroke.volume import LabelMap
from deepstroke_training.atlas_authoring import frame, structures
from deepstroke_training.atlas_authoring.build import area_mm2
from deepstroke_training.atlas_authoring.deep import deep_structures
from deepstroke_training.atlas_authoring.labelling import sided_labels, unsided_hemisphere
from deepstroke_training.atlas_authoring.landmarks import GANGLIONIC, LEVELS
from deepstroke_training.atlas_authoring.mni import load_maps
from deepstroke_training.atlas_authoring.tissues import hemisphere_tissues

#: Plausible ml a side in MNI152, whose brain is about 1.3 times an average one.
VOLUMES_ML = {
    "C": (4.0, 5.0), "L": (6.0, 8.0), "IC": (4.0, 6.5), "I": (7.0, 9.0), "M1": (15, 28), "M2": (30, 45),
    "M3": (20, 32), "M4": (28, 42), "M5": (48, 65), "M6": (35, 50),
}  # fmt: skip


@pytest.fixture(scope="module")
def labels() -> LabelMap:
    return sided_labels()


@pytest.fixture(scope="module")
def right() -> NDArray[np.uint8]:
    return unsided_hemisphere()


def region(right: NDArray[np.uint8], abbreviation: str, z: float) -> NDArray[np.bool_]:
    """One region on the axial slice at z."""
    return right[:, :, frame.index_of_z(z)] == BY_ABBREVIATION[abbreviation].number


def test_both_sides_are_mirror_images_to_the_bit(labels: LabelMap) -> None:
    assert is_mirror_symmetric(labels)
    assert not labels.data[frame.X_MAX].any()
    left = labels.ras_of(np.argwhere((labels.data > 0) & (labels.data <= 10)))
    assert (left[:, 0] < 0).all()


def test_every_region_is_one_piece(labels: LabelMap) -> None:
    assert parts_of(labels) == dict.fromkeys(range(1, 21), 1)


@pytest.mark.parametrize("abbreviation", VOLUMES_ML)
def test_volumes_are_plausible(labels: LabelMap, abbreviation: str) -> None:
    low, high = VOLUMES_ML[abbreviation]
    assert low <= volumes_ml(labels)[BY_ABBREVIATION[abbreviation].label("left")] <= high


def test_the_levels_are_kept(labels: LabelMap) -> None:
    assert keeps_levels(labels)
    z = labels.ras_of(np.argwhere(labels.mask))[:, 2]
    numbers = (labels.data[labels.mask] - 1) % 10 + 1
    assert z[np.isin(numbers, (5, 6, 7))].max() < LEVELS.split < z[np.isin(numbers, (8, 9, 10))].min()
    assert z[np.isin(numbers, (2, 3, 4))].max() < LEVELS.split
    assert z[numbers == 1].min() < LEVELS.split < z[numbers == 1].max()
    assert (z[np.isin(numbers, (5, 6, 7))].max(), z[np.isin(numbers, (8, 9, 10))].min()) == (18, 19)


@pytest.mark.parametrize("z", [0, LEVELS.ganglionic, 8, 12, 16])
def test_m1_covers_what_published_templates_show(labels: LabelMap, z: float) -> None:
    m1 = BY_ABBREVIATION["M1"]
    assert 1250 <= area_mm2(labels, (m1.label("left"), m1.label("right")), z) <= 1550


def test_cortical_areas_stand_in_proportion(labels: LabelMap) -> None:
    def area(abbreviation: str, z: float) -> float:
        one = BY_ABBREVIATION[abbreviation]
        return area_mm2(labels, (one.label("left"), one.label("right")), z)

    lower = [area(name, LEVELS.ganglionic) for name in ("M1", "M2", "M3")]
    upper = [area(name, LEVELS.supraganglionic) for name in ("M4", "M5", "M6")]
    assert lower[1] == max(lower)
    assert upper[1] == max(upper)
    assert max(lower) < 2.2 * min(lower)
    assert max(upper) < 2.2 * min(upper)


@pytest.mark.parametrize("z", range(-2, 27))
def test_the_caudate_lies_on_the_ventricle_without_a_gap(right: NDArray[np.uint8], z: int) -> None:
    """Its medial voxel in every row where the ventricle stands opposite has CSF of the ventricle as its neighbour."""
    caudate = region(right, "C", z)
    ventricle = deep_structures().ventricle[:, :, frame.index_of_z(z)]
    opposite = caudate.any(axis=0) & ventricle.any(axis=0)
    gaps = []
    for j in np.flatnonzero(opposite):
        medial = np.flatnonzero(caudate[:, j])[0]
        inner = np.flatnonzero(ventricle[:medial, j])
        if len(inner):
            gaps.append(medial - inner[-1] - 1)
    assert len(gaps) >= 3
    assert np.mean(np.array(gaps) == 0) >= 0.8


def test_the_caudate_holds_head_and_body(right: NDArray[np.uint8]) -> None:
    rows = np.arange(frame.Y_MIN, frame.Y_MAX + 1)
    head, body = (rows[region(right, "C", z).any(axis=0)] for z in (4, 22))
    assert head.max() >= 24
    assert body.min() <= -20
    assert region(right, "C", 26).any()


@pytest.mark.parametrize("z", range(-2, 17))
def test_the_capsule_is_one_v_between_the_nuclei(right: NDArray[np.uint8], z: int) -> None:
    """In one piece on every slice, reaching from the front of the caudate to behind the middle of the thalamus."""
    capsule = region(right, "IC", z)
    assert ndimage.label(capsule, structure=np.ones((3, 3)))[1] == 1
    caudate = ndimage.binary_dilation(region(right, "C", z), iterations=2)
    assert (capsule & caudate).any()
    rows = np.flatnonzero(capsule.any(axis=0)) + frame.Y_MIN
    assert rows.max() >= 12
    assert rows.min() <= (-12 if z < 0 else -18)
    if z <= 13:
        assert (capsule & ndimage.binary_dilation(region(right, "L", z), iterations=2)).any()
    if z >= 0:
        thalamus = deep_structures().thalamus[:, :, frame.index_of_z(z)]
        assert (capsule & ndimage.binary_dilation(thalamus, iterations=2)).any()


def test_the_genu_points_to_the_midline(right: NDArray[np.uint8]) -> None:
    """On the ganglionic slice both limbs run outwards from the genu."""
    capsule = region(right, "IC", LEVELS.ganglionic)
    medial = np.where(capsule.any(axis=0), capsule.argmax(axis=0), 999)
    genu = int(medial.argmin())
    rows = np.flatnonzero(capsule.any(axis=0))
    assert -6 <= genu + frame.Y_MIN <= 6
    assert medial[rows.max()] - medial[genu] >= 8
    assert medial[rows.min()] - medial[genu] >= 12


@pytest.mark.parametrize("z", range(-12, 19))
def test_the_insular_ribbon_is_continuous_on_every_slice(right: NDArray[np.uint8], z: int) -> None:
    ribbon = region(right, "I", z)
    assert ribbon.any()
    assert ndimage.label(ribbon, structure=np.ones((3, 3)))[1] == 1
    assert np.array_equal(ndimage.binary_fill_holes(ribbon), ribbon)


def test_the_insula_is_a_thin_ribbon_of_cortex(right: NDArray[np.uint8]) -> None:
    insula = right == BY_ABBREVIATION["I"].number
    depth = ndimage.distance_transform_edt(np.pad(insula, 2))
    ridge = depth[(depth == ndimage.maximum_filter(depth, 3)) & (depth > 0)]
    assert 2 * np.median(ridge) - 1 <= 5.5
    assert load_maps().grey[insula].mean() > 0.85


def test_the_insula_lies_outside_the_lentiform_nucleus(right: NDArray[np.uint8]) -> None:
    for z in range(-8, 14):
        insula, lentiform = region(right, "I", z), region(right, "L", z)
        for j in np.flatnonzero(insula.any(axis=0) & lentiform.any(axis=0)):
            assert np.flatnonzero(insula[:, j])[0] > np.flatnonzero(lentiform[:, j])[-1]


def test_the_lateral_cortex_follows_from_front_to_back(right: NDArray[np.uint8]) -> None:
    rows = np.arange(frame.Y_MIN, frame.Y_MAX + 1)
    for z, names in ((4, ("M1", "M2", "M3")), (24, ("M4", "M5", "M6"))):
        centres = [rows[np.nonzero(region(right, name, z))[1]].mean() for name in names]
        assert centres == sorted(centres, reverse=True)
        lateral = np.stack([region(right, name, z) for name in names]).any(axis=0)
        assert ndimage.label(lateral)[1] == 1


def test_m2_reaches_from_the_insula_to_the_surface(right: NDArray[np.uint8]) -> None:
    m2, insula = region(right, "M2", 4), region(right, "I", 4)
    j = 0 - frame.Y_MIN
    assert np.flatnonzero(m2[:, j])[0] == np.flatnonzero(insula[:, j])[-1] + 1
    surface = np.flatnonzero(hemisphere_tissues().brain[:, j, frame.index_of_z(4)])[-1]
    assert surface - np.flatnonzero(m2[:, j])[-1] <= 3


def test_no_region_holds_ventricle_or_thalamus(right: NDArray[np.uint8]) -> None:
    deep = deep_structures()
    assert not right[deep.ventricle].any()
    assert not right[deep.thalamus].any()


def test_planes_run_where_they_say() -> None:
    ray = GANGLIONIC.m1_m2
    assert ray.y_at(np.array(ray.u)) == pytest.approx(ray.y)
    assert ray.ahead(np.array(ray.u), np.array(ray.y + 5.0)) == pytest.approx(5.0)
    turned = type(ray)(10.0, 20.0, 45.0)
    assert turned.y_at(np.array(13.0)) == pytest.approx(23.0)


def test_structures_agree_with_the_regions(labels: LabelMap) -> None:
    deep = structures()
    for mask, abbreviation in ((deep.lentiform, "L"), (deep.internal_capsule, "IC")):
        one = BY_ABBREVIATION[abbreviation]
        region_mask = np.isin(labels.data, (one.label("left"), one.label("right")))
        assert np.count_nonzero(mask.mask != region_mask) < 0.01 * np.count_nonzero(region_mask)
    together = sum(
        mask.data.astype(int)
        for mask in (deep.caudate, deep.lentiform, deep.thalamus, deep.internal_capsule, deep.insula, deep.ventricles)
    )
    assert together.max() == 1
    assert 14 <= deep.thalamus.volume_ml() <= 16
    assert 15 <= deep.ventricles.volume_ml() <= 25


def test_every_region_of_the_table_is_drawn(labels: LabelMap) -> None:
    assert labels.present() == sorted(one.label(side) for one in REGIONS for side in ("left", "right"))
