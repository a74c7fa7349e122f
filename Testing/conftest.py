"""Fixtures for every test."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

_DEFAULT_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture
def shared_data() -> Callable[[str], Path]:
    """A function from a name such as ``"ct/ge-head"`` to its folder; the test skips by name where it is absent."""
    root = Path(os.environ.get("DEEPSTROKE_TEST_DATA", _DEFAULT_DATA))

    def locate(name: str) -> Path:
        path = root / name
        if not path.exists():
            pytest.skip(f"test data {name} is absent (set DEEPSTROKE_TEST_DATA to its parent folder)")
        return path

    return locate
