"""Open the sources that settings name: pools of synthetic heads and curated data sets, by part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from deepstroke.progress import Progress, silent
from deepstroke_training.data.case_cache import CaseCache
from deepstroke_training.data.curated_dataset import CuratedDataset, DatasetCase
from deepstroke_training.data.making import Job, alone_in, run_jobs
from deepstroke_training.data.pool_growth import GrowingPool, PoolGrowth
from deepstroke_training.data.prepared_case import PreparedCase, Stage
from deepstroke_training.data.preprocessing import GridSettings
from deepstroke_training.data.settings import CuratedSettings, DataSettings, SyntheticSettings
from deepstroke_training.data.sources import FixedPool, StagedSource
from deepstroke_training.data.splits import Part, Split, draw_folds, draw_split, read_split
from deepstroke_training.data.synthetic_pool import PoolRecipe, SyntheticPool


@dataclass(frozen=True)
class SyntheticSource:
    """Synthetic heads as settings want them.

    Attributes:
        settings: of the synthetic heads.
        data: of all data.
    """

    settings: SyntheticSettings
    data: DataSettings

    def pool(self, part: Part) -> SyntheticPool:
        """The pool of a part; parts share no seed."""
        recipe = PoolRecipe(
            stream=part,
            seed=self.settings.seed,
            spacing_mm=self.data.spacing_mm,
            shape=self.data.shape,
            jitter_mm=self.settings.jitter_mm,
            template_mm=self.data.coordinates,
            device=self.settings.device,
            variety=self.settings.variety if part == "train" else self.settings.tested_variety,
        )
        return SyntheticPool(self.data.cache_folder, recipe)

    def count(self, part: Part) -> int:
        """How many cases a part has."""
        counts = {"train": self.settings.cases, "validation": self.settings.validation_cases}
        return counts.get(part, self.settings.test_cases)

    def prepare(self, parts: Sequence[Part] = ("validation", "train"), progress: Progress = silent) -> None:
        """Make what must be there before training begins, or before the test.

        Raises:
            DeepStrokeError: the disk refuses, or a process was killed.
        """
        for part in parts:
            pool, count = self.pool(part), self.count(part)
            if part == "train" and self.settings.mode == "live":
                count = self.settings.first_cases
            with alone_in(pool.folder):
                jobs: list[Job] = [partial(pool.make, number) for number in range(count) if not pool.is_there(number)]
                run_jobs(jobs, self.settings.generators, progress, f"synthetic {part} case")

    def growth(self, node: int = 0, nodes: int = 1) -> PoolGrowth | None:
        """What makes the training pool grow, where it is to."""
        if self.settings.mode == "fixed":
            return None
        return PoolGrowth(self.pool("train"), self.settings.cases, self.settings.generators, node, nodes)

    def staged(self, part: Part) -> list[StagedSource]:
        """The cases of a part at each stage."""
        pool, count = self.pool(part), self.count(part)
        growing = part == "train" and self.settings.mode == "live"
        cases = GrowingPool(pool, count) if growing else FixedPool(pool, count)
        return [
            StagedSource(cases, stage, self.settings.weight * share)
            for stage, share in stage_shares(self.settings.stages)
            if count
        ]


class CuratedSource:
    """A curated data set with its split and its cache.

    Args:
        settings: of the data set.
        data: of all data.
        progress: told while files are checked.

    Raises:
        InputError: files of the data set can't be used; all faults are told at once.
        ConfigError: the split doesn't fit.
    """

    def __init__(self, settings: CuratedSettings, data: DataSettings, progress: Progress = silent) -> None:
        grid = GridSettings(data.spacing_mm, data.shape, data.centre)
        self.settings = settings
        self.cache = CaseCache(data.cache_folder, settings.folder, grid)
        self.dataset = CuratedDataset.open(
            settings.folder, needed_stages(settings), checked=self.cache.checked, progress=progress
        )
        self.split = split_of(self.dataset, settings)

    def prepare(
        self, parts: Sequence[Part] = ("validation", "train"), processes: int = 1, progress: Progress = silent
    ) -> None:
        """Prepare the cases of some parts that aren't yet.

        Raises:
            DeepStrokeError: a case can't be used, the disk refuses, or a process was killed.
        """
        kinds = {
            self.cache.path(case, stage): (case, stage)
            for part in parts
            for case in self._cases(part)
            for stage, _ in stage_shares(self.settings.stages)
        }
        with alone_in(self.cache.root):
            jobs: list[Job] = [
                partial(self.cache.make, *pair) for pair in kinds.values() if not self.cache.is_there(*pair)
            ]
            run_jobs(jobs, processes, progress, "curated case")

    def staged(self, part: Part) -> list[StagedSource]:
        """The cases of a part at each stage."""
        cases = self._cases(part)
        return [
            StagedSource(
                StagedCases(self.cache, cases, stage, self.dataset.name, part), stage, self.settings.weight * share
            )
            for stage, share in stage_shares(self.settings.stages)
            if cases
        ]

    def _cases(self, part: Part) -> tuple[DatasetCase, ...]:
        return self.dataset.of_patients(getattr(self.split, part), self.settings.skip_review and part == "train")


class StagedCases:
    """Cases of a curated data set, prepared for one stage.

    Args:
        cache: reads and makes them.
        cases: which.
        stage: for which.
        dataset: its name.
        part: of the split.
    """

    def __init__(self, cache: CaseCache, cases: Sequence[DatasetCase], stage: Stage, dataset: str, part: Part) -> None:
        self.cache, self.cases, self.stage = cache, tuple(cases), stage
        self.name = f"curated-{dataset}-{part}-{cache.key}"

    def __len__(self) -> int:
        return len(self.cases)

    def __getitem__(self, number: int) -> PreparedCase:
        return self.cache.case(self.cases[number], self.stage)


def needed_stages(settings: CuratedSettings) -> tuple[Stage, ...]:
    """Stages whose files are read: a head takes its brain from the stripped volume, whichever of both is shown."""
    shown = [stage for stage, _ in stage_shares(settings.stages)]
    head: tuple[Stage, ...] = ("raw", "stripped") if {"raw", "stripped"} & set(shown) else ()
    return (*head, "registered") if "registered" in shown else head


def split_of(dataset: CuratedDataset, settings: CuratedSettings) -> Split:
    """The split that settings ask for: from a file, a fold, or drawn.

    Raises:
        ConfigError: there are too few patients, or the file's split doesn't know all.
        InputError: the file can't be read.
    """
    if settings.split_file is not None:
        split = read_split(settings.split_file, dataset.name)
        split.require(dataset.patients)
        return split
    if settings.folds:
        folds = draw_folds(dataset.patients, settings.folds, settings.split_seed, settings.test_size, dataset.name)
        return folds[settings.fold]
    return draw_split(dataset.patients, settings.split_seed, settings.test_size, settings.validation_size, dataset.name)


def stage_shares(stages: Mapping[Stage, float]) -> list[tuple[Stage, float]]:
    """Stages with a weight above 0 and their shares, which add up to 1."""
    total = sum(stages.values())
    return [(stage, weight / total) for stage, weight in stages.items() if weight > 0]
