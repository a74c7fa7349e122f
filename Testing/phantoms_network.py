"""Networks made by hand, whose answer is known at every point, and the heads that they know.

The head is an ellipsoid of brain with three balls of their own HU in the mid-sagittal plane, given in template
millimetres. ``SeeingNetwork`` finds the balls, tells from them how the head lies (its right is the cross product of
forward and up, so that a mirrored head is a head like others to it), and paints ten balls on each side as regions.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from scipy.spatial.transform import Rotation
from torch import Tensor, nn

from deepstroke.frames import Affine, apply_affine
from deepstroke.networks import available, register
from deepstroke.preprocess.resampling import Grid
from deepstroke.regions import REGIONS
from deepstroke.volume import LabelMap, Volume

CENTRE = np.array([0.0, -17.0, 5.5])
SEMI_AXES = np.array([60.0, 75.0, 60.0])
BRAIN_HU = 40.0
#: Template mm of the balls in the mid-sagittal plane, and their HU.
MARKS = np.array([[0.0, -60.0, 5.5], [0.0, 30.0, 5.5], [0.0, -17.0, 45.0]])
MARK_HU = (60.0, 75.0, 90.0)
MARK_MM = 11.0
REGION_MM = 9.0
#: Logits fall by this much a millimetre outward.
STEEPNESS = 2.0
#: Template mm of each region's ball on the right; on the left x is below 0.
REGION_CENTRES = np.array([[24.0, -57.0 + 20.0 * (n % 5), -8.0 + 30.0 * (n // 5)] for n in range(10)], np.float32)
SPACING_MM, SHAPE = 3.0, (48, 60, 48)
#: Holds whole heads.
HEAD_SHAPE = (56, 68, 60)
BALL_ML = 4.0 / 3.0 * np.pi * REGION_MM**3 / 1000.0


def pose(
    pitch: float = 0.0, yaw: float = 0.0, roll: float = 0.0, shift_mm: Any = (0.0, 0.0, 0.0), scale: float = 1.0
) -> Affine:
    """Template mm to scanner mm: turns in degrees about the head's centre, then a shift."""
    matrix = np.eye(4)
    matrix[:3, :3] = scale * Rotation.from_euler("xzy", (pitch, yaw, roll), degrees=True).as_matrix()
    matrix[:3, 3] = CENTRE + np.array(shift_mm) - matrix[:3, :3] @ CENTRE
    return matrix


def grid(spacing_mm: tuple[float, float, float] = (2.5, 2.5, 2.5), turn: Any = None, margin_mm: float = 14.0) -> Grid:
    """A grid about the upright head, at an angle (degrees about x, z, y) if one is given."""
    axes = np.eye(3) if turn is None else Rotation.from_euler("xzy", turn, degrees=True).as_matrix()
    shape = np.ceil(2 * (SEMI_AXES + margin_mm) / spacing_mm).astype(int)
    ijk_to_ras = np.eye(4)
    ijk_to_ras[:3, :3] = axes * spacing_mm
    ijk_to_ras[:3, 3] = CENTRE - ijk_to_ras[:3, :3] @ ((shape - 1) / 2)
    return Grid((shape[0], shape[1], shape[2]), ijk_to_ras)


def template_points(where: Grid | Volume, template_to_scan: Affine) -> NDArray[np.float32]:
    """(i, j, k, 3) template mm of a grid's voxels."""
    ijk = np.moveaxis(np.indices(where.shape), 0, -1)
    return apply_affine(np.linalg.inv(template_to_scan) @ where.ijk_to_ras, ijk).astype(np.float32)


def head(where: Grid, template_to_scan: Affine) -> tuple[Volume, LabelMap]:
    """HU (air around the brain) and brain mask of a head that lies somehow on a grid."""
    points = template_points(where, template_to_scan)
    brain = (((points - CENTRE) / SEMI_AXES) ** 2).sum(-1) < 1
    hu = np.where(brain, BRAIN_HU, -1000.0).astype(np.float32)
    for mark, value in zip(MARKS, MARK_HU, strict=True):
        hu[((points - mark) ** 2).sum(-1) < MARK_MM**2] = value
    return Volume(hu, where.ijk_to_ras), LabelMap(brain, where.ijk_to_ras)


