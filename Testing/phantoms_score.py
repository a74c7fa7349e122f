"""A brain of boxes with twenty regions, whose densities and scores are known by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepstroke.regions import REGIONS, SIDED_REGIONS
from deepstroke.volume import LabelMap, Volume

#: Voxels of 2 x 2 x 5 mm: none are averaged on the working grid.
SPACING_MM, SHAPE = (2.0, 2.0, 5.0), (61, 60, 16)
MIDDLE = 30  # the column between the sides
TISSUE_HU, CSF_HU = 32.0, 6.0
#: Columns from the middle, rows and slices of the left side's regions; the right side's mirror them. 4 x 10 x 4 voxels.
_COLUMNS, _ROWS, _SLICES = ((6, 10), (12, 16), (18, 22)), (8, 22, 36), ((3, 7), (9, 13))


def boxes() -> dict[int, tuple[slice, slice, slice]]:
    """The box of each label 1..20."""
    places = [(c, r, s) for s in _SLICES for r in _ROWS for c in _COLUMNS][: len(REGIONS)]
    found = {}
    for region, ((near, far), row, (low, high)) in zip(REGIONS, places, strict=True):
        inside = (slice(row, row + 10), slice(low, high))
        found[region.label("left")] = (slice(MIDDLE - far, MIDDLE - near), *inside)
        found[region.label("right")] = (slice(MIDDLE + near + 1, MIDDLE + far + 1), *inside)
    return found


def brain_of_boxes(
    shift_hu: Mapping[int, float] | None = None, noise_hu: float = 1.0, seed: int = 0
) -> tuple[Volume, LabelMap, LabelMap]:
    """Volume, labels and brain mask; regions by label are darker or brighter by some HU than the rest's 32."""
    hu = np.full(SHAPE, -1000.0, np.float32)
    brain = np.zeros(SHAPE, np.uint8)
    brain[3:-3, 3:-3, 1:-1] = 1
    half = np.random.default_rng(seed).normal(0.0, noise_hu, (MIDDLE + 1, *SHAPE[1:])).astype(np.float32)
    noise = np.concatenate([half, half[:-1][::-1]])  # both sides alike
    hu[brain > 0] = TISSUE_HU + noise[brain > 0]
    labels = np.zeros(SHAPE, np.uint8)
    for label, box in boxes().items():
        labels[box] = label
        hu[box] += (shift_hu or {}).get(label, 0.0)
    affine = grid_affine()
    return Volume(hu, affine), LabelMap(labels, affine), LabelMap(brain, affine)


def grid_affine() -> NDArray[np.float64]:
    """Axes to right, anterior, superior; the plane between the sides is x = 0."""
    affine = np.diag([*SPACING_MM, 1.0])
    affine[:3, 3] = (-MIDDLE * SPACING_MM[0], -60.0, -40.0)
    return affine


def with_hu(volume: Volume, box: tuple[slice, slice, slice], hu: float) -> Volume:
    """The volume with a box of one density."""
    data = volume.data.copy()
    data[box] = hu
    return volume.with_data(data)


def mirrored(volume: Volume, labels: LabelMap, brain: LabelMap) -> tuple[Volume, LabelMap, LabelMap]:
    """The head as in a mirror: sides swapped in the image and in the labels' names."""
    flipped = labels.data[::-1]
    half = len(SIDED_REGIONS) // 2
    swapped = np.where(flipped == 0, 0, np.where(flipped > half, flipped - half, flipped + half)).astype(np.uint8)
    return volume.with_data(volume.data[::-1]), labels.with_labels(swapped), brain.with_labels(brain.data[::-1])


def model_content(**changes: Any) -> dict[str, Any]:
    """A model by hand: even odds where a region is 3 HU darker than the other side, one log odd for each HU."""
    region = {"base": 0.0, "usual": [-3.0], "weights": [-1.0], "calibration": {"slope": 1.0, "offset": 0.0}}
    content = {
        "format": 1,
        "name": "by-hand",
        "method": "logistic",
        "measures": ["difference_hu"],
        "threshold": 0.5,
        "regions": {r.abbreviation: region for r in REGIONS},
    }
    return {**content, **changes}


def write_hand_model(folder: Path, **changes: Any) -> Path:
    """The model by hand as a file."""
    path = folder / "model.json"
    path.write_text(json.dumps(model_content(**changes)), encoding="utf-8")
    return path
