"""Scans a drawn case: lays slices over its head and brings each to the matrix, with noise."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from deepstroke.frames import apply_affine
from deepstroke_training.synthesis import acquisition
from deepstroke_training.synthesis.acquisition import SliceStack
from deepstroke_training.synthesis.artefacts import SlicePlanes, calibrated
from deepstroke_training.synthesis.imaging import image_slabs
from deepstroke_training.synthesis.rendering import CaseModel, Rendered
from deepstroke_training.synthesis.settings import AcquisitionSettings

#: How many points are rendered together, on a processor (whose caches are small) and on a GPU.
_POINTS_AT_ONCE = {False: 300_000, True: 6_000_000}


@dataclass(frozen=True, eq=False)
class ScannedSlice:
    """One slice on the pixels of the matrix.

    Attributes:
        hu: (i, j) float32.
        weights: (8, i, j) truth weights averaged over the slab; see ``Rendered.truth_weights``.
        points: (3, i, j) template mm of the middle of the slab.
    """

    hu: torch.Tensor
    weights: torch.Tensor
    points: torch.Tensor


def lay_slices(model: CaseModel) -> SliceStack:
    """The slices over a head, from the settings' bottom to their top."""
    low, _, high = slice_range(model)
    return acquisition.plan_slices(model.settings.acquisition, low, high, model.deformation.head_to_scanner[:3, 3])


def slice_range(model: CaseModel) -> tuple[float, float, float]:
    """Scanner z in mm of the lowest slice's middle, of the change of step, and of the highest slice at most."""
    settings = model.settings.acquisition
    to_scanner = np.linalg.inv(model.deformation.scanner_to_template)
    x, y, _ = model.head.centre
    levels = (settings.bottom_mm, settings.change_mm, settings.top_mm)
    low, change, high = (float(apply_affine(to_scanner, (x, y, z))[2]) for z in levels)
    return low, change, high


def scan_slices(model: CaseModel, stack: SliceStack, seed: int) -> Iterator[ScannedSlice]:
    """Every slice of a stack, from foot to head."""
    settings = model.settings.acquisition
    matrix = stack.shape[:2]
    noise = acquisition.slice_noise(settings, stack.shape[2], seed, model.device)
    for k, ((piece, exposure), grain) in enumerate(zip(_slabs(model, stack, seed), noise, strict=True)):
        hu, exposed, weights, points = (
            acquisition.to_matrix(image, matrix) for image in (piece.hu[None], exposure, piece.weights, piece.points)
        )
        noisy = acquisition.expose(hu[0], exposed, grain)
        noisy = calibrated(noisy[None], [k], model.settings.artefacts, seed)[0]
        yield ScannedSlice(acquisition.in_circle(noisy), weights, points)


def _slabs(model: CaseModel, stack: SliceStack, seed: int) -> Iterator[tuple[ScannedSlice, torch.Tensor]]:
    """Each slice averaged over its thickness on the rendering's pixels, without noise, and its exposure."""
    settings = model.settings.acquisition
    coarse = stack.coarser(settings.render_mm)
    offsets = acquisition.subslice_offsets(settings.thickness_mm, settings.render_mm)
    at_once = max(1, _POINTS_AT_ONCE[model.device.type == "cuda"] // (coarse.shape[0] * coarse.shape[1] * len(offsets)))
    for first in range(0, stack.shape[2], at_once):
        numbers = range(first, min(first + at_once, stack.shape[2]))
        points = torch.stack([_slab_points(coarse, k, offsets, model.device) for k in numbers], dim=1)
        template_mm = model.deformation.template_points(points.reshape(3, -1))
        rendered = model.render(template_mm, max(settings.render_mm, 0.5))
        averaged = _averaged(rendered, points, settings)
        planes = _planes(coarse, numbers, settings, model.device)
        hu, exposed = image_slabs(model, planes, averaged.hu, averaged.weights[0], seed)
        for n in range(len(numbers)):
            yield ScannedSlice(hu[n], averaged.weights[:, n], averaged.points[:, n]), exposed[:, n]


def _planes(
    stack: SliceStack, numbers: Sequence[int], settings: AcquisitionSettings, device: torch.device
) -> SlicePlanes:
    """Where the pixels of some slices of a stack lie."""
    points = torch.stack([stack.points(k, device) for k in numbers])
    cosine = math.cos(math.radians(settings.tilt_degrees))
    pixels = np.linalg.norm(stack.ijk_to_ras[:3, :2], axis=0).tolist()
    return SlicePlanes(
        numbers=numbers,
        lateral=points[0, 0, :, 0],
        depth=points[0, 1, 0, :],
        heights=points[:, 2, 0, :],
        pixel_mm=(pixels[0], pixels[1]),
        cosine=cosine,
        thickness_mm=settings.thickness_mm,
    )


def _slab_points(stack: SliceStack, k: int, offsets: list[float], device: torch.device) -> torch.Tensor:
    """Scanner points (3, sub-slice, i, j) of one slab."""
    normal = torch.as_tensor(stack.normal, dtype=torch.float32, device=device).reshape(3, 1, 1, 1)
    along = torch.tensor(offsets, dtype=torch.float32, device=device).reshape(1, -1, 1, 1)
    return stack.points(k, device)[:, None] + along * normal


def _averaged(rendered: Rendered, points: torch.Tensor, settings: AcquisitionSettings) -> ScannedSlice:
    """The slabs of scanner points (3, slab, sub-slice, i, j), each the mean of its sub-slices: (..., slab, i, j)."""
    shape = points.shape[1:]
    hu = rendered.hu.reshape(shape)
    if settings.head_rest:
        rest = points[:2] + torch.tensor([0.0, settings.rest_gap_mm], device=points.device).reshape(2, 1, 1, 1, 1)
        hu = torch.maximum(hu, acquisition.head_rest(rest))
    return ScannedSlice(hu.mean(1), rendered.truth_weights(shape).mean(2), rendered.drawn_from(shape).mean(2))
