"""Real scans, read once."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import pytest

from deepstroke.dicom import choose_series, inspect, read_scan
from deepstroke.preprocess.brain import HeadAnalysis, analyse_head
from deepstroke.volume import Volume


@lru_cache(maxsize=3)
def _read(folder: Path) -> Volume:
    return read_scan(choose_series(inspect(folder))).volume


@lru_cache(maxsize=3)
def _analyse(folder: Path) -> HeadAnalysis:
    return analyse_head(_read(folder))


@pytest.fixture
def real_volume(shared_data: Callable[[str], Path]) -> Callable[[str], Volume]:
    """A function from the name of a real scan to its volume."""
    return lambda name: _read(shared_data(name))


@pytest.fixture
def real_head(shared_data: Callable[[str], Path]) -> Callable[[str], HeadAnalysis]:
    """A function from the name of a real scan to its analysis."""
    return lambda name: _analyse(shared_data(name))
