"""Progress of a part fits into the whole."""

from __future__ import annotations

from deepstroke.progress import silent, within


def test_a_part_fills_its_share_and_never_more() -> None:
    told: list[tuple[float, str]] = []
    part = within(lambda fraction, text: told.append((round(fraction, 6), text)), 0.2, 0.6)
    for fraction in (-1.0, 0.0, 0.5, 1.0, 2.0):
        part(fraction, "slices")
    assert told == [(0.2, "slices"), (0.2, "slices"), (0.4, "slices"), (0.6, "slices"), (0.6, "slices")]


def test_parts_nest() -> None:
    told: list[float] = []
    within(within(lambda fraction, _: told.append(fraction), 0.5, 1.0), 0.0, 0.5)(1.0, "")
    assert told == [0.75]


def test_silent_progress_returns_nothing() -> None:
    assert silent(0.5, "text") is None  # type: ignore[func-returns-value]
