"""A bad registration is an error or a warning with its figure, never a plausible-looking result."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deepstroke.errors import RegistrationError
from deepstroke.register.quality import QualityLimits, RegistrationQuality, judged

GOOD = RegistrationQuality(
    ncc=0.6,
    lncc=0.35,
    mask_dice=0.96,
    jacobian_min=0.4,
    jacobian_p1=0.6,
    affine_scale=1.2,
    rotation_deg=8.0,
    inverse_error_mean_mm=0.01,
    inverse_error_p99_mm=0.05,
)


def test_a_good_registration_gives_no_finding() -> None:
    assert judged(GOOD, QualityLimits()) == ()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"jacobian_min": -0.1}, "least Jacobian determinant is -0.1"),
        ({"ncc": 0.1}, "correlation is 0.1"),
        ({"mask_dice": 0.5}, r"overlap of the brains \(Dice\) is 0.5"),
        ({"affine_scale": -1.0}, "affine scale is inf"),
        ({"rotation_deg": 178.0}, "rotation in degrees is 178"),
        ({"ncc": float("nan")}, "correlation is nan"),
    ],
)
def test_a_figure_beyond_its_limit_is_an_error_that_holds_it(change: dict[str, float], message: str) -> None:
    with pytest.raises(RegistrationError, match=message):
        judged(replace(GOOD, **change), QualityLimits())


def test_a_doubtful_figure_is_a_warning_that_holds_it() -> None:
    (finding,) = judged(replace(GOOD, mask_dice=0.9), QualityLimits())
    assert finding.code == "doubtful-registration"
    assert "0.9" in finding.message
