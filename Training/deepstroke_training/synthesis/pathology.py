"""Lesions of a brain, as soft maps in template space, with what they do to its density."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import torch

from deepstroke.regions import BY_ABBREVIATION
from deepstroke_training.synthesis.random_fields import draw_field
from deepstroke_training.synthesis.settings import AcuteInfarct, FocalLesion, HyperdenseArtery, PathologySettings
from deepstroke_training.synthesis.template_head import MapStack, TemplateHead, sample_grid

Maps = dict[str, torch.Tensor]


class LesionLabel(IntEnum):
    """Values of a lesion label map."""

    ACUTE_INFARCT = 1
    OLD_INFARCT = 2
    HAEMORRHAGE = 3
    HYPERDENSE_ARTERY = 4


_LABEL_OF_KIND = {
    "acute": LesionLabel.ACUTE_INFARCT,
    "old": LesionLabel.OLD_INFARCT,
    "haemorrhage": LesionLabel.HAEMORRHAGE,
}


@dataclass(frozen=True, eq=False)
class LesionMap:
    """One lesion over the brain.

    Attributes:
        lesion: what was asked for.
        label: its value in the lesion label map.
        weight: (1, i, j, k), 0 outside to 1 inside, on a grid of ``step`` mm that starts at ``first``.
    """

    lesion: AcuteInfarct | FocalLesion
    label: LesionLabel
    weight: torch.Tensor
    first: tuple[float, float, float]
    step: float

    def at(self, points: torch.Tensor) -> torch.Tensor:
        """Weight (n) at template points (3, n)."""
        return sample_grid(self.weight, points, self.first, self.step)[0]


def draw_lesions(seed: int, pathology: PathologySettings, head: TemplateHead) -> list[LesionMap]:
    """The maps of all lesions that are not arteries."""
    maps = []
    for number, lesion in enumerate(pathology.lesions):
        if isinstance(lesion, AcuteInfarct):
            maps.append(_region_map(seed, f"lesion/{number}", lesion, head))
        elif isinstance(lesion, FocalLesion):
            maps.append(_ball_map(seed, f"lesion/{number}", lesion, head.tissue))
    return maps


def _region_map(seed: int, name: str, lesion: AcuteInfarct, head: TemplateHead) -> LesionMap:
    """Whole regions with a soft, slightly irregular border."""
    labels = torch.tensor(
        [BY_ABBREVIATION[r].label(lesion.side) for r in lesion.regions], device=head.regions.data.device
    )
    chosen = torch.isin(head.regions.data.round(), labels.float()).float()
    smooth = _smooth(torch.nn.functional.avg_pool3d(chosen[None], 2)[0], 4)
    first, step = _halved(head.regions)
    ripple = draw_field(seed, name, 16.0, chosen.device).at(_grid_points(smooth.shape[1:], first, step, smooth.device))
    weight = ((smooth - 0.5 + 0.16 * ripple) * 3.0 + 0.5).clamp(0.0, 1.0)
    return LesionMap(lesion, LesionLabel.ACUTE_INFARCT, weight, first, step)


def _ball_map(seed: int, name: str, lesion: FocalLesion, grid: MapStack) -> LesionMap:
    """A ball with a border rippled by a tenth to a fifth of its radius."""
    first, step = _halved(grid)
    shape = tuple(n // 2 for n in grid.data.shape[1:])
    points = _grid_points(shape, first, step, grid.data.device)
    centre = torch.tensor(lesion.centre, device=points.device).reshape(3, 1, 1, 1)
    ripple = draw_field(seed, name, max(8.0, lesion.radius_mm), points.device).at(points)[0]
    distance = (points - centre).square().sum(0).sqrt() + 0.18 * lesion.radius_mm * ripple - lesion.radius_mm
    border = {"acute": 5.0, "old": 3.0, "haemorrhage": 2.0}[lesion.kind]
    weight = (0.5 - distance / border).clamp(0.0, 1.0)[None]
    return LesionMap(lesion, _LABEL_OF_KIND[lesion.kind], weight, first, step)


def _halved(grid: MapStack) -> tuple[tuple[float, float, float], float]:
    """First voxel and step of a grid of half the resolution."""
    x, y, z = (c + grid.step / 2.0 for c in grid.first)
    return (x, y, z), 2.0 * grid.step


def _grid_points(
    shape: torch.Size | tuple[int, ...], first: tuple[float, float, float], step: float, device: torch.device
) -> torch.Tensor:
    axes = [f + step * torch.arange(n, device=device, dtype=torch.float32) for n, f in zip(shape, first, strict=True)]
    return torch.stack(torch.meshgrid(*axes, indexing="ij"))


def _smooth(maps: torch.Tensor, passes: int) -> torch.Tensor:
    """Binomial smoothing of (1, i, j, k), each pass of 3 x 3 x 3 voxels."""
    for _ in range(passes):
        maps = torch.nn.functional.avg_pool3d(maps[None], 3, stride=1, padding=1, count_include_pad=False)[0]
    return maps


def apply_lesion(
    hu: torch.Tensor, weights: torch.Tensor, lesion: LesionMap, points: torch.Tensor, fluid_hu: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Density after a lesion, and where it is (0..1), both (n).

    Args:
        hu: density before.
        weights: (3, n) of grey, white and fluid.
        lesion: the lesion's map.
        points: (3, n) template mm.
        fluid_hu: density of fluid.
    """
    weight = lesion.at(points)
    parenchyma = (1.0 - 1.3 * weights[2]).clamp(0.0, 1.0)
    if lesion.label is LesionLabel.ACUTE_INFARCT:
        drop = lesion.lesion.drop_hu * (weights[0] + 0.45 * weights[1])
        return hu - weight * drop * parenchyma, weight * (parenchyma > 0.5)
    if lesion.label is LesionLabel.OLD_INFARCT:
        return hu + weight * (fluid_hu + 5.0 - hu), weight
    clot = 64.0 - 8.0 * (1.0 - weight)
    rim = ((weight > 0.0) & (weight < 0.35)).float()
    return hu + weight * (clot - hu) - 6.0 * rim * parenchyma, weight


def apply_artery(
    hu: torch.Tensor, distance: torch.Tensor, points: torch.Tensor, artery: HyperdenseArtery, edge: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Density with a clot in the middle cerebral artery of one side, and where the clot is (0..1)."""
    own_side = points[0] < 0 if artery.side == "left" else points[0] > 0
    weight = (0.5 - (distance - artery.radius_mm) / edge).clamp(0.0, 1.0) * own_side * (points[0].abs() > 10.0)
    return hu + weight * (artery.hu - hu), weight