def depths(points: NDArray[np.float32]) -> NDArray[np.float32]:
    """(10, ...) how deep template points lie in each region's ball on their side, mm; below 0 outside."""
    x, y, z = np.abs(points[..., 0]), points[..., 1], points[..., 2]
    return np.stack([REGION_MM - np.sqrt((x - a) ** 2 + (y - b) ** 2 + (z - c) ** 2) for a, b, c in REGION_CENTRES])


def true_labels(where: Grid | Volume, template_to_scan: Affine) -> NDArray[np.uint8]:
    """Sided labels by hand: the ball that a voxel's centre lies in."""
    points = template_points(where, template_to_scan)
    inside = depths(points)
    unsided = np.where(inside.max(axis=0) > 0, inside.argmax(axis=0) + 1, 0)
    return (unsided + 10 * ((unsided > 0) & (points[..., 0] > 0))).astype(np.uint8)


class SeeingNetwork(nn.Module):
    """Finds the marks of an image, and gives logits of the ten balls and template coordinates in units of 50 mm.

    Args:
        coordinates: whether coordinates are given.
        sided: whether each side has its own channel, left regions first.
        noise: of the coordinates, mm; the same at every call.
    """

    def __init__(self, coordinates: bool = True, sided: bool = False, noise: float = 0.0) -> None:
        super().__init__()
        self.coordinates, self.sided, self.noise = coordinates, sided, noise
        self.register_buffer("centres", torch.tensor(REGION_CENTRES, dtype=torch.float32))
        self.register_buffer("marks", torch.tensor(MARKS, dtype=torch.float32))

    def forward(self, image: Tensor) -> Tensor:
        """(1, 1, i, j, k) to (1, K, i, j, k)."""
        at = torch.stack(torch.meshgrid(*[torch.arange(float(n)) for n in image.shape[2:]], indexing="ij"))
        seen = torch.stack([self._centroid(image, value / 100.0, at) for value in MARK_HU])
        points = self._template_of(at.flatten(1).T, seen).T.reshape(3, *at.shape[1:])
        folded = torch.cat([points[:1].abs(), points[1:]])
        logits = [STEEPNESS * (REGION_MM - (folded - c[:, None, None, None]).norm(dim=0)) for c in self.centres]
        channels = [torch.zeros_like(logits[0]), *self._on_sides(logits, points[0])]
        if self.coordinates:
            scatter = self.noise * torch.randn(points.shape, generator=torch.Generator().manual_seed(0))
            channels += list((points + scatter) / 50.0)
        return torch.stack(channels)[None]

    def _on_sides(self, logits: list[Tensor], x: Tensor) -> list[Tensor]:
        if not self.sided:
            return logits
        never = torch.full_like(x, -50.0)
        return [torch.where(side * x > 0, one, never) for side in (-1, 1) for one in logits]

    def _centroid(self, image: Tensor, value: float, at: Tensor) -> Tensor:
        """A mark's middle: first of voxels whose whole neighbourhood has its value, then of the shares around it."""
        off = torch.nn.functional.max_pool3d((image - value).abs(), 3, stride=1, padding=1)[0, 0]
        middle = _mean_place((off < 0.02).float(), at)
        near = (at - middle[:, None, None, None]).norm(dim=0) * SPACING_MM < 1.5 * MARK_MM
        brain = BRAIN_HU / 100.0
        return _mean_place(near * ((image[0, 0] - brain) / (value - brain)).clamp(0.0, 1.0), at)

    def _template_of(self, at: Tensor, seen: Tensor) -> Tensor:
        own, image = _frame(self.marks), _frame(seen)
        scale = (self.marks[1] - self.marks[0]).norm() / (seen[1] - seen[0]).norm().clamp_min(1e-6)
        return (at - seen[0]) @ image * scale @ own.T + self.marks[0]


def _mean_place(weights: Tensor, at: Tensor) -> Tensor:
    return (at * weights).sum(dim=(1, 2, 3)) / weights.sum().clamp_min(1e-6)


