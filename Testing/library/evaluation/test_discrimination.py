"""The area under the ROC curve against counting pairs, scikit-learn, and a normal model whose area is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from deepstroke.errors import InputError
from deepstroke.evaluation import auc


def test_pairs_counted_by_hand_with_a_tie() -> None:
    # Positives 3, 2 against negatives 2, 1: three pairs ranked rightly, one tie.
    assert auc([1, 1, 0, 0], [3, 2, 2, 1]) == pytest.approx(3.5 / 4)


def test_scikit_learn_agrees() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 200)
    score = np.round(rng.normal(truth, 1.5), 1)
    assert auc(truth, score) == pytest.approx(metrics.roc_auc_score(truth, score), abs=1e-12)


def test_delong_variance_by_hand() -> None:
    # Placements of the positives 1, 0.5 and of the negatives 0.5, 1: variance 0.125 / 2 + 0.125 / 2, area 0.75.
    found = auc([1, 1, 0, 0], [4, 2, 3, 1])
    half = stats.norm.ppf(0.975) * np.sqrt(0.125) / (0.75 * 0.25)
    logit = np.log(3)
    assert found.low == pytest.approx(1 / (1 + np.exp(half - logit)))
    assert found.high == pytest.approx(1 / (1 + np.exp(-half - logit)))


def test_full_separation_keeps_a_width() -> None:
    found = auc([0] * 20 + [1] * 10, range(30))
    assert found == found.high == 1.0
    assert 0.8 < found.low < 0.95
    mirrored = auc([1] * 10 + [0] * 20, range(30))
    assert mirrored == mirrored.low == 0.0
    assert mirrored.high == pytest.approx(1 - found.low, abs=1e-6)


def test_intervals_cover_the_true_area_as_often_as_they_say() -> None:
    rng = np.random.default_rng(1)
    true = stats.norm.cdf(1.5 / np.sqrt(2))
    truth = np.repeat([1, 0], [30, 90])
    found = [auc(truth, rng.normal(1.5 * truth, 1)) for _ in range(400)]
    covered = np.mean([one.low <= true <= one.high for one in found])
    assert 0.91 <= covered <= 0.985


def test_one_class_alone_is_refused() -> None:
    with pytest.raises(InputError, match="needs both classes, found 0 positive and 3 negative"):
        auc([0, 0, 0], [1, 2, 3])
