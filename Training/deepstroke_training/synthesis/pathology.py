"""Lesions of a brain, as soft maps in template space, with what they do to its density."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import torch

from deepstroke.regions import BY_ABBREVIATION
from deepstroke_training.synthesis.random_fields import draw_field
from deepstroke_training.synthesis.settings import (
    AcuteInfarct,
    FocalKind,
    FocalLesion,
    HyperdenseArtery,
    PathologySettings,
)
from deepstroke_training.synthesis.template_head import MapStack, TemplateHead, sample_grid

Maps = dict[str, torch.Tensor]


class LesionLabel(IntEnum):
    """Values of a lesion label map."""

    ACUTE_INFARCT = 1
    OLD_INFARCT = 2
    HAEMORRHAGE = 3
    HYPERDENSE_ARTERY = 4


_LABEL_OF_KIND: dict[FocalKind, LesionLabel] = {
    "acute": LesionLabel.ACUTE_INFARCT,
    "old": LesionLabel.OLD_INFARCT,
    "haemorrhage": LesionLabel.HAEMORRHAGE,
}
#: Over how many mm a focal lesion passes into healthy brain.
_BORDER_MM: dict[FocalKind, float] = {"acute": 5.0, "old": 3.0, "haemorrhage": 2.0}

#: How often the border of an infarct of whole regions is smoothed.
SMOOTHING_PASSES = 4


@dataclass(frozen=True, eq=False)
class LesionMap:
    """One lesion over the brain.

    Attributes:
        lesion: what was asked for.
        label: its value in the lesion label map.
        weight: (1, i, j, k), 0 outside to 1 inside, on a grid of ``step`` mm that starts at ``first``.
        centre: template RAS+ mm of its middle.
        radius_mm: of a ball of its size.
    """

    lesion: AcuteInfarct | FocalLesion
    label: LesionLabel
    weight: torch.Tensor
    first: tuple[float, float, float]
    step: float
    centre: torch.Tensor
    radius_mm: float

    def at(self, points: torch.Tensor) -> torch.Tensor:
        """Weight (n) at template points (3, n)."""
        return sample_grid(self.weight, points, self.first, self.step)[0]

    def push(self, points: torch.Tensor, depth: torch.Tensor) -> torch.Tensor:
        """Template points from which brain is drawn once the swollen lesion has pushed it; the skull stays.

        Args:
            points: (3, n) template mm.
            depth: (n) mm inside the inner table; the push fades towards it.
        """
        offset = points - self.centre.reshape(3, 1)
        relative = offset.square().sum(0).sqrt() / self.radius_mm
        reach = torch.exp(-0.5 * (relative / 1.3) ** 2) * (depth / 14.0).clamp(0.0, 1.0)
        return points - offset * (self.lesion.swelling_mm / self.radius_mm) * reach


def draw_lesions(seed: int, pathology: PathologySettings, head: TemplateHead) -> list[LesionMap]:
    """The maps of all lesions that are not arteries."""
    maps = []
    for number, lesion in enumerate(pathology.lesions):
        if not isinstance(lesion, HyperdenseArtery):
            maps.append(_lesion_map(seed, f"lesion/{number}", lesion, head))
    return maps


def _lesion_map(seed: int, name: str, lesion: AcuteInfarct | FocalLesion, head: TemplateHead) -> LesionMap:
    low, high = _region_box(lesion, head) if isinstance(lesion, AcuteInfarct) else _focal_box(lesion)
    regions = _cropped(head.regions, low, high)
    first, step = _halved(regions)
    labels = torch.nn.functional.max_pool3d(regions.data[None], 2)[0]
    points = _grid_points(labels.shape[1:], first, step, labels.device)
    if isinstance(lesion, AcuteInfarct):
        label, weight = LesionLabel.ACUTE_INFARCT, _region_weight(seed, name, lesion, regions.data, points)
    else:
        label, weight = _LABEL_OF_KIND[lesion.kind], _focal_weight(seed, name, lesion, points, labels)
    volume = float(weight.sum()) * step**3
    centre = (points * weight).sum((1, 2, 3)) / weight.sum().clamp_min(1e-6)
    return LesionMap(lesion, label, weight, first, step, centre, max((volume * 0.239) ** (1.0 / 3.0), 3.0))


def _region_box(lesion: AcuteInfarct, head: TemplateHead) -> tuple[np.ndarray, np.ndarray]:
    """Template mm of the corners of a box around the lesion's regions, as far out as smoothing carries them."""
    boxes = np.stack([head.region_boxes[BY_ABBREVIATION[name].label(lesion.side) - 1] for name in lesion.regions])
    margin = 2.0 * head.regions.step * (SMOOTHING_PASSES + 1)
    return boxes[:, 0].min(0) - margin, boxes[:, 1].max(0) + margin


