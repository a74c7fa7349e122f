"""Predictions on the scan's own grid, where the truth was drawn and the labels will be used."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import grid_sample

from deepstroke.inference.preparation import HEAD_HU, centred_grid
from deepstroke.preprocess.resampling import Grid, HasGrid
from deepstroke.volume import LabelMap, Volume
from deepstroke_training.data.curated_dataset import DatasetCase
from deepstroke_training.data.prepared_case import Stage
from deepstroke_training.data.preprocessing import GridSettings, brain_of

#: Values that are interpolated at a time, over all classes.
_BLOCK = 1 << 25


def grid_of(case: DatasetCase, stage: Stage, settings: GridSettings) -> Grid:
    """Where a prepared case lies in RAS+ mm; the grid that ``prepare`` of the data makes.

    Raises:
        InputError: a file is missing or damaged, or the brain is empty.
    """
    if stage != "registered" and settings.centre == "head":
        about, _ = case.read("raw")
        mask: NDArray[np.bool_] = about.data > HEAD_HU
    else:
        about, _ = case.read("registered" if stage == "registered" else "stripped")
        mask = brain_of(about)
    return centred_grid(about, mask, settings.spacing_mm, settings.shape)


def labels_on(logits: Tensor, grid: HasGrid, native: Volume) -> LabelMap:
    """Carry a prediction to another grid: logits linearly interpolated, then the largest one; 0 outside.

    Args:
        logits: (K, i, j, k) on ``grid``, class 0 the background.
        grid: of the logits.
        native: whose grid is filled; it may lie oblique or flipped.
    """
    native_to_grid = np.linalg.inv(grid.ijk_to_ras) @ native.ijk_to_ras
    slabs = max(_BLOCK // (logits.shape[0] * native.shape[1] * native.shape[2]), 1)
    found = np.zeros(native.shape, np.uint8)
    for start in range(0, native.shape[0], slabs):
        rows = range(start, min(start + slabs, native.shape[0]))
        found[rows.start : rows.stop] = _slab(logits, native_to_grid, rows, native.shape).cpu().numpy()
    return native.with_labels(found)


def _slab(logits: Tensor, native_to_grid: NDArray[np.float64], rows: range, shape: Sequence[int]) -> Tensor:
    """Labels of some of the first axis's voxels, uint8."""
    size = torch.tensor(logits.shape[1:], dtype=torch.float32, device=logits.device)
    axes = [torch.arange(n, device=logits.device, dtype=torch.float32) for n in (len(rows), *shape[1:])]
    axes[0] += rows.start
    native = torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1)
    matrix = torch.tensor(native_to_grid, dtype=torch.float32, device=logits.device)
    place = native @ matrix[:3, :3].T + matrix[:3, 3]
    inside = ((place >= -0.5) & (place <= size - 0.5)).all(dim=-1)
    # grid_sample wants -1..1 between the centres of the outer voxels, the last axis first.
    scaled = (2 * place / (size - 1).clamp(min=1) - 1).flip(-1)
    values = grid_sample(logits[None], scaled[None], mode="bilinear", padding_mode="border", align_corners=True)[0]
    return torch.where(inside, values.argmax(dim=0), 0).to(torch.uint8)
