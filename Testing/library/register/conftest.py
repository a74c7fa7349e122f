"""One registration of a bent head, shared by the tests of the engine and of transform files."""

from __future__ import annotations

import pytest

import phantoms_registration as phantoms
from deepstroke.register import FastSettings, SpatialTransform, register
from deepstroke.register.settings import DiffeomorphicSettings


@pytest.fixture(scope="session")
def quick() -> FastSettings:
    """Settings for heads at 4 mm: the same scheme with one level less."""
    return FastSettings(
        spacing_mm=4.0, margin_mm=12.0, diffeomorphic=DiffeomorphicSettings(halvings=(1, 0), iterations=(60, 30))
    )


@pytest.fixture(scope="session")
def heads() -> tuple[phantoms.Head, phantoms.Head]:
    """A bent head (fixed) and the straight one (moving); ``phantoms.bend`` maps fixed points to moving ones."""
    return phantoms.head(phantoms.grid(), phantoms.bend), phantoms.head(phantoms.grid((3.0, 3.0, 3.0)))


@pytest.fixture(scope="session")
def registered(heads: tuple[phantoms.Head, phantoms.Head], quick: FastSettings) -> SpatialTransform:
    """The transform between the two heads."""
    fixed, moving = heads
    return register(
        fixed.image,
        moving.image,
        device="cpu",
        fixed_mask=fixed.brain,
        moving_mask=moving.brain,
        settings=quick,
    )
