"""What channels stand for."""

from __future__ import annotations

import pytest

from deepstroke.errors import WeightsError
from deepstroke.inference.classes import is_sided, mirrored_channels, numbers_of


def test_names_become_labels_in_any_order() -> None:
    assert numbers_of(("background", "M1", "C")) == (0, 5, 1)
    assert numbers_of(("background", "C right", "C left", "M6 left")) == (0, 11, 1, 10)
    assert is_sided(("background", "C right"))
    assert not is_sided(("background", "C"))


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (("C", "L"), "labels are the background and regions"),
        (("background", "C", "L left"), "all with a side or all without"),
        (("background", "C", "C"), "all with a side or all without"),
        (("background", "thalamus"), "names a label 'thalamus'; regions are C, L, IC"),
        (("background", "C up"), "names a label 'C up'"),
    ],
)
def test_other_names_are_refused(labels: tuple[str, ...], message: str) -> None:
    with pytest.raises(WeightsError, match=message):
        numbers_of(labels)


def test_mirroring_exchanges_sided_channels() -> None:
    assert mirrored_channels(("background", "C left", "C right", "L right", "L left")) == [0, 2, 1, 4, 3]
    assert mirrored_channels(("background", "C", "L")) == [0, 1, 2]
