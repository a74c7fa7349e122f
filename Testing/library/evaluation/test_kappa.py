"""Kappa against a published table, scikit-learn and statsmodels."""

from __future__ import annotations

import numpy as np
import pytest

from deepstroke.errors import InputError
from deepstroke.evaluation import cohen_kappa, weighted_kappa


def _ratings(table: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    cells = [(i, j, n) for i, row in enumerate(table) for j, n in enumerate(row)]
    return tuple(np.repeat([cell[k] for cell in cells], [cell[2] for cell in cells]) for k in (0, 1))


#: Fleiss, Cohen and Everitt 1969, table 1, as percentages of 200 cases.
_FLEISS = [[106, 10, 4], [22, 28, 10], [2, 12, 6]]


def test_kappa_by_hand() -> None:
    # Agreement 0.7, by chance 0.5.
    assert cohen_kappa(*_ratings([[35, 15], [15, 35]])) == pytest.approx(0.4)


def test_the_example_of_fleiss_cohen_and_everitt() -> None:
    found = cohen_kappa(*_ratings(_FLEISS))
    assert found == pytest.approx(0.429, abs=5e-4)
    assert (found.high - found) / 1.959964 == pytest.approx(0.054, abs=1e-3)


@pytest.mark.parametrize("weights", ["none", "linear", "quadratic"])
def test_scikit_learn_agrees(weights: str) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(5)
    first = rng.integers(0, 11, 80)
    second = np.clip(first + rng.integers(-2, 3, 80), 0, 10)
    peer = metrics.cohen_kappa_score(
        first, second, labels=list(range(11)), weights=None if weights == "none" else weights
    )
    assert weighted_kappa(first, second, weights) == pytest.approx(peer)


@pytest.mark.parametrize(("weights", "name"), [("linear", "linear"), ("quadratic", "quadratic")])
def test_the_standard_error_of_statsmodels(weights: str, name: str) -> None:
    peer = pytest.importorskip("statsmodels.stats.inter_rater").cohens_kappa(np.array(_FLEISS), wt=name)
    found = weighted_kappa(*_ratings(_FLEISS), weights)
    assert found == pytest.approx(peer.kappa)
    assert (found.low, found.high) == (pytest.approx(peer.kappa_low), pytest.approx(peer.kappa_upp))


def test_categories_are_steps_in_their_order() -> None:
    steps = ["none", "mild", "severe"]
    named = weighted_kappa(["none", "severe", "mild", "mild"], ["mild", "severe", "mild", "none"], "linear", steps)
    assert named == pytest.approx(weighted_kappa([0, 2, 1, 1], [1, 2, 1, 0], "linear"))


def test_a_score_that_nobody_gave_leaves_its_gap() -> None:
    near = weighted_kappa([0, 0, 1, 3], [0, 1, 1, 3], "quadratic")
    far = weighted_kappa([0, 0, 1, 9], [0, 1, 1, 9], "quadratic")
    assert far > near


def test_what_kappa_is_not_defined_on_is_refused() -> None:
    with pytest.raises(InputError, match="one and the same rating"):
        cohen_kappa([3, 3, 3], [3, 3, 3])
    with pytest.raises(InputError, match="at least 2 cases"):
        cohen_kappa([1], [2])
    with pytest.raises(InputError, match="no category: worse"):
        weighted_kappa(["bad", "worse"], ["bad", "bad"], "linear", ["good", "bad"])
    with pytest.raises(InputError, match="found 'cubic'"):
        weighted_kappa([1, 2], [1, 2], "cubic")
    with pytest.raises(InputError, match="same cases, found 2 and 3"):
        weighted_kappa([1, 2], [1, 2, 3])
