"""Heads repeat by seed, keep left on the left, and carry a truth that their voxels bear out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from deepstroke.errors import ConfigError
from deepstroke.frames import apply_affine
from deepstroke.regions import REGIONS, Side
from deepstroke.volume import LabelMap
from deepstroke_training.synthesis import (
    AcquisitionSettings,
    AcuteInfarct,
    AnatomySettings,
    FocalLesion,
    HeadSettings,
    HyperdenseArtery,
    LesionLabel,
    PathologySettings,
    SyntheticCase,
    SyntheticHead,
)
from deepstroke_training.synthesis.artefact_settings import ArtefactSettings, Metal


def head_u(case: SyntheticCase, labels: LabelMap, label: int) -> float:
    """Mean template x (negative on the patient's left) of a label's voxels."""
    ras = labels.ras_of(np.argwhere(labels.data == label))
    return float(apply_affine(np.linalg.inv(case.template_to_scanner), ras)[:, 0].mean())


def with_lesions(acquisition: AcquisitionSettings, *lesions: object) -> HeadSettings:
    return HeadSettings(acquisition=acquisition, pathology=PathologySettings(lesions))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def healthy(maker: SyntheticHead) -> SyntheticCase:
    small = AcquisitionSettings(
        matrix=92, pixel_mm=2.5, render_mm=2.5, noise_hu=0.1, cupping_hu=0.0, streak_hu=0.0, bottom_mm=-80, top_mm=100
    )
    return maker.generate(3, HeadSettings(acquisition=small))


def test_the_same_seed_gives_the_same_bits(
    maker: SyntheticHead, healthy: SyntheticCase, small: AcquisitionSettings
) -> None:
    again = maker.generate(3, HeadSettings(acquisition=small))
    assert np.array_equal(healthy.volume.data, again.volume.data)
    assert np.array_equal(healthy.regions.data, again.regions.data)
    other = maker.generate(4, HeadSettings(acquisition=small))
    assert (other.volume.data[..., :20] != healthy.volume.data[..., :20]).mean() > 0.1


def test_a_head_has_an_adult_brain_and_all_regions_on_both_sides(healthy: SyntheticCase) -> None:
    assert 1200 < healthy.brain.volume_ml() < 1700
    assert healthy.regions.present() == list(range(1, 21))
    for region in REGIONS:
        left, right = (healthy.regions.volume_ml(region.label(side)) for side in ("left", "right"))
        assert abs(left - right) < 0.5 * (left + right) / 2
    assert healthy.truth.aspects("left") == healthy.truth.aspects("right") == 10


def test_densities_are_those_of_ct(healthy: SyntheticCase) -> None:
    hu, tissue = healthy.volume.data, healthy.tissue.data
    grey, white, fluid = (float(np.median(hu[tissue == t])) for t in (1, 2, 3))
    assert 34 < grey < 40
    assert 26 < white < grey - 4
    assert fluid < 28
    assert 4 < float(np.percentile(hu[tissue == 3], 5)) < 12
    assert hu.max() > 1200
    assert (hu < -900).mean() > 0.2
    assert ((hu > -120) & (hu < -60)).sum() > 1000


def test_the_brain_is_enclosed_by_bone(healthy: SyntheticCase) -> None:
    k = int(healthy.brain.data.sum((0, 1)).argmax())
    brain = healthy.brain.data[:, :, k] > 0
    j = int(brain.sum(0).argmax())
    row, inside = healthy.volume.data[:, j, k], np.flatnonzero(brain[:, j])
    assert row[inside].max() < 1200
    assert row[inside[0] - 5 : inside[0]].max() > 400
    assert row[inside[-1] + 1 : inside[-1] + 6].max() > 400


@pytest.mark.parametrize("side", ["left", "right"])
def test_an_infarct_lies_on_its_side_in_the_head_and_in_the_scanner(
    maker: SyntheticHead, small: AcquisitionSettings, side: Side
) -> None:
    turned = replace(small, roll_degrees=8, yaw_degrees=-12, pitch_degrees=10, tilt_degrees=12, shift_mm=(6, -4, 0))
    case = maker.generate(3, with_lesions(turned, AcuteInfarct(side, ("M2", "M5"))))
    sign = -1 if side == "left" else 1
    assert sign * head_u(case, case.lesions, LesionLabel.ACUTE_INFARCT) > 35
    scanner_x = case.lesions.ras_of(np.argwhere(case.lesions.data > 0))[:, 0].mean()
    middle_x = case.brain.ras_of(np.argwhere(case.brain.data > 0))[:, 0].mean()
    assert sign * (scanner_x - middle_x) > 25
    assert sign * head_u(case, case.regions, 6 if side == "left" else 16) > 35
    other: Side = "right" if side == "left" else "left"
    assert (case.truth.aspects(side), case.truth.aspects(other)) == (8, 10)


def test_a_lesion_changes_density_where_it_is_and_nothing_else(
    maker: SyntheticHead, healthy: SyntheticCase, small: AcquisitionSettings
) -> None:
    case = maker.generate(3, with_lesions(small, AcuteInfarct("left", ("M5", "L"), drop_hu=8.0)))
    change = case.volume.data.astype(float) - healthy.volume.data
    core = (case.lesions.data == LesionLabel.ACUTE_INFARCT) & (case.tissue.data == 1)
    assert -8.5 < change[core].mean() < -5
    assert np.array_equal(case.regions.data, healthy.regions.data)
    right = case.volume.ras_of(np.indices(case.volume.shape).reshape(3, -1).T)[:, 0].reshape(case.volume.shape) > 12
    assert np.abs(change[right]).max() == 0
    white = (case.lesions.data == LesionLabel.ACUTE_INFARCT) & (case.tissue.data == 2)
    before = np.median(healthy.volume.data[core]) - np.median(healthy.volume.data[white])
    after = np.median(case.volume.data[core]) - np.median(case.volume.data[white])
    assert after < before - 2


def test_bleeding_is_dense_and_an_old_infarct_fluid(maker: SyntheticHead, small: AcquisitionSettings) -> None:
    lesions = (FocalLesion("haemorrhage", (26, 0, 4), 14), FocalLesion("old", (-40, -20, 30), 16))
    case = maker.generate(3, with_lesions(small, *lesions))
    assert 55 < np.median(case.volume.data[case.lesions.data == LesionLabel.HAEMORRHAGE]) < 70
    assert np.median(case.volume.data[case.lesions.data == LesionLabel.OLD_INFARCT]) < 20
    assert head_u(case, case.lesions, LesionLabel.HAEMORRHAGE) > 15
    assert head_u(case, case.lesions, LesionLabel.OLD_INFARCT) < -25
    assert case.truth.aspects("left") == 10


def test_a_swollen_bleeding_pushes_the_ventricles_away(
    maker: SyntheticHead, healthy: SyntheticCase, small: AcquisitionSettings
) -> None:
    case = maker.generate(3, with_lesions(small, FocalLesion("haemorrhage", (34, -8, 12), 18, swelling_mm=9)))

    def caudate_x(of: SyntheticCase) -> float:
        return float(of.regions.ras_of(np.argwhere(of.regions.data == 11))[:, 0].mean())

    assert caudate_x(case) < caudate_x(healthy) - 2
    assert np.array_equal(case.brain.data, healthy.brain.data)


def test_an_infarct_of_another_artery_spares_the_regions(maker: SyntheticHead, small: AcquisitionSettings) -> None:
    lesion = FocalLesion("acute", (-16, -78, 4), 26, outside_regions=True)
    case = maker.generate(3, with_lesions(small, lesion))
    assert (case.lesions.data == LesionLabel.ACUTE_INFARCT).sum() * case.volume.voxel_ml > 10
    assert case.truth.aspects("left") == 10


def test_a_clot_is_bright_and_on_its_side(maker: SyntheticHead) -> None:
    fine = AcquisitionSettings(
        matrix=200, pixel_mm=1.0, render_mm=1.0, thickness_mm=1.0, step_mm=1.0, noise_hu=0.1, bottom_mm=-26, top_mm=2
    )
    case = maker.generate(3, with_lesions(fine, HyperdenseArtery("right", hu=70, radius_mm=2.0)))
    clot = case.lesions.data == LesionLabel.HYPERDENSE_ARTERY
    assert clot.sum() > 30
    assert np.median(case.volume.data[clot]) > 55
    assert head_u(case, case.lesions, LesionLabel.HYPERDENSE_ARTERY) > 15


def test_age_widens_ventricles_and_sulci(maker: SyntheticHead, small: AcquisitionSettings) -> None:
    def fluid_ml(anatomy: AnatomySettings) -> float:
        case = maker.generate(3, HeadSettings(anatomy=anatomy, acquisition=small))
        return case.tissue.volume_ml(3)

    young = AnatomySettings(atrophy=0.0, ventricle_mm=-0.5)
    old = AnatomySettings(atrophy=1.0, ventricle_mm=4.0)
    assert fluid_ml(old) > 1.5 * fluid_ml(young)


def test_a_craniectomy_opens_one_side(maker: SyntheticHead, healthy: SyntheticCase, small: AcquisitionSettings) -> None:
    case = maker.generate(3, HeadSettings(anatomy=AnatomySettings(craniectomy="left"), acquisition=small))
    lost = np.argwhere((healthy.volume.data > 500) & (case.volume.data < 300))
    assert len(lost) > 200
    assert case.volume.ras_of(lost)[:, 0].max() < 0


def test_truth_on_another_grid_agrees(maker: SyntheticHead, healthy: SyntheticCase) -> None:
    truth = maker.truth_on(healthy.volume, 3, healthy.settings)
    for mine, theirs in ((truth.brain, healthy.brain), (truth.regions, healthy.regions)):
        both = (mine.data > 0) & (theirs.data > 0)
        assert 2 * both.sum() / ((mine.data > 0).sum() + (theirs.data > 0).sum()) > 0.95
        assert (mine.data[both] == theirs.data[both]).mean() > 0.98


def test_faults_of_the_scanner_are_seen_and_leave_the_truth_alone(
    maker: SyntheticHead, healthy: SyntheticCase, small: AcquisitionSettings
) -> None:
    faults = ArtefactSettings(hu_shift=5.0, metals=(Metal((70.0, 0.0, 40.0), 6.0, 40.0),))
    case = maker.generate(3, HeadSettings(acquisition=small, artefacts=faults))
    assert np.array_equal(case.regions.data, healthy.regions.data)
    change = case.volume.data.astype(int) - healthy.volume.data
    inside = healthy.brain.data > 0
    assert np.median(change[inside]) == 5
    streaked = [
        float(np.std(change[:, :, k][inside[:, :, k]])) for k in range(change.shape[2]) if inside[:, :, k].any()
    ]
    assert 1 <= sum(spread > 3 for spread in streaked) <= 4
    found = case.volume.ras_of(np.argwhere(case.volume.data > 2900)).mean(0)
    assert found == pytest.approx(apply_affine(case.template_to_scanner, (70.0, 0.0, 40.0)), abs=4.0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: AcuteInfarct("left", ("M9",)), "unknown region 'M9'"),
        (lambda: AcuteInfarct("middle", ("M1",)), "a side is left or right, found 'middle'"),  # type: ignore[arg-type]
        (lambda: AcuteInfarct("left", ()), "no region given"),
        (lambda: FocalLesion("tumour", (0, 0, 0), 5), "unknown kind 'tumour'"),  # type: ignore[arg-type]
        (lambda: FocalLesion("old", (0, 0, 0), 90), "radius_mm is 1..60, found 90"),
        (lambda: AnatomySettings(scale=(2.0, 1.0, 1.0)), "scale is 0.6..1.2, found 2"),
        (lambda: AnatomySettings(calcifications=("dura",)), "unknown calcification 'dura'"),  # type: ignore[arg-type]
        (lambda: HyperdenseArtery("middle"), "a side is left or right, found 'middle'"),  # type: ignore[arg-type]
    ],
)
def test_impossible_settings_are_refused(make: object, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make()  # type: ignore[operator]


@pytest.mark.gpu
def test_a_gpu_repeats_itself_and_draws_the_same_person(maker: SyntheticHead, healthy: SyntheticCase) -> None:
    """Random fields differ between kinds of device; settings, geometry and gross anatomy don't."""
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    gpu = SyntheticHead("cuda", maker.template)
    once, twice = gpu.generate(3, healthy.settings), gpu.generate(3, healthy.settings)
    assert np.array_equal(once.volume.data, twice.volume.data)
    assert np.array_equal(once.regions.data, twice.regions.data)
    assert once.volume.same_grid(healthy.volume)
    assert once.brain.volume_ml() == pytest.approx(healthy.brain.volume_ml(), rel=0.15)
    assert head_u(once, once.regions, 6) < -35
