"""The brain of one person: tissue with sulci of its own, and its density."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from deepstroke_training.synthesis.random_fields import RandomField, draw_field
from deepstroke_training.synthesis.settings import AnatomySettings

#: How sharply one tissue wins over the others.
SHARPNESS = 8.0
#: Distance between neighbouring folds of the cortex, twice this band's half wavelength, mm in the template.
FOLD_WAVELENGTH_MM = 26.0

#: Where the right hemisphere reads its folds.
RIGHT_FOLDS_SHIFT_MM = (0.0, 31.0, -19.0)

Maps = dict[str, torch.Tensor]


@dataclass(frozen=True, eq=False)
class BrainTexture:
    """The random fields that make a brain an individual one.

    Attributes:
        fine: three fields of about 5 mm that decide where grey, white and fluid win.
        folds: one band-passed field whose zeros, followed down from the surface, are this brain's own sulci.
        broad: two fields of about 40 mm: density, and the width of the fluid around the brain.
    """

    fine: RandomField
    folds: RandomField
    broad: RandomField


def draw_texture(seed: int, device: torch.device, period_mm: float | None = None) -> BrainTexture:
    """The texture of one case; with a period what is fine in it repeats."""
    return BrainTexture(
        fine=draw_field(seed, "tissue", 5.5, device, channels=3, period_mm=period_mm),
        folds=draw_field(seed, "folds", FOLD_WAVELENGTH_MM, device, bandwidth=0.35),
        broad=draw_field(seed, "broad", 40.0, device, channels=2),
    )


def tissue_weights(
    points: torch.Tensor,
    probability: Maps,
    fields: Maps,
    broad: torch.Tensor,
    texture: BrainTexture,
    anatomy: AnatomySettings,
) -> torch.Tensor:
    """Weights of grey, white and fluid, shape (3, n), summing to 1.

    Args:
        points: (3, n) template mm after the brain has been pushed.
        probability: ``grey``, ``white``, ``csf`` there.
        fields: the smooth fields there, and ``inner`` before the push.
        broad: (2, n) of the texture's broad fields there.
        texture: the case's random fields.
        anatomy: the case's settings.
    """
    noise = texture.fine.at(points)
    to_hull = torch.stack([fields["to_hull_x"], fields["to_hull_y"], fields["to_hull_z"]])
    folds = texture.folds.at(_apart(points + to_hull))[0]
    shallow = (1.0 - fields["depth"] / 26.0).clamp(0.0, 1.0)
    cortex = fields["folded"] * (2.2 * shallow).clamp_max(1.0) * anatomy.sulci
    cortex = cortex * (0.4 + 0.6 * (points[0].abs() / 25.0).clamp_max(1.0))
    width = (0.06 + 0.19 * anatomy.atrophy) * (0.45 + 0.9 * shallow)
    sulcus = torch.exp(-((folds / width) ** 2)) * cortex
    ribbon = torch.exp(-((folds / 0.8) ** 2)) * cortex
    rim = fields["inner"] + 0.6 + 2.6 * anatomy.atrophy + 0.7 * broad[1]
    around = (rim / 1.5).clamp(0.0, 1.0)
    grey = probability["grey"] + 0.13 * noise[0] + 0.15 * ribbon
    white = probability["white"] + 0.13 * noise[1] - 0.25 * ribbon + 0.12 * (cortex - ribbon)
    fluid = (0.75 + 0.95 * anatomy.atrophy) * probability["csf"] + 0.10 * noise[2]
    opened = (0.7 + 0.6 * broad[0]).clamp(0.1, 1.5)
    fluid = fluid + (0.6 + 1.6 * anatomy.atrophy) * opened * sulcus
    chosen = torch.softmax(SHARPNESS * torch.stack([grey, white, fluid + 1.5 * around]), dim=0)
    raw = torch.stack([probability["grey"], probability["white"], probability["csf"]])
    blend = fields["blend"] * (fields["ventricle"] > 1.0)
    return chosen + blend * (raw / raw.sum(0).clamp_min(1e-3) - chosen)


def _apart(points: torch.Tensor) -> torch.Tensor:
    """Surface points with those of the right hemisphere moved, so that folds don't mirror each other at the falx."""
    shift = torch.tensor(RIGHT_FOLDS_SHIFT_MM, device=points.device).reshape(3, 1)
    return points + shift * (points[0] > 0)


def brain_density(weights: torch.Tensor, fields: Maps, broad: torch.Tensor, anatomy: AnatomySettings) -> torch.Tensor:
    """Density in HU of healthy brain and fluid, shape (n), from the same values as the weights."""
    grey = anatomy.grey_hu + 0.8 * broad[0]
    white = grey - anatomy.contrast_hu
    patchy = (1.0 + 0.5 * broad[1]).clamp_min(0.0)
    around_ventricles = torch.exp(-fields["ventricle"].clamp_min(0.0) / 8.0)
    centrum = 0.7 * torch.sigmoid((fields["depth"] - 19.0) / 2.0) * fields["folded"]
    white = white - anatomy.leukoaraiosis_hu * patchy * torch.maximum(around_ventricles, centrum)
    tissue = weights[0] * grey + weights[1] * white + weights[2] * anatomy.csf_hu
    in_ventricle = (0.5 - fields["ventricle"] / 1.5).clamp(0.0, 1.0)
    return tissue + in_ventricle * (anatomy.csf_hu - tissue)
