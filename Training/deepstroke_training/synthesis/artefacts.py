"""What spoils slices beyond noise: metal, motion, and a scanner out of calibration."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from deepstroke.frames import Affine, apply_affine
from deepstroke_training.synthesis.artefact_settings import ArtefactSettings, Metal
from deepstroke_training.synthesis.random_fields import generator, numbers

METAL_HU = 3071.0
#: Directions around the half circle in which streaks differ.
_DIRECTIONS = 90
#: Over how many mm streaks fade to half.
_STREAK_REACH_MM = 35.0


@dataclass(frozen=True, eq=False)
class SlicePlanes:
    """Where the pixels of some of a scan's slices lie in the scanner.

    Attributes:
        numbers: of these slices within the scan.
        lateral: (i) RAS x in mm.
        depth: (j) RAS y in mm.
        heights: (slice, j) RAS z in mm.
        pixel_mm: size of a pixel within the plane, along i and j.
        cosine: of the tilt.
        thickness_mm: along the slice normal.
    """

    numbers: Sequence[int]
    lateral: torch.Tensor
    depth: torch.Tensor
    heights: torch.Tensor
    pixel_mm: tuple[float, float]
    cosine: float
    thickness_mm: float


def add_metal(
    slices: torch.Tensor, planes: SlicePlanes, metals: Sequence[Metal], template_to_scanner: Affine, seed: int
) -> torch.Tensor:
    """Slices (slice, i, j) in HU with pieces of metal and the streaks about them."""
    for number, metal in enumerate(metals):
        centre = apply_affine(template_to_scanner, metal.centre)
        share = _share_in_slices(metal, planes, centre)
        rows = share.gt(0).nonzero()[:, 0]
        if len(rows):
            slices = slices.clone()
            name = f"metal/{number}"
            slices[rows] = _with_metal(
                slices[rows], planes, metal, centre, share[rows], generator(seed, name, slices.device)
            )
    return slices


def _share_in_slices(metal: Metal, planes: SlicePlanes, centre: np.ndarray) -> torch.Tensor:
    """How much of each slice's thickness a piece of metal takes, 0..1."""
    column = int((planes.depth - float(centre[1])).abs().argmin())
    away = (planes.heights[:, column] - float(centre[2])).abs() * planes.cosine
    half = planes.thickness_mm / 2.0
    overlap = torch.clamp_max(metal.radius_mm - away + half, 2.0 * min(half, metal.radius_mm))
    return (overlap / planes.thickness_mm).clamp(0.0, 1.0)


def _with_metal(
    slices: torch.Tensor,
    planes: SlicePlanes,
    metal: Metal,
    centre: np.ndarray,
    share: torch.Tensor,
    random: torch.Generator,
) -> torch.Tensor:
    """Lines of alternating sign along both ways of each direction, with a dark halo, over slices (slice, i, j)."""
    x = (planes.lateral - float(centre[0]))[:, None]
    y = ((planes.depth - float(centre[1])) / planes.cosine)[None, :]
    distance, direction = torch.hypot(x, y), torch.atan2(y, x) / math.pi % 1.0
    pattern = torch.randn(_DIRECTIONS, generator=random, device=slices.device)
    pattern = pattern - 0.6 * (pattern.roll(1) + pattern.roll(-1)) - 0.3
    place = direction * _DIRECTIONS
    low = place.floor()
    part = place - low
    low = low.long() % _DIRECTIONS
    along = pattern[low] * (1.0 - part) + pattern[(low + 1) % _DIRECTIONS] * part
    beyond = (distance - metal.radius_mm).clamp_min(0.0)
    streak = metal.streak_hu * along / (1.0 + beyond / _STREAK_REACH_MM) ** 2
    piece = (0.5 - (distance - metal.radius_mm) / planes.pixel_mm[0]).clamp(0.0, 1.0)
    here = share[:, None, None]
    slices = slices + here * streak * (1.0 - piece) * (slices > -700.0)
    return slices + here * piece * (METAL_HU - slices).clamp_min(0.0)


def ghosted(slices: torch.Tensor, planes: SlicePlanes, settings: ArtefactSettings, seed: int) -> torch.Tensor:
    """Slices (slice, i, j) of which some show the head twice, as it moved while they were scanned."""
    if settings.ghost == 0.0:
        return slices
    random = numbers(seed, "motion")
    draws = random.random((max(planes.numbers, default=0) + 1, 3))[list(planes.numbers)]
    moved = np.flatnonzero(draws[:, 0] < settings.ghost_part)
    if not len(moved):
        return slices
    angle = np.radians(settings.ghost_degrees) * (2.0 * draws[moved, 1] - 1.0)
    course = 2.0 * np.pi * draws[moved, 2]
    rows = torch.as_tensor(moved, device=slices.device)
    step = settings.ghost_mm / np.array(planes.pixel_mm)
    second = _moved(slices[rows], angle, step[0] * np.cos(course), step[1] * np.sin(course))
    out = slices.clone()
    out[rows] = (1.0 - settings.ghost) * slices[rows] + settings.ghost * second
    return out


def _moved(slices: torch.Tensor, angle: np.ndarray, i_pixels: np.ndarray, j_pixels: np.ndarray) -> torch.Tensor:
    """Slices (slice, i, j), each turned about its middle and shifted."""
    ni, nj = slices.shape[1:]
    cosine, sine = np.cos(angle), np.sin(angle)
    # In PyTorch's coordinates j comes first, and both run from -1 to 1.
    theta = np.stack(
        [
            np.stack([cosine, -sine * ni / nj, 2.0 * j_pixels / nj], axis=1),
            np.stack([sine * nj / ni, cosine, 2.0 * i_pixels / ni], axis=1),
        ],
        axis=1,
    )
    matrices = torch.as_tensor(theta, dtype=slices.dtype, device=slices.device)
    grid = torch.nn.functional.affine_grid(matrices, [len(slices), 1, ni, nj], align_corners=False)
    return torch.nn.functional.grid_sample(slices[:, None], grid, padding_mode="border", align_corners=False)[:, 0]


def calibrated(
    slices: torch.Tensor, slice_numbers: Sequence[int], settings: ArtefactSettings, seed: int
) -> torch.Tensor:
    """Slices (slice, i, j) in the HU of a scanner out of calibration, whose slices differ."""
    if settings == ArtefactSettings(metals=settings.metals):
        return slices
    drift = numbers(seed, "drift").normal(0.0, 1.0, max(slice_numbers, default=0) + 1)[list(slice_numbers)]
    added = settings.hu_shift + settings.slice_drift_hu * torch.as_tensor(
        drift, dtype=slices.dtype, device=slices.device
    )
    return slices * settings.hu_gain + added[:, None, None]