def _frame(marks: Tensor) -> Tensor:
    """Columns right, forward, up (3 x 3, orthonormal) of a head with such marks."""
    forward = torch.nn.functional.normalize(marks[1] - marks[0], dim=0)
    up = marks[2] - marks[0]
    up = torch.nn.functional.normalize(up - (up @ forward) * forward, dim=0)
    return torch.stack([torch.linalg.cross(forward, up), forward, up], dim=1)


def register_by_hand() -> None:
    """Make these networks known to ``build``."""
    for name, factory in (("phantom-seeing", SeeingNetwork), ("phantom-atlas", AtlasNetwork)):
        if name not in available():
            register(name, factory)


class AtlasNetwork(nn.Module):
    """Lays the embedded atlas's regions onto the middle of what isn't dark; enough for an upright head.

    Args:
        aside_mm: how far to the right it lays them.
    """

    def __init__(self, aside_mm: float = 0.0) -> None:
        super().__init__()
        from deepstroke import atlas

        loaded = atlas.load()
        unsided = np.where(loaded.labels.data > 10, loaded.labels.data - 10, loaded.labels.data)[::3, ::3, ::3]
        self.register_buffer("regions", torch.tensor(unsided))
        brain = loaded.brain.ras_of(np.argwhere(loaded.brain.mask))
        self.register_buffer("middle", torch.tensor((brain.min(0) + brain.max(0)) / 2, dtype=torch.float32))
        self.register_buffer("first", torch.tensor(loaded.labels.ijk_to_ras[:3, 3], dtype=torch.float32))
        self.register_buffer("step", torch.tensor(3.0 * np.diag(loaded.labels.ijk_to_ras)[:3], dtype=torch.float32))
        self.aside_mm = aside_mm

    def forward(self, image: Tensor) -> Tensor:
        """(1, 1, i, j, k) to (1, 14, i, j, k); the grid's voxels are cubes of ``SPACING_MM``."""
        used = (image[0, 0] > 0).nonzero().float()
        middle = (used.min(dim=0).values + used.max(dim=0).values) / 2
        at = torch.stack(torch.meshgrid(*[torch.arange(float(n)) for n in image.shape[2:]], indexing="ij"), dim=-1)
        points = (at - middle) * SPACING_MM + self.middle
        points[..., 0] -= self.aside_mm
        sizes = torch.tensor(self.regions.shape)
        place = ((points - self.first) / self.step).round().long().clamp_min(0).minimum(sizes - 1)
        labels = self.regions[place[..., 0], place[..., 1], place[..., 2]].long()
        logits = 6.0 * torch.nn.functional.one_hot(labels, 11).permute(3, 0, 1, 2).float()
        return torch.cat([logits, points.permute(3, 0, 1, 2) / 50.0])[None]


def write_weights(
    folder: Path,
    name: str = "by-hand",
    network: str = "phantom-seeing",
    settings: dict[str, Any] | None = None,
    labels: tuple[str, ...] | None = None,
    coordinates: bool = True,
    **more: Any,
) -> Path:
    """A network made by hand as files of weights and manifest; ``more`` goes into the manifest."""
    from deepstroke.networks import build

    register_by_hand()
    made = build(network, **(settings or {}))
    path = folder / f"{name}.safetensors"
    folder.mkdir(parents=True, exist_ok=True)
    save_file({key: tensor.contiguous() for key, tensor in made.state_dict().items()}, path)
    labels = labels or ("background", *(region.abbreviation for region in REGIONS))
    manifest: dict[str, Any] = {
        "format": 1,
        "name": name,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "network": {"name": network, "settings": settings or {}},
        "input": {
            "spacing_mm": SPACING_MM,
            "shape": list(SHAPE if network == "phantom-seeing" else HEAD_SHAPE),
            "hu_range": [0.0, 100.0],
            "stages": ["stripped"],
            "window": None,
            "overlap": 0.5,
        },
        "output": {"labels": list(labels), "coordinate_unit_mm": 50.0 if coordinates else None},
        "licence": "Apache-2.0",
    }
    for part in ("input", "output"):
        manifest[part].update(more.pop(part, {}))
    path.with_suffix(".json").write_text(json.dumps(manifest | more))
    return path