def _focal_box(lesion: FocalLesion) -> tuple[np.ndarray, np.ndarray]:
    """Template mm of the corners of a box around the lesion, whatever its ripple."""
    half = (2.0 * lesion.radius_mm + _BORDER_MM[lesion.kind]) * np.array(lesion.stretch) + 6.0
    return np.array(lesion.centre) - half, np.array(lesion.centre) + half


def _cropped(grid: MapStack, low: np.ndarray, high: np.ndarray) -> MapStack:
    """The part of a grid between two corners in mm; its ends lie on even voxels, where halves of the grid meet."""
    sizes = np.array(grid.data.shape[1:]) // 2
    starts = np.clip(np.floor((low - grid.first) / (2 * grid.step)), 0, sizes - 2).astype(int)
    stops = np.clip(np.ceil((high - grid.first) / (2 * grid.step)), starts + 2, sizes).astype(int)
    (i, j, k), (x, y, z) = starts, grid.first + 2 * grid.step * starts
    ends = 2 * stops
    return MapStack(
        grid.data[:, 2 * i : ends[0], 2 * j : ends[1], 2 * k : ends[2]],
        grid.names,
        (float(x), float(y), float(z)),
        grid.step,
    )


def _region_weight(
    seed: int, name: str, lesion: AcuteInfarct, data: torch.Tensor, points: torch.Tensor
) -> torch.Tensor:
    """Whole regions of ``data`` with a soft, slightly irregular border."""
    wanted = [float(BY_ABBREVIATION[r].label(lesion.side)) for r in lesion.regions]
    chosen = torch.isin(data.round(), torch.tensor(wanted, device=data.device)).float()
    smooth = _smooth(torch.nn.functional.avg_pool3d(chosen[None], 2)[0], SMOOTHING_PASSES)
    ripple = draw_field(seed, name, 16.0, data.device).at(points)
    return ((smooth - 0.5 + 0.16 * ripple) * 3.0 + 0.5).clamp(0.0, 1.0) * (smooth > 0.02)


def _focal_weight(
    seed: int, name: str, lesion: FocalLesion, points: torch.Tensor, labels: torch.Tensor
) -> torch.Tensor:
    """An ellipsoid with a border rippled by about a sixth of its radius."""
    shape = (3, 1, 1, 1)
    centre = torch.tensor(lesion.centre, dtype=torch.float32, device=points.device).reshape(shape)
    stretch = torch.tensor(lesion.stretch, dtype=torch.float32, device=points.device).reshape(shape)
    ripple = draw_field(seed, name, max(8.0, lesion.radius_mm), points.device).at(points)[0]
    from_centre = ((points - centre) / stretch).square().sum(0).sqrt()
    distance = from_centre + 0.18 * lesion.radius_mm * ripple - lesion.radius_mm
    weight = (0.5 - distance / _BORDER_MM[lesion.kind]).clamp(0.0, 1.0)[None]
    if lesion.kind != "haemorrhage" and abs(lesion.centre[0]) > 3.0:
        weight = weight * (points[:1] * lesion.centre[0] > 0)
    return _smooth(weight * (labels < 0.5), 1) if lesion.outside_regions else weight


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
