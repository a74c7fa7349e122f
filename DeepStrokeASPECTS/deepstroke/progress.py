"""How long work tells how far it is: a fraction 0..1 and a short text."""

from __future__ import annotations

from collections.abc import Callable

#: Called with the fraction done (0..1) and what is being done now.
Progress = Callable[[float, str], None]


def silent(fraction: float, text: str) -> None:
    """Progress that nobody watches."""


def within(progress: Progress, start: float, end: float) -> Progress:
    """Progress of a stage that fills the part ``start..end`` of a longer job."""

    def report(fraction: float, text: str) -> None:
        progress(start + (end - start) * min(max(fraction, 0.0), 1.0), text)

    return report
