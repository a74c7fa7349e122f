"""How strongly training samples are varied."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Literal, get_args

from deepstroke.errors import ConfigError

#: ``none`` leaves samples as they are.
Preset = Literal["none", "standard", "strong"]
#: Stands for the preset's value; no instance holds it.
_OF_PRESET = math.nan

#: Values of each field in the presets ``standard`` and ``strong``; in ``none`` all are 0.
_VALUES: dict[str, tuple[float, float]] = {
    "flip_probability": (0.5, 0.5),
    "affine_probability": (0.9, 1.0),
    "rotation_degrees": (12.0, 25.0),
    "scale": (0.10, 0.18),
    "shear": (0.05, 0.10),
    "translation_mm": (8.0, 16.0),
    "elastic_probability": (0.3, 0.5),
    "elastic_mm": (2.0, 3.0),
    "elastic_wavelength_mm": (50.0, 50.0),
    "crop_probability": (0.2, 0.35),
    "crop_mm": (35.0, 50.0),
    "thick_slice_probability": (0.3, 0.5),
    "thick_slice_mm": (6.0, 10.0),
    "blur_probability": (0.2, 0.35),
    "blur_mm": (1.5, 2.5),
    "sharpen_probability": (0.2, 0.3),
    "sharpen": (0.6, 1.0),
    "bias_probability": (0.3, 0.5),
    "bias_hu": (3.0, 6.0),
    "bias_wavelength_mm": (120.0, 90.0),
    "shift_probability": (0.5, 0.7),
    "shift_hu": (4.0, 8.0),
    "gain": (0.08, 0.15),
    "gamma_probability": (0.2, 0.3),
    "gamma": (0.15, 0.3),
    "noise_probability": (0.5, 0.7),
    "noise_hu": (5.0, 9.0),
    "noise_grain_mm": (1.5, 2.5),
    "vessel_probability": (0.0, 0.1),
    "vessel_hu": (120.0, 200.0),
    "streak_probability": (0.05, 0.1),
    "streak_hu": (15.0, 30.0),
    "strip_error_probability": (0.5, 0.7),
    "strip_error_mm": (2.0, 3.0),
}


@dataclass(frozen=True)
class AugmentationSettings:
    """Ranges from which each sample's changes are drawn; what isn't given is the preset's.

    A probability is that of a change in a sample. Where a range is two-sided, drawn values are uniform in plus or
    minus the field; else uniform from 0 to the field.

    Attributes:
        preset: where the other fields come from.
        flip_probability: left and right exchanged; the template's x changes its sign along.
        affine_probability: of rotation, scale, shear and translation together.
        rotation_degrees: about each axis, two-sided.
        scale: relative size of each axis, two-sided; a third of it applies to each axis alone.
        shear: tangent, two-sided.
        translation_mm: along each axis, two-sided.
        elastic_probability: of a smooth deformation.
        elastic_mm: standard deviation of its displacement along an axis.
        elastic_wavelength_mm: of its shortest waves.
        crop_probability: of a field of view that ends inside the head, at the base or at the vertex.
        crop_mm: how much is cut away from what the case covers.
        thick_slice_probability: of slices thicker than those of the case.
        thick_slice_mm: their thickness and distance, from the voxel's size upwards.
        blur_probability: of a softer kernel.
        blur_mm: its standard deviation along each axis.
        sharpen_probability: of a harder kernel.
        sharpen: how many times the difference from a blurred image is added along each axis.
        bias_probability: of a slow change of HU over the head.
        bias_hu: its standard deviation.
        bias_wavelength_mm: of its shortest waves.
        shift_probability: of a scanner that is off, by shift and gain together.
        shift_hu: added, two-sided.
        gain: relative change of HU above water, two-sided.
        gamma_probability: of a bent curve of grey values.
        gamma: natural logarithm of the exponent on the 0..1 range of the window, two-sided.
        noise_probability: of more noise.
        noise_hu: its standard deviation.
        noise_grain_mm: standard deviation of the smoothing of the noise.
        vessel_probability: of bright vessels, as after contrast.
        vessel_hu: how much is added within them.
        streak_probability: of streaks from a place below the base, as of teeth.
        streak_hu: their standard deviation close to it.
        strip_error_probability: of a brain mask that is off; for stripped samples only.
        strip_error_mm: standard deviation of its border's displacement.

    Raises:
        ConfigError: values that are not possible, one fault a line.

    Example:
        >>> AugmentationSettings("strong", rotation_degrees=30.0).scale
        0.18
    """

    preset: Preset = "standard"
    flip_probability: float = _OF_PRESET
    affine_probability: float = _OF_PRESET
    rotation_degrees: float = _OF_PRESET
    scale: float = _OF_PRESET
    shear: float = _OF_PRESET
    translation_mm: float = _OF_PRESET
    elastic_probability: float = _OF_PRESET
    elastic_mm: float = _OF_PRESET
    elastic_wavelength_mm: float = _OF_PRESET
    crop_probability: float = _OF_PRESET
    crop_mm: float = _OF_PRESET
    thick_slice_probability: float = _OF_PRESET
    thick_slice_mm: float = _OF_PRESET
    blur_probability: float = _OF_PRESET
    blur_mm: float = _OF_PRESET
    sharpen_probability: float = _OF_PRESET
    sharpen: float = _OF_PRESET
    bias_probability: float = _OF_PRESET
    bias_hu: float = _OF_PRESET
    bias_wavelength_mm: float = _OF_PRESET
    shift_probability: float = _OF_PRESET
    shift_hu: float = _OF_PRESET
    gain: float = _OF_PRESET
    gamma_probability: float = _OF_PRESET
    gamma: float = _OF_PRESET
    noise_probability: float = _OF_PRESET
    noise_hu: float = _OF_PRESET
    noise_grain_mm: float = _OF_PRESET
    vessel_probability: float = _OF_PRESET
    vessel_hu: float = _OF_PRESET
    streak_probability: float = _OF_PRESET
    streak_hu: float = _OF_PRESET
    strip_error_probability: float = _OF_PRESET
    strip_error_mm: float = _OF_PRESET

    def __post_init__(self) -> None:
        if self.preset not in get_args(Preset):
            raise ConfigError(
                f"preset: one of {', '.join(get_args(Preset))}, found {self.preset!r}", code="augmentation"
            )
        self._fill()
        faults = [fault for field in fields(self)[1:] if (fault := self._fault(field.name))]
        if faults:
            raise ConfigError("\n".join(faults), code="augmentation")

    @property
    def changes_anything(self) -> bool:
        """Whether any change may happen."""
        return any(value > 0 for name, value in vars(self).items() if name.endswith("_probability"))

    def _fill(self) -> None:
        column = get_args(Preset).index(self.preset) - 1
        for name, values in _VALUES.items():
            if math.isnan(getattr(self, name)):
                lengths = name.endswith("_wavelength_mm")
                object.__setattr__(self, name, values[max(column, 0)] if column >= 0 or lengths else 0.0)

    def _fault(self, name: str) -> str:
        value = getattr(self, name)
        if name.endswith("_probability"):
            low, high = 0.0, 1.0
        else:
            low, high = _LEAST.get(name, 0.0), _MOST.get(name, math.inf)
        return "" if low <= value <= high else f"{name}: from {low:g} to {high:g}, found {value:g}"


#: Limits of fields that aren't probabilities, where they aren't 0 and infinite.
_LEAST = {"elastic_wavelength_mm": 10.0, "bias_wavelength_mm": 10.0}
_MOST = {"rotation_degrees": 90.0, "scale": 0.5, "shear": 0.5, "gain": 0.9, "gamma": 2.0, "sharpen": 5.0}
