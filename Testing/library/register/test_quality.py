from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import phantoms_registration as phantoms
from deepstroke.errors import RegistrationError
from deepstroke.register import DisplacementField, QualityLimits, RegistrationQuality, SpatialTransform
from deepstroke.register.quality import judged, measured_quality
from deepstroke.register.working_image import WorkingImage, working_image

GOOD = RegistrationQuality(
    ncc=0.6,
    lncc=0.4,
    mask_dice=0.97,
    jacobian_min=0.5,
    jacobian_p1=0.7,
    affine_scale=1.1,
    rotation_deg=8.0,
    inverse_error_mean_mm=0.01,
    inverse_error_p99_mm=0.04,
)


@pytest.fixture(scope="module")
def image() -> WorkingImage:
    head = phantoms.head(phantoms.grid())
    return working_image(head.image, head.brain, 4.0, 12.0)


def test_a_head_on_itself_is_perfect(image: WorkingImage) -> None:
    quality = measured_quality(SpatialTransform.from_affine(np.eye(4)), image, image)
    assert quality.ncc == pytest.approx(1)
    assert quality.mask_dice == 1
    assert quality.jacobian_min == pytest.approx(1)
    assert quality.affine_scale == pytest.approx(1)
    assert quality.rotation_deg == pytest.approx(0, abs=1e-6)
    assert quality.inverse_error_p99_mm == pytest.approx(0, abs=1e-9)
    # The floor takes half of it in this head, whose texture is fainter than the noise of a scan.
    assert 0.4 < quality.lncc < 0.6


def test_a_shift_lowers_overlap_by_what_geometry_says(image: WorkingImage) -> None:
    shift = np.eye(4)
    shift[0, 3] = 20.0
    quality = measured_quality(SpatialTransform.from_affine(shift), image, image)
    # Two ellipsoids apart by 20 of 132 mm across share 1 - 1.5 d + 0.5 d^3 of their volume, d = 20 / 132.
    d = 20 / 132
    assert quality.mask_dice == pytest.approx(1 - 1.5 * d + 0.5 * d**3, abs=0.02)
    assert quality.lncc < 0.3


def test_scale_rotation_and_mirror_of_the_affine_are_told(image: WorkingImage) -> None:
    turn = np.array([[0.0, -2, 0, 0], [2, 0, 0, 0], [0, 0, 2, 0], [0, 0, 0, 1]])
    quality = measured_quality(SpatialTransform.from_affine(turn), image, image)
    assert quality.affine_scale == pytest.approx(8)
    assert quality.rotation_deg == pytest.approx(90)
    mirrored = measured_quality(SpatialTransform.from_affine(np.diag([-1.0, 1, 1, 1])), image, image)
    assert mirrored.affine_scale == pytest.approx(-1)


def displaced(image: WorkingImage, depth_mm: float) -> SpatialTransform:
    """Displaces along R by a wave with slopes of up to ``depth_mm`` * pi / 40; it has no true inverse here."""
    ras = np.stack(np.indices(image.shape), axis=-1) @ image.ijk_to_ras[:3, :3].T + image.ijk_to_ras[:3, 3]
    data = np.zeros((*image.shape, 3), np.float32)
    data[..., 0] = depth_mm * np.sin(np.pi * ras[..., 0] / 40)
    field = DisplacementField(data, image.ijk_to_ras)
    return SpatialTransform((field, np.eye(4)), (np.eye(4),))


def test_the_least_jacobian_is_that_of_the_wave(image: WorkingImage) -> None:
    quality = measured_quality(displaced(image, 5.0), image, image)
    # Central differences over 8 mm see a little less than the slope of a wave of 80 mm.
    assert quality.jacobian_min == pytest.approx(1 - 5 * np.pi / 40, abs=0.02)
    assert quality.inverse_error_p99_mm == pytest.approx(5, abs=0.1)


def test_a_fold_is_an_error(image: WorkingImage) -> None:
    quality = measured_quality(displaced(image, 16.0), image, image)
    assert quality.jacobian_min < 0
    with pytest.raises(RegistrationError, match="least Jacobian determinant is -"):
        judged(quality, QualityLimits())


def test_a_good_registration_has_no_findings() -> None:
    assert judged(GOOD, QualityLimits()) == ()
    assert GOOD.as_dict()["rotation_deg"] == 8.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ncc": 0.1}, "the images' correlation is 0.1, expected >= 0.25"),
        ({"lncc": 0.05}, "the local correlation in the brain is 0.05"),
        ({"mask_dice": 0.5}, r"the overlap of the brains \(Dice\) is 0.5"),
        ({"jacobian_min": 0.0}, "the least Jacobian determinant is 0, expected > 0"),
        ({"affine_scale": 3.0}, "the affine scale is 3"),
        ({"affine_scale": 0.3}, "the affine scale is 3.33"),
        ({"affine_scale": -1.0}, "the affine scale is inf"),
        ({"rotation_deg": 175.0}, "the head's rotation in degrees is 175"),
        ({"inverse_error_p99_mm": 4.0}, "the inverse error in mm is 4"),
        ({"ncc": float("nan")}, "the images' correlation is nan"),
    ],
)
def test_each_bad_figure_is_an_error_that_names_it(change: dict[str, float], message: str) -> None:
    with pytest.raises(RegistrationError, match=message):
        judged(replace(GOOD, **change), QualityLimits())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ncc": 0.3}, "the images' correlation is 0.3"),
        ({"lncc": 0.2}, "the local correlation in the brain is 0.2"),
        ({"mask_dice": 0.9}, "the overlap of the brains (Dice) is 0.9"),
        ({"jacobian_p1": 0.1}, "the first percentile of the Jacobian is 0.1"),
        ({"rotation_deg": 60.0}, "the head's rotation in degrees is 60"),
        ({"inverse_error_p99_mm": 1.0}, "the inverse error in mm is 1"),
    ],
)
def test_each_doubtful_figure_is_a_finding_that_names_it(change: dict[str, float], message: str) -> None:
    (finding,) = judged(replace(GOOD, **change), QualityLimits())
    assert finding.code == "doubtful-registration"
    assert message in finding.message


def test_all_failures_are_told_at_once() -> None:
    with pytest.raises(RegistrationError, match=r"correlation is 0\.1.*Dice\) is 0\.2"):
        judged(replace(GOOD, ncc=0.1, mask_dice=0.2), QualityLimits())
