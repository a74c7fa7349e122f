"""Scans a drawn case: lays slices over its head and brings each to the matrix, with noise."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from deepstroke.frames import apply_affine
from deepstroke_training.synthesis import acquisition
from deepstroke_training.synthesis.acquisition import SliceStack
from deepstroke_training.synthesis.rendering import CaseModel, Rendered
from deepstroke_training.synthesis.settings import AcquisitionSettings


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
    settings = model.settings.acquisition
    to_scanner = np.linalg.inv(model.deformation.scanner_to_template)
    x, y, _ = model.head.centre
    low, high = (apply_affine(to_scanner, (x, y, z))[2] for z in (settings.bottom_mm, settings.top_mm))
    return acquisition.plan_slices(settings, low, high, model.deformation.head_to_scanner[:3, 3])


def scan_slices(model: CaseModel, stack: SliceStack, seed: int) -> Iterator[ScannedSlice]:
    """Every slice of a stack, from foot to head."""
    settings = model.settings.acquisition
    matrix = stack.shape[:2]
    noise = acquisition.slice_noise(settings, stack.shape[2], seed, model.device)
    for k, grain in enumerate(noise):
        piece, exposure = _slab(model, stack, k)
        hu, exposure, weights, points = (
            acquisition.to_matrix(image, matrix) for image in (piece.hu[None], exposure, piece.weights, piece.points)
        )
        yield ScannedSlice(acquisition.expose(hu[0], exposure, grain), weights, points)


def _slab(model: CaseModel, stack: SliceStack, k: int) -> tuple[ScannedSlice, torch.Tensor]:
    """A slice averaged over its thickness on the rendering's pixels, without noise, and its exposure."""
    settings = model.settings.acquisition
    coarse = stack.coarser(settings.render_mm)
    middle = coarse.points(k, model.device)
    normal = torch.as_tensor(stack.normal, dtype=torch.float32, device=model.device).reshape(3, 1, 1)
    layers = []
    for offset in acquisition.subslice_offsets(settings.thickness_mm, settings.render_mm):
        points = middle + offset * normal
        layers.append((points, model.render(points.reshape(3, -1), max(settings.render_mm, 0.5))))
    averaged = _averaged(layers, settings, coarse.shape[:2])
    pixel_mm = float(np.linalg.norm(coarse.ijk_to_ras[:3, 0]))
    return averaged, acquisition.exposure(averaged.hu, averaged.weights[0], settings, pixel_mm)


def _averaged(
    layers: list[tuple[torch.Tensor, Rendered]], settings: AcquisitionSettings, shape: tuple[int, int]
) -> ScannedSlice:
    """A slab from its sub-slices: (scanner points, what is rendered there)."""
    hu = torch.zeros(shape, device=layers[0][0].device)
    weights = torch.zeros((8, *shape), device=hu.device)
    middle = torch.zeros((3, *shape), device=hu.device)
    for points, layer in layers:
        density = layer.hu.reshape(shape)
        if settings.head_rest:
            density = torch.maximum(density, acquisition.head_rest(points))
        hu += density / len(layers)
        weights += layer.truth_weights(shape) / len(layers)
        middle += layer.points.reshape(3, *shape) / len(layers)
    return ScannedSlice(hu, weights, middle)
