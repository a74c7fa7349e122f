"""How varied cases are, and which ranges of the generator training never sees.

``clinical`` draws what is met in stroke imaging. ``wide`` goes far beyond it on purpose, for networks that must work on
real scans although they only ever saw synthetic ones; it leaves out the bands of ``HeldOutRanges``. ``held-out`` draws
every quantity named there from its bands, and all else as ``wide`` does: a network trained on ``wide`` has seen no case
whose tilt, thickness, pose, contrast, noise or warp is like any of these.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Literal, get_args

import numpy as np

from deepstroke.errors import ConfigError
from deepstroke_training.synthesis.settings import HeadSettings

Variety = Literal["clinical", "wide", "held-out"]
VARIETIES: tuple[Variety, ...] = get_args(Variety)
Band = tuple[float, float]


@dataclass(frozen=True)
class HeldOutRanges:
    """Bands of magnitudes that ``wide`` leaves out: a common one and a rarer one further out, as (low, high).

    Attributes:
        thickness_mm: slice thickness.
        tilt_degrees: gantry tilt to either side.
        pitch_degrees: chin up or down.
        roll_degrees: ear down to either side.
        yaw_degrees: face to either side.
        noise_1mm_hu: standard deviation of the noise times the root of the thickness in mm.
        noise_wavelength_mm: where the noise has most of its power.
        hu_shift: HU added to all, up or down.
        contrast_hu: grey less white matter.
        warp_mm: standard deviation of the broad deformation.
        fine_warp_mm: standard deviation of the fine one.
        ventricle_mm: how far the ventricles' walls are pushed, out or in.
        breadth: breadth over length of the head, 1 in the template.
        vault: thickness of the calvarium, relative.
    """

    thickness_mm: tuple[Band, Band] = ((3.2, 3.8), (6.3, 7.2))
    tilt_degrees: tuple[Band, Band] = ((11.0, 14.0), (25.0, 28.0))
    pitch_degrees: tuple[Band, Band] = ((9.0, 12.0), (26.0, 31.0))
    roll_degrees: tuple[Band, Band] = ((5.5, 7.5), (21.0, 25.0))
    yaw_degrees: tuple[Band, Band] = ((5.5, 7.5), (21.0, 25.0))
    noise_1mm_hu: tuple[Band, Band] = ((7.5, 8.5), (12.5, 14.0))
    noise_wavelength_mm: tuple[Band, Band] = ((3.0, 3.4), (5.2, 5.9))
    hu_shift: tuple[Band, Band] = ((1.5, 2.2), (5.0, 6.0))
    contrast_hu: tuple[Band, Band] = ((5.2, 6.0), (9.0, 10.0))
    warp_mm: tuple[Band, Band] = ((1.8, 2.2), (2.9, 3.1))
    fine_warp_mm: tuple[Band, Band] = ((0.3, 0.4), (0.7, 0.85))
    ventricle_mm: tuple[Band, Band] = ((1.5, 2.1), (5.6, 6.4))
    breadth: tuple[Band, Band] = ((0.96, 0.99), (1.08, 1.12))
    vault: tuple[Band, Band] = ((1.02, 1.12), (1.45, 1.55))

    def holds(self, name: str, value: float) -> bool:
        """Whether a value lies in one of a quantity's bands."""
        return any(low <= abs(value) <= high for low, high in getattr(self, name))


HELD_OUT = HeldOutRanges()
#: How often a held-out case takes the common band of a quantity.
COMMON_BAND = 0.75


def checked(variety: str) -> Variety:
    """A variety by its name.

    Raises:
        ConfigError: there is no such variety.
    """
    for name in VARIETIES:
        if name == variety:
            return name
    raise ConfigError(f"a variety is one of {', '.join(VARIETIES)}, found {variety!r}", code="variety")


def held_out_quantities(settings: HeadSettings) -> dict[str, float]:
    """The quantities of a case that have held-out bands, by the names of ``HeldOutRanges``."""
    anatomy, acquisition = settings.anatomy, settings.acquisition
    return {
        "thickness_mm": acquisition.thickness_mm,
        "tilt_degrees": acquisition.tilt_degrees,
        "pitch_degrees": acquisition.pitch_degrees,
        "roll_degrees": acquisition.roll_degrees,
        "yaw_degrees": acquisition.yaw_degrees,
        "noise_1mm_hu": acquisition.noise_hu * acquisition.thickness_mm**0.5,
        "noise_wavelength_mm": acquisition.noise_wavelength_mm,
        "hu_shift": settings.artefacts.hu_shift,
        "contrast_hu": anatomy.contrast_hu,
        "warp_mm": anatomy.warp_mm,
        "fine_warp_mm": anatomy.fine_warp_mm,
        "ventricle_mm": anatomy.ventricle_mm,
        "breadth": anatomy.scale[0] / anatomy.scale[1],
        "vault": anatomy.vault,
    }


@dataclass(frozen=True, eq=False)
class BandedRandom:
    """Draws the quantities that have held-out bands.

    Attributes:
        random: where the numbers come from.
        held_out: whether to draw from the bands, or from all but them.
    """

    random: np.random.Generator
    held_out: bool

    def value(self, name: str, draw: Callable[[], float], *, signed: bool = False) -> float:
        """One value of a quantity.

        Args:
            name: of the quantity in ``HeldOutRanges``.
            draw: draws it as ``wide`` does; called again until it lies outside the bands.
            signed: whether the bands are of magnitudes, to be taken to either side.
        """
        if not self.held_out:
            value = float(draw())
            while HELD_OUT.holds(name, value):
                value = float(draw())
            return value
        common, rare = getattr(HELD_OUT, name)
        low, high = common if self.random.random() < COMMON_BAND else rare
        # A hair inside, so that rounding cannot carry it out.
        value = float(self.random.uniform(low + 0.01 * (high - low), high - 0.01 * (high - low)))
        return -value if signed and self.random.random() < 0.5 else value


def quantity_names() -> tuple[str, ...]:
    """The quantities that have held-out bands."""
    return tuple(f.name for f in fields(HeldOutRanges))
