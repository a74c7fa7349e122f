"""Bring a curated case onto the grid that a network takes."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

from deepstroke.inference import preparation
from deepstroke.inference.preparation import AIR_HU, HEAD_HU, STRIPPED_HU, centred_grid, head_on_grid
from deepstroke.preprocess import resampling
from deepstroke.preprocess.resampling import Grid, resample
from deepstroke.volume import LabelMap, Volume
from deepstroke_training.data.curated_dataset import DatasetCase
from deepstroke_training.data.prepared_case import PreparedCase, Stage
from deepstroke_training.data.settings import Centre

__all__ = ["GridSettings", "brain_of", "centred_grid", "labels_on", "prepare", "prepare_head", "prepare_registered"]


@dataclass(frozen=True)
class GridSettings:
    """The grid of prepared cases.

    Attributes:
        spacing_mm: voxel size.
        shape: voxels along right, anterior, superior.
        centre: what the grid's middle lies on.
    """

    spacing_mm: float = 2.0
    shape: tuple[int, int, int] = (80, 96, 80)
    centre: Centre = "brain"

    @property
    def key(self) -> str:
        """16 hexadecimal characters that change with the settings and with the code that resamples."""
        digest = hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode())
        for source in (__file__, preparation.__file__, resampling.__file__):
            digest.update(Path(source).read_bytes())
        return digest.hexdigest()[:16]


def prepare_head(case: DatasetCase, settings: GridSettings) -> PreparedCase:
    """A case's whole head with its brain mask; it can be shown raw and stripped.

    Raises:
        InputError: a file is missing or damaged, or the brain is empty.
        GeometryError: files of the case lie on different grids.
    """
    head, labels = case.read("raw")
    stripped, _ = case.read("stripped")
    head.require_same_grid(stripped, str(case.image_path("stripped")))
    brain = brain_of(stripped)
    about = brain if settings.centre == "brain" else head.data > HEAD_HU
    return _prepared(case.name, head, labels, brain, about, settings, AIR_HU)


def prepare_registered(case: DatasetCase, settings: GridSettings) -> PreparedCase:
    """A case's brain on the template's axes, where RAS+ mm are the template's own.

    Raises:
        InputError: a file is missing or damaged, or the brain is empty.
    """
    image, labels = case.read("registered")
    brain = brain_of(image)
    return _prepared(case.name, image, labels, brain, brain, settings, STRIPPED_HU, in_template=True)


def prepare(case: DatasetCase, stage: Stage, settings: GridSettings) -> PreparedCase:
    """A case for a stage; ``raw`` and ``stripped`` share theirs."""
    return prepare_registered(case, settings) if stage == "registered" else prepare_head(case, settings)


def brain_of(stripped: Volume) -> NDArray[np.bool_]:
    """Where the brain of a stripped volume is: every voxel that isn't ``STRIPPED_HU``, and the holes among them."""
    return np.asarray(ndimage.binary_fill_holes(stripped.data != STRIPPED_HU))


def labels_on(labels: LabelMap, grid: Grid) -> NDArray[np.uint8]:
    """Labels on another grid: at each voxel the one with the largest share, where shares are interpolated linearly.

    The nearest voxel would draw thick slices as steps. Only labels of the map come out.
    """
    best = np.zeros(grid.shape, np.float32)
    rest = np.ones(grid.shape, np.float32)
    found = np.zeros(grid.shape, np.uint8)
    for label in labels.present():
        mask = labels.data == label
        box = resampling.bounding_box(mask, margin=1)
        corner = labels.ijk_to_ras.copy()
        corner[:3, 3] = labels.ras_of(np.array([part.start for part in box]))
        share = resample(Volume(mask[box].astype(np.float32), corner), grid, order=1, fill=0.0).data
        rest -= share
        wins = share > best
        best, found = np.where(wins, share, best), np.where(wins, np.uint8(label), found)
    return np.where(best > rest, found, np.uint8(0))


def _prepared(
    name: str,
    image: Volume,
    labels: LabelMap,
    brain: NDArray[np.bool_],
    about: NDArray[np.bool_],
    settings: GridSettings,
    outside_hu: int,
    in_template: bool = False,
) -> PreparedCase:
    grid = centred_grid(image, about, settings.spacing_mm, settings.shape)
    head = head_on_grid(image, brain, grid, outside_hu)
    return PreparedCase(
        name=name,
        whole_head=outside_hu == AIR_HU,
        image=torch.from_numpy(head.hu),
        label=torch.from_numpy(labels_on(labels, grid)),
        brain=torch.from_numpy(head.brain),
        template_mm=_places(grid) if in_template else None,
    )


def _places(grid: Grid) -> torch.Tensor:
    """RAS+ mm of every voxel of a grid along RAS+, (3, i, j, k) float16."""
    axes = [grid.ijk_to_ras[a, 3] + grid.ijk_to_ras[a, a] * np.arange(n) for a, n in enumerate(grid.shape)]
    return torch.from_numpy(np.stack(np.meshgrid(*axes, indexing="ij")).astype(np.float16))
