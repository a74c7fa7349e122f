"""The order of samples: shares, passes, and that it hangs on seed, epoch and position alone."""

from __future__ import annotations

import pickle
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepstroke.errors import ConfigError
from deepstroke_training.data.order import SampleOrder, Strand, shares

STRANDS = (Strand("synthetic/raw", 7, 0.7), Strand("curated/raw", 4, 0.3))


def drawn(order: SampleOrder, first: int, last: int) -> list[tuple[int, int]]:
    return [(one.strand, one.item) for one in map(order.draw, range(first, last))]


def test_every_epoch_has_the_shares_of_the_weights() -> None:
    order = SampleOrder(STRANDS, samples_per_epoch=10, seed=1)
    for epoch in range(3):
        assert Counter(strand for strand, _ in drawn(order, 10 * epoch, 10 * epoch + 10)) == {0: 7, 1: 3}


def test_no_item_comes_again_before_all_others_have_come() -> None:
    order = SampleOrder(STRANDS, samples_per_epoch=10, seed=1)
    items = [item for strand, item in drawn(order, 0, 40) if strand == 1]
    assert len(items) == 12
    counts = Counter(items)
    assert set(counts.values()) == {3}, "twelve draws of four items are three passes"


def test_an_epoch_of_all_pairs_holds_each_once_in_another_order_each_time() -> None:
    order = SampleOrder([Strand("raw", 5, 1.0), Strand("stripped", 5, 1.0)], samples_per_epoch=10, seed=3)
    epochs = [drawn(order, 10 * epoch, 10 * epoch + 10) for epoch in range(2)]
    every = [(strand, item) for strand in range(2) for item in range(5)]
    assert sorted(epochs[0]) == sorted(epochs[1]) == every
    assert epochs[0] != epochs[1]


@given(seed=st.integers(0, 2**31), position=st.integers(0, 500))
def test_a_sample_hangs_on_seed_and_position_alone(seed: int, position: int) -> None:
    order, other = SampleOrder(STRANDS, 10, seed), SampleOrder(STRANDS, 10, seed)
    for before in range(5):
        other.draw(97 * before)
    assert pickle.loads(pickle.dumps(order)).draw(position) == other.draw(position)  # noqa: S301


def test_seeds_of_samples_differ_between_positions_epochs_and_runs() -> None:
    seeds = {SampleOrder(STRANDS, 10, seed).draw(position).seed for seed in range(3) for position in range(40)}
    assert len(seeds) == 120


@given(st.lists(st.floats(0, 10), min_size=1, max_size=6).filter(lambda w: sum(w) > 0.1), st.integers(0, 1000))
def test_shares_add_up_and_are_off_by_less_than_one(weights: list[float], total: int) -> None:
    counts = shares(weights, total)
    assert sum(counts) == total
    for weight, count in zip(weights, counts, strict=True):
        assert abs(count - weight / sum(weights) * total) < 1 + 1e-6


def test_what_can_not_be_drawn_is_refused() -> None:
    with pytest.raises(ConfigError, match="nothing to draw"):
        SampleOrder([Strand("raw", 3, 0.0)], 4, 0)
    with pytest.raises(ConfigError, match="sources without a case: raw"):
        SampleOrder([Strand("raw", 0, 1.0)], 4, 0)
    with pytest.raises(ConfigError, match=r"an epoch of 4 samples has none of rare"):
        SampleOrder([Strand("much", 9, 1.0), Strand("rare", 9, 0.01)], 4, 0)
