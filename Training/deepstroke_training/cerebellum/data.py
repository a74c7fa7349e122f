"""Cases that the networks learn from and are tested on: synthetic heads, or prepared images of the user's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepstroke.errors import InputError
from deepstroke.nifti import read_label_map, read_volume
from deepstroke.volume import LabelMap
from deepstroke_training.cerebellum.augmentation import Pair, augmented
from deepstroke_training.cerebellum.preparation import PreparationSettings, prepare
from deepstroke_training.cerebellum.settings import STRUCTURE_LABELS, CerebellumSettings, Structure
from deepstroke_training.cerebellum.synthetic_t1 import SyntheticT1

_IMAGES, _LABELS = "images", "labels"


@dataclass(frozen=True, eq=False)
class PreparedCases:
    """All cases of a run.

    Attributes:
        training, validation, test: pairs of image (i, j, k), 0..1, and mask; the copies of augmentation included but in
            the test.
        voxel_mm3: volume of a voxel.
    """

    training: tuple[Pair, ...]
    validation: tuple[Pair, ...]
    test: tuple[Pair, ...]
    voxel_mm3: float


def make_cases(settings: CerebellumSettings) -> PreparedCases:
    """The cases that settings name; augmented copies are drawn once, as in the paper.

    Raises:
        InputError: the data set has too few cases or a file can't be used.
        MissingDependencyError: synthetic heads need nilearn.
    """
    counts = (settings.training_cases, settings.validation_cases, settings.test_cases)
    read, spacing_mm = _dataset(settings, sum(counts)) if settings.dataset else _synthetic(settings)
    ends = np.cumsum((0, *counts)).tolist()
    training, validation, test = (tuple(read(n) for n in range(a, b)) for a, b in pairwise(ends))
    cases = PreparedCases(training, validation, test, spacing_mm**3)
    return with_copies(cases, settings) if settings.augment else cases


def with_copies(cases: PreparedCases, settings: CerebellumSettings) -> PreparedCases:
    """The cases with the augmented copies of the training and validation ones."""
    rng = np.random.default_rng([settings.seed, 2])
    training, validation = ((*part, *_copies(part, settings, rng)) for part in (cases.training, cases.validation))
    return replace(cases, training=training, validation=validation)


def mask_of(labels: LabelMap, structure: Structure) -> NDArray[np.uint8]:
    """1 where a structure is, from the paper's labels 17, 18 and 19."""
    return np.isin(labels.data, STRUCTURE_LABELS[structure]).astype(np.uint8)


def _copies(pairs: Iterable[Pair], settings: CerebellumSettings, rng: np.random.Generator) -> Iterator[Pair]:
    for image, mask in pairs:
        yield from augmented(image, mask, settings.augmentation, rng)


def _synthetic(settings: CerebellumSettings) -> tuple[Callable[[int], Pair], float]:
    heads = SyntheticT1(settings.spacing_mm, seed=settings.seed)
    steps = PreparationSettings.in_mni(settings.spacing_mm)

    def make(number: int) -> Pair:
        prepared = prepare(*heads.case(number), steps)
        if prepared.labels is None:
            raise InputError("a synthetic head lost its labels", code="no-label-maps")
        return prepared.image.data, mask_of(prepared.labels, settings.structure)

    return make, settings.spacing_mm


def _dataset(settings: CerebellumSettings, wanted: int) -> tuple[Callable[[int], Pair], float]:
    folder = Path(settings.dataset or "")
    names = sorted(path.name for path in (folder / _IMAGES).glob("*.nii*"))
    if len(names) < wanted:
        raise InputError(
            f"{folder / _IMAGES} holds {len(names)} images, the settings want {wanted}; "
            "deepstroke-train cerebellum prepare makes them",
            code="too-few-cases",
        )

    def read(number: int) -> Pair:
        image, labels = read_volume(folder / _IMAGES / names[number]), read_label_map(folder / _LABELS / names[number])
        image.require_same_grid(labels, f"{_LABELS}/{names[number]}")
        return image.data.astype(np.float32), mask_of(labels, settings.structure)

    first = read_volume(folder / _IMAGES / names[0])
    return read, float(np.prod(first.spacing_mm) ** (1 / 3))
