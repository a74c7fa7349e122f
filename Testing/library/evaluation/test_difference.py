"""Limits of agreement on the published peak flow data."""

from __future__ import annotations

import pytest

from deepstroke.errors import InputError
from deepstroke.evaluation import bland_altman

#: Bland and Altman 1986, table I: first readings of peak flow by the large and the mini meter, l/min.
_LARGE = [494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427]
_MINI = [512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451]


def test_the_peak_flow_example() -> None:
    found = bland_altman(_LARGE, _MINI)
    assert found.n == 17
    assert found.bias == pytest.approx(-2.1, abs=0.05)
    assert found.sd == pytest.approx(38.8, abs=0.05)
    assert (found.bias.low, found.bias.high) == (pytest.approx(-22.0, abs=0.1), pytest.approx(17.8, abs=0.1))
    # The paper takes 2 SD and the variance 3 s^2 / n: limits -79.7 and 75.5, the lower one within -114.3 and -45.1.
    assert (found.lower, found.upper) == (pytest.approx(-79.7, abs=1.7), pytest.approx(75.5, abs=1.7))
    assert (found.lower.low, found.lower.high) == (pytest.approx(-114.3, abs=2), pytest.approx(-45.1, abs=2))


def test_a_constant_offset_has_limits_without_width() -> None:
    found = bland_altman([2.0, 3.0, 7.0], [1.0, 2.0, 6.0])
    assert (found.bias, found.lower, found.upper, found.sd) == (1.0, 1.0, 1.0, 0.0)
    assert found.as_dict()["bias"]["low"] == 1.0


def test_one_case_alone_is_refused() -> None:
    with pytest.raises(InputError, match="at least 2 cases are needed, found 1"):
        bland_altman([1.0], [2.0])
    with pytest.raises(InputError, match="same cases, found 2 and 3"):
        bland_altman([1.0, 2.0], [2.0, 3.0, 4.0])
