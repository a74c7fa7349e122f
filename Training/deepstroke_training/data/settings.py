"""What a network is trained on: sources, grid, intensities, batches."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from deepstroke.errors import ConfigError
from deepstroke.preprocess.windowing import BRAIN_HU
from deepstroke_training.data.augmentation import AugmentationSettings
from deepstroke_training.data.prepared_case import STAGES, Stage
from deepstroke_training.synthesis.variety import Variety

#: ``fixed``: the pool is made first and then stays, so that runs repeat exactly; ``live``: it grows while training.
PoolMode = Literal["fixed", "live"]
#: What the grid of a curated case is centred on.
Centre = Literal["brain", "head"]


@dataclass(frozen=True)
class SyntheticSettings:
    """Training on synthetic heads from a pool.

    Attributes:
        cases: how many cases the pool has, or grows to.
        validation_cases: how many validation cases there are, of seeds that training never sees.
        test_cases: how many test cases there are, of seeds that neither sees; made when they are asked for.
        mode: whether the pool is made first, or grows while training.
        first_cases: how many cases a growing pool has before training begins.
        generators: processes that make cases.
        seed: another seed gives other cases; the run's seed doesn't matter, so that runs share pools.
        weight: share of samples, in proportion to other sources'.
        stages: weight of each stage; ``raw`` is the whole head, ``stripped`` the brain alone.
        jitter_mm: standard deviation of the grid's centre about the head's.
        device: where cases are made.
        variety: what training heads are drawn from: ``clinical``, or ``wide`` for networks that must bear real scans.
        tested_variety: the same of validation and test cases; ``held-out`` has ranges that ``wide`` never enters.

    Raises:
        ConfigError: values that are not possible, one fault a line.
    """

    cases: int = 200
    validation_cases: int = 16
    test_cases: int = 16
    mode: PoolMode = "fixed"
    first_cases: int = 8
    generators: int = 1
    seed: int = 0
    weight: float = 1.0
    stages: Mapping[Stage, float] = field(default_factory=lambda: {"raw": 0.5, "stripped": 0.5})
    jitter_mm: float = 4.0
    device: Literal["cpu", "cuda"] = "cpu"
    variety: Variety = "clinical"
    tested_variety: Variety = "clinical"

    def __post_init__(self) -> None:
        faults = [
            *_below(self, 1, "cases", "first_cases", "generators"),
            *_below(self, 0, "validation_cases", "test_cases", "weight", "jitter_mm", "seed"),
            *_not_among(self, "mode", get_args(PoolMode)),
            *_not_among(self, "device", ("cpu", "cuda")),
            *_not_among(self, "variety", get_args(Variety)),
            *_not_among(self, "tested_variety", get_args(Variety)),
            *_stage_faults(self.stages, ("raw", "stripped")),
        ]
        if self.first_cases > self.cases and self.mode == "live":
            faults.append(f"first_cases: at most cases ({self.cases}), found {self.first_cases}")
        _raise(faults)


@dataclass(frozen=True)
class CuratedSettings:
    """Training on a data set that ``deepstroke-train curate`` made.

    Attributes:
        folder: of the data set.
        weight: share of samples, in proportion to other sources'.
        stages: weight of each stage.
        skip_review: leave out cases that curation flagged for a look by a person.
        split_file: a split made before; one is drawn without it.
        split_seed: another seed draws another split.
        test_size: share of patients kept away from training and validation.
        validation_size: share of patients for validation; without meaning where there are ``folds``.
        folds: number of folds for cross-validation; 0 for one split.
        fold: which of the folds is validated on, from 0.

    Raises:
        ConfigError: values that are not possible, one fault a line.
    """

    folder: Path
    weight: float = 1.0
    stages: Mapping[Stage, float] = field(default_factory=lambda: dict.fromkeys(STAGES, 1.0))
    skip_review: bool = False
    split_file: Path | None = None
    split_seed: int = 0
    test_size: float = 0.1
    validation_size: float = 0.1
    folds: int = 0
    fold: int = 0

    def __post_init__(self) -> None:
        faults = [*_below(self, 0, "weight", "split_seed"), *_stage_faults(self.stages, STAGES)]
        for name in ("test_size", "validation_size"):
            if not 0 <= getattr(self, name) < 1:
                faults.append(f"{name}: from 0 to below 1, found {getattr(self, name):g}")
        if self.test_size + self.validation_size >= 1:
            faults.append(f"test_size: test and validation leave nothing to train on, found {self.test_size:g}")
        if self.folds < 0 or self.folds == 1:
            faults.append(f"folds: 0 or at least 2, found {self.folds}")
        if not 0 <= self.fold < max(self.folds, 1):
            faults.append(f"fold: from 0 to {max(self.folds, 1) - 1}, found {self.fold}")
        _raise(faults)


@dataclass(frozen=True)
class DataSettings:
    """What training and validation samples are.

    Attributes:
        synthetic: synthetic heads; None for none.
        curated: data sets of real scans.
        spacing_mm: size of the voxels, which are cubes.
        shape: voxels of a case along right, anterior, superior; the grid lies about the brain.
        patch: voxels of a training sample where it is cut out of a case at random; whole cases without it.
        centre: what the grid of a curated case is centred on.
        hu_range: HU that become 0 and 1.
        sided: whether labels are 1..20 with sides instead of 1..10 without.
        coordinates: whether batches hold template coordinates.
        batch_size: samples a step on each process.
        samples_per_epoch: length of an epoch over all processes; as many as there are cases and stages without it.
        validation_samples: at most this many validation cases of each source; all without it.
        workers: processes that load samples, for each training process.
        prefetch: batches that each of them holds ready.
        cache: folder of prepared cases and pools; the user's cache folder without it.
        augmentation: of training samples.

    Raises:
        ConfigError: values that are not possible, one fault a line.

    Example:
        >>> DataSettings(spacing_mm=1.0, shape=(160, 192, 160), batch_size=1).shape
        (160, 192, 160)
    """

    synthetic: SyntheticSettings | None = field(default_factory=SyntheticSettings)
    curated: tuple[CuratedSettings, ...] = ()
    spacing_mm: float = 2.0
    shape: tuple[int, int, int] = (80, 96, 80)
    patch: tuple[int, int, int] | None = None
    centre: Centre = "brain"
    hu_range: tuple[float, float] = BRAIN_HU
    sided: bool = False
    coordinates: bool = False
    batch_size: int = 2
    samples_per_epoch: int | None = None
    validation_samples: int | None = None
    workers: int = 0
    prefetch: int = 2
    cache: Path | None = None
    augmentation: AugmentationSettings = field(default_factory=AugmentationSettings)

    def __post_init__(self) -> None:
        faults = [
            *self._grid_faults(),
            *_below(self, 1, "batch_size", "prefetch"),
            *_below(self, 0, "workers"),
            *_not_among(self, "centre", get_args(Centre)),
            *_below(self, 1, *(n for n in ("samples_per_epoch", "validation_samples") if getattr(self, n) is not None)),
        ]
        if self.synthetic is None and not self.curated:
            faults.append("synthetic: there is no source; give synthetic settings or a curated data set")
        low, high = self.hu_range
        if not low < high:
            faults.append(f"hu_range: the first HU lies below the second, found {low:g} and {high:g}")
        _raise(faults)

    @property
    def cache_folder(self) -> Path:
        """Where prepared cases and pools lie."""
        if self.cache is not None:
            return self.cache
        import platformdirs

        return platformdirs.user_cache_path("deepstroke") / "training"

    @property
    def sample_shape(self) -> tuple[int, int, int]:
        """Voxels of a training sample."""
        return self.patch or self.shape

    def _grid_faults(self) -> Iterator[str]:
        if not 0.3 <= self.spacing_mm <= 4.0:
            yield f"spacing_mm: from 0.3 to 4 mm, found {self.spacing_mm:g}"
        if min(self.shape) < 8:
            yield f"shape: at least 8 voxels along each axis, found {self.shape}"
        if self.patch is not None and not all(8 <= p <= n for p, n in zip(self.patch, self.shape, strict=True)):
            yield f"patch: from 8 voxels to those of shape {self.shape} along each axis, found {self.patch}"


def _below(settings: Any, least: float, *names: str) -> Iterator[str]:
    for name in names:
        value = getattr(settings, name)
        if not (math.isfinite(value) and value >= least):
            yield f"{name}: at least {least:g}, found {value:g}"


def _not_among(settings: Any, name: str, allowed: tuple[str, ...]) -> Iterator[str]:
    if getattr(settings, name) not in allowed:
        yield f"{name}: one of {', '.join(allowed)}, found {getattr(settings, name)!r}"


def _stage_faults(stages: Mapping[Stage, float], allowed: tuple[Stage, ...]) -> Iterator[str]:
    for stage, weight in stages.items():
        if stage not in allowed:
            yield f"stages: one of {', '.join(allowed)}, found {stage!r}"
        elif not (math.isfinite(weight) and weight >= 0):
            yield f"stages: a weight is at least 0, found {weight:g} for {stage}"
    if not any(weight > 0 for weight in stages.values()):
        yield "stages: at least one needs a weight above 0"


def _raise(faults: list[str]) -> None:
    if faults:
        raise ConfigError("\n".join(faults), code="data-settings")
