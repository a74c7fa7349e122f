"""What can be set about an image's faults: calibration, motion and metal, each with its unit and range."""

from __future__ import annotations

from dataclasses import dataclass

from deepstroke_training.synthesis.setting_checks import outside, refuse


@dataclass(frozen=True)
class Metal:
    """A piece of metal that throws streaks over the slices it lies in.

    Attributes:
        centre: template RAS+ mm.
        radius_mm: of the piece, a ball.
        streak_hu: standard deviation of the streaks near it.
    """

    centre: tuple[float, float, float]
    radius_mm: float = 3.0
    streak_hu: float = 60.0

    def __post_init__(self) -> None:
        faults = outside("radius_mm", self.radius_mm, 0.5, 15) + outside("streak_hu", self.streak_hu, 0, 1000)
        refuse("metal", faults)


@dataclass(frozen=True)
class ArtefactSettings:
    """What comes between a head and its image.

    Attributes:
        hu_gain: by which all HU are multiplied where the scanner is out of calibration.
        hu_shift: HU added to all.
        slice_drift_hu: standard deviation of what each slice adds of its own.
        ghost: 0..0.5, share of a second, moved image in the slices during which the head moved.
        ghost_mm: how far that one is moved.
        ghost_degrees: how far it is turned in the plane.
        ghost_part: 0..1, part of the slices that are so.
        metals: pieces of metal.
    """

    hu_gain: float = 1.0
    hu_shift: float = 0.0
    slice_drift_hu: float = 0.0
    ghost: float = 0.0
    ghost_mm: float = 4.0
    ghost_degrees: float = 0.0
    ghost_part: float = 0.2
    metals: tuple[Metal, ...] = ()

    def __post_init__(self) -> None:
        faults = outside("hu_gain", self.hu_gain, 0.5, 1.5) + outside("hu_shift", self.hu_shift, -50, 50)
        faults += outside("slice_drift_hu", self.slice_drift_hu, 0, 20) + outside("ghost", self.ghost, 0, 0.5)
        faults += outside("ghost_mm", self.ghost_mm, 0, 30) + outside("ghost_part", self.ghost_part, 0, 1)
        refuse("artefacts", faults)
