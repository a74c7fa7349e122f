"""One template head a worker, and small acquisitions that keep the tests quick."""

from __future__ import annotations

import pytest

from deepstroke_training.synthesis import AcquisitionSettings, SyntheticHead


@pytest.fixture(scope="session")
def maker() -> SyntheticHead:
    """The generator on the CPU."""
    return SyntheticHead()


@pytest.fixture
def small() -> AcquisitionSettings:
    """Upright 5 mm slices of 2.5 mm pixels, almost without noise."""
    return AcquisitionSettings(
        matrix=92, pixel_mm=2.5, render_mm=2.5, noise_hu=0.1, cupping_hu=0.0, streak_hu=0.0, bottom_mm=-80, top_mm=100
    )
