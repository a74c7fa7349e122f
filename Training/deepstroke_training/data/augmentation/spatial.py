"""Move, turn, stretch, bend, mirror and cut out heads, all in one sampling of each batch.

MONAI's random affine and elastic transforms take one sample at a time, draw from a generator of their own, and resample
for each transform and key. Here one grid serves image, brain, coordinates and labels of the whole batch, on its device.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import grid_sample

from deepstroke.regions import SIDE_OFFSET
from deepstroke_training.data.augmentation.draws import Draws
from deepstroke_training.data.augmentation.head_batch import HeadBatch, per_sample
from deepstroke_training.data.augmentation.settings import AugmentationSettings

Shape = tuple[int, int, int]


@dataclass(frozen=True, eq=False)
class Move:
    """Where the voxels of a moved sample come from.

    Attributes:
        matrix: 3 x 4; takes mm from the new grid's centre to mm from the old one's.
        bend_mm: (3, i, j, k) further displacement in the old frame, or None.
        mirrored: whether left and right are exchanged.
    """

    matrix: NDArray[np.float64]
    bend_mm: torch.Tensor | None = None
    mirrored: bool = False


def move(
    batch: HeadBatch,
    draws: Sequence[Draws],
    settings: AugmentationSettings,
    spacing_mm: float,
    patch: Shape | None,
    sided: bool,
) -> HeadBatch:
    """Draw a move for each sample and sample the batch anew.

    Args:
        batch: what to move.
        draws: of each sample.
        settings: ranges.
        spacing_mm: voxel size.
        patch: shape of the part that is cut out; whole grids without it.
        sided: whether labels are sided and so exchanged with the sides.
    """
    shape = patch or batch.shape
    moves = [_drawn(one, settings, spacing_mm, batch.shape, shape, batch.device) for one in draws]
    still = np.eye(3, 4)
    if shape == batch.shape and all(m.bend_mm is None and np.array_equal(m.matrix, still) for m in moves):
        return batch
    grid = sampling_grid(moves, batch.shape, shape, spacing_mm, batch.device)
    return _mirror_meaning(sample(batch, grid), [m.mirrored for m in moves], sided)


def _drawn(
    draws: Draws, settings: AugmentationSettings, spacing_mm: float, old: Shape, new: Shape, device: torch.device
) -> Move:
    linear, shift = np.eye(3), np.zeros(3)
    if draws.happens("affine", settings.affine_probability):
        linear = _linear(draws, settings)
        shift = draws.two_sided("translation", settings.translation_mm, 3)
    mirrored = draws.happens("flip", settings.flip_probability)
    if mirrored:
        linear = np.diag([-1.0, 1.0, 1.0]) @ linear
    room = (np.array(old) - new) // 2
    offset_mm = np.rint(draws.two_sided("patch", 1.0, 3) * room) * spacing_mm
    matrix = np.concatenate([linear, (linear @ offset_mm + shift)[:, None]], axis=1)
    bend = None
    if draws.happens("elastic", settings.elastic_probability):
        size = draws.up_to("elastic size", settings.elastic_mm)
        fields = [draws.smooth(f"elastic {a}", new, spacing_mm, settings.elastic_wavelength_mm, device) for a in "xyz"]
        bend = size * torch.stack(fields)
    return Move(matrix, bend, mirrored)


def _linear(draws: Draws, settings: AugmentationSettings) -> NDArray[np.float64]:
    """Rotation after shear after scale, 3 x 3."""
    scale = 1.0 + draws.two_sided("scale", settings.scale) + draws.two_sided("scales", settings.scale / 3.0, 3)
    shear = np.eye(3)
    shear[np.triu_indices(3, 1)] = draws.two_sided("shear", settings.shear, 3)
    return rotation(draws.two_sided("rotation", settings.rotation_degrees, 3)) @ shear @ np.diag(scale)


def rotation(degrees: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rotation about x, then y, then z by angles in degrees, 3 x 3."""
    matrix = np.eye(3)
    for axis, angle in enumerate(np.deg2rad(degrees)):
        turn = np.eye(3)
        first, second = (axis + 1) % 3, (axis + 2) % 3
        turn[[first, second], [first, second]] = np.cos(angle)
        turn[first, second], turn[second, first] = -np.sin(angle), np.sin(angle)
        matrix = turn @ matrix
    return matrix


def sampling_grid(
    moves: Sequence[Move], old: Shape, new: Shape, spacing_mm: float, device: torch.device
) -> torch.Tensor:
    """For each voxel of the new grids its place in the old ones, as ``grid_sample`` wants it: (B, i, j, k, 3)."""
    half = np.array([max(n - 1, 1) * spacing_mm / 2.0 for n in old])
    rows = np.stack([(one.matrix / half[:, None])[::-1] for one in moves])
    matrices = torch.as_tensor(rows, dtype=torch.float32, device=device).reshape(-1, 1, 1, 1, 3, 4)
    i, j, k = (
        ((torch.arange(n, device=device) - (n - 1) / 2.0) * spacing_mm).reshape([-1 if a == b else 1 for b in range(4)])
        for a, n in enumerate(new)
    )
    grid = (matrices[..., 0] * i + matrices[..., 1] * j) + (matrices[..., 2] * k + matrices[..., 3])
    for place, one in zip(grid, moves, strict=True):
        if one.bend_mm is not None:
            scale = torch.as_tensor(half, dtype=torch.float32, device=device)
            place += (one.bend_mm.movedim(0, -1) / scale).flip(-1)
    return grid


def sample(batch: HeadBatch, grid: torch.Tensor) -> HeadBatch:
    """A batch at other places: image and coordinates linearly, labels from the nearest voxel; the fill beyond the grid.

    Args:
        batch: what is sampled.
        grid: (B, i, j, k, 3) as from ``sampling_grid``.
    """
    fill = per_sample(batch.fill_hu)
    smooth = [batch.image - fill, batch.brain.float()]
    if batch.template_mm is not None:
        smooth.append(batch.template_mm)
    linear = grid_sample(torch.cat(smooth, dim=1), grid, mode="bilinear", align_corners=True)
    label = grid_sample(batch.label.float(), grid, mode="nearest", align_corners=True).to(batch.label.dtype)
    return replace(
        batch,
        image=linear[:, :1] + fill,
        brain=linear[:, 1:2] >= 0.5,
        label=label,
        template_mm=None if batch.template_mm is None else linear[:, 2:],
    )


def _mirror_meaning(batch: HeadBatch, mirrored: Sequence[bool], sided: bool) -> HeadBatch:
    """Mirrored heads: left labels become right ones, and the template's x its opposite."""
    flipped = per_sample(torch.tensor(mirrored, device=batch.device))
    if batch.template_mm is not None:
        sign = torch.where(flipped, torch.tensor([-1.0, 1.0, 1.0], device=batch.device).reshape(1, 3, 1, 1, 1), 1.0)
        batch = replace(batch, template_mm=batch.template_mm * sign)
    if sided:
        batch = replace(batch, label=torch.where(flipped, other_side(batch.label), batch.label))
    return batch


def other_side(labels: torch.Tensor) -> torch.Tensor:
    """Sided labels 1..20 with left and right exchanged, in their own type."""
    offset = SIDE_OFFSET["right"]
    exchanged = torch.where(labels > offset, labels - offset, labels + offset)
    return torch.where(labels > 0, exchanged, labels)
