"""The benchmark ``registration``: the engine ``fast`` against its peers, on pairs of known truth in one run."""

from __future__ import annotations

import os
import platform
import resource
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np

from deepstroke import __version__
from deepstroke.commands.console import table
from deepstroke.nifti import write_json
from deepstroke.progress import Progress, silent
from deepstroke.register import FastSettings, SpatialTransform
from deepstroke.register.ants import AntsPreset
from deepstroke.register.greedy import DEFORMABLE as GREEDY
from deepstroke.register.greedy import greedy_transform
from deepstroke.register.quality import measured_quality
from deepstroke.register.registration import Engine, engine_transform
from deepstroke.register.working_image import WorkingImage, working_image
from deepstroke.volume import LabelMap
from deepstroke_training.atlas_authoring import structures, tissue_maps
from deepstroke_training.benchmarks.registration_pairs import Anatomy, Pair, make_pair

STRUCTURES = ("caudate", "lentiform", "thalamus", "insula", "ventricles")
_FIRST_SEED = 1


@dataclass(frozen=True)
class Contender:
    """An engine as it takes part.

    Attributes:
        name: as it stands in the table.
        engine: which one.
        preset: of ANTs.
        deformable: greedy's options of its deformable step.
    """

    name: str
    engine: Engine
    preset: AntsPreset | None = None
    deformable: str | None = None

    def register(self, fixed: WorkingImage, moving: WorkingImage) -> SpatialTransform:
        """Register two stripped heads on a CPU."""
        if self.deformable is not None:
            return greedy_transform(fixed, moving, None, silent, self.deformable)
        return engine_transform(fixed, moving, self.engine, self.preset, device="cpu")


CONTENDERS = (
    Contender("fast", "fast"),
    Contender("greedy", "greedy"),
    Contender("greedy, 4 levels", "greedy", deformable=GREEDY.replace("100x100x40", "100x100x100x40")),
    Contender("ants syn", "ants", "syn"),
    Contender("ants syncc", "ants", "syncc"),
)


@dataclass(frozen=True)
class Measurement:
    """One engine on one pair.

    Attributes:
        contender: the engine's name.
        seed: of the pair.
        dice: by structure, 0..1, against the truth.
        deep_error_mm: mean distance between mapped and true points of all structures.
        jacobian_min: least Jacobian determinant of the deformation.
        inverse_error_mean_mm, inverse_error_p99_mm: distance there and back.
        cpu_s: user and system time of the engine and its children on one thread, from stripped images to the transform;
            ANTs' holds the start of its process.
        wall_s: by the clock.
    """

    contender: str
    seed: int
    dice: dict[str, float]
    deep_error_mm: float
    jacobian_min: float
    inverse_error_mean_mm: float
    inverse_error_p99_mm: float
    cpu_s: float
    wall_s: float

    @property
    def mean_dice(self) -> float:
        """Mean over the structures."""
        return fmean(self.dice.values())


@dataclass(frozen=True)
class RegistrationBenchmark:
    """All measurements of one run."""

    pairs: int
    measurements: tuple[Measurement, ...]
    machine: str

    def of(self, contender: str) -> tuple[Measurement, ...]:
        """The measurements of one engine."""
        return tuple(m for m in self.measurements if m.contender == contender)

    def as_dict(self) -> dict[str, Any]:
        """The figures for JSON."""
        return {
            "benchmark": "registration",
            "version": __version__,
            "machine": self.machine,
            "pairs": self.pairs,
            "measurements": [asdict(m) | {"mean_dice": m.mean_dice} for m in self.measurements],
        }

    def table(self) -> str:
        """Means over the pairs, and each peer's CPU time and Dice against ``fast``'s."""
        names = list(dict.fromkeys(m.contender for m in self.measurements))
        header = ["engine", *STRUCTURES, "mean", "deep mm", "min J", "inverse mm", "CPU s", "fast's Dice", "fast's CPU"]
        rows = [self._row(name) for name in names]
        return f"{table(header, rows)}\n{self.pairs} pairs, one thread, {self.machine}"

    def markdown(self) -> str:
        """The same table for a page."""
        lines = self.table().splitlines()
        cells = [[cell for cell in line.split("  ") if cell] for line in lines[:-1]]
        rule = ["---"] * len(cells[0])
        rows = "\n".join(f"| {' | '.join(cell.strip() for cell in row)} |" for row in [cells[0], rule, *cells[1:]])
        return f"{rows}\n\n{lines[-1]}\n"

    def _row(self, name: str) -> list[str]:
        own, ours = self.of(name), self.of("fast")
        mean = fmean(m.mean_dice for m in own)
        cpu = fmean(m.cpu_s for m in own)
        row = [name, *(f"{fmean(m.dice[s] for m in own):.3f}" for s in STRUCTURES), f"{mean:.4f}"]
        row += [f"{fmean(m.deep_error_mm for m in own):.2f}", f"{min(m.jacobian_min for m in own):.2f}"]
        row += [f"{fmean(m.inverse_error_mean_mm for m in own):.3f}", f"{cpu:.1f}"]
        if name == "fast" or not ours:
            return [*row, "-", "-"]
        against = fmean(m.mean_dice for m in ours) - mean
        return [*row, f"{against:+.4f}", f"x {fmean(m.cpu_s for m in ours) / cpu:.2f}"]


def run(
    pairs: int = 4,
    output: Path | None = None,
    progress: Progress = silent,
    contenders: Sequence[Contender] = CONTENDERS,
) -> RegistrationBenchmark:
    """Register every pair with every engine on one thread and measure against the truth.

    Args:
        pairs: how many pairs, of seeds 1, 2, ...
        output: a JSON file for the figures; a page with the table is written beside it (``.md``).
        progress: told how far it is.
        contenders: which engines; ``fast`` first.

    Raises:
        MissingDependencyError: antspyx, picsl-greedy or nilearn isn't installed.
    """
    anatomy = atlas_anatomy()
    measurements = []
    with _one_thread():
        for number, seed in enumerate(range(_FIRST_SEED, _FIRST_SEED + pairs)):
            pair = make_pair(anatomy, seed)
            for place, contender in enumerate(contenders):
                progress((number + place / len(contenders)) / pairs, f"pair {number + 1}: {contender.name}")
                measurements.append(measure(contender, pair, anatomy, seed))
    result = RegistrationBenchmark(pairs, tuple(measurements), _machine())
    if output is not None:
        write_json(result.as_dict(), output)
        page = f"`deepstroke-train bench registration --pairs {pairs}`\n\n{result.markdown()}"
        output.with_suffix(".md").write_text(page, encoding="utf-8")
    progress(1.0, "done")
    return result


def atlas_anatomy() -> Anatomy:
    """The head that pairs are made from: the tissues and deep structures behind the embedded atlas, at 1 mm."""
    parts, tissues = structures(), tissue_maps()
    numbers = {name: number for number, name in enumerate(STRUCTURES, start=1)}
    labels = np.zeros(tissues.brain.shape, np.uint8)
    for name, number in numbers.items():
        labels[getattr(parts, name).mask] = number
    return Anatomy(tissues.grey.data, tissues.white.data, tissues.brain.mask, numbers, labels, tissues.brain.ijk_to_ras)


def measure(contender: Contender, pair: Pair, anatomy: Anatomy, seed: int) -> Measurement:
    """Register one pair with one engine and compare the result with the truth."""
    settings = FastSettings()
    fixed = working_image(pair.fixed, pair.fixed_mask, settings.spacing_mm, settings.margin_mm)
    moving = working_image(pair.moving, pair.moving_mask, settings.spacing_mm / 2, settings.margin_mm)
    cpu, wall = _cpu_seconds(), time.perf_counter()
    transform = contender.register(fixed, moving)
    cpu, wall = _cpu_seconds() - cpu, time.perf_counter() - wall
    quality = measured_quality(transform, fixed, moving)
    dice, error = against_truth(transform, pair, anatomy)
    return Measurement(
        contender=contender.name,
        seed=seed,
        dice=dice,
        deep_error_mm=error,
        jacobian_min=quality.jacobian_min,
        inverse_error_mean_mm=quality.inverse_error_mean_mm,
        inverse_error_p99_mm=quality.inverse_error_p99_mm,
        cpu_s=round(cpu, 3),
        wall_s=round(wall, 3),
    )


def against_truth(transform: SpatialTransform, pair: Pair, anatomy: Anatomy) -> tuple[dict[str, float], float]:
    """Dice of each structure, and the mean error in mm of points within the structures."""
    labels = LabelMap(anatomy.labels, anatomy.ijk_to_ras)
    true, found = (t.apply(labels, pair.reference).data for t in (pair.truth, transform))
    dice = {}
    for name, number in anatomy.structures.items():
        both = np.count_nonzero((true == number) & (found == number))
        dice[name] = 2 * both / (np.count_nonzero(true == number) + np.count_nonzero(found == number))
    points = pair.reference.ras_of(np.argwhere(true > 0)[::5])
    distance = np.linalg.norm(pair.truth.map_points(points) - transform.map_points(points), axis=1)
    return dice, float(distance.mean())


def _cpu_seconds() -> float:
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


@contextmanager
def _one_thread() -> Iterator[None]:
    """One thread for PyTorch, ITK and greedy, here and in child processes, so that CPU times compare."""
    import torch

    names = ("OMP_NUM_THREADS", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS")
    before, threads = {name: os.environ.get(name) for name in names}, torch.get_num_threads()
    os.environ.update(dict.fromkeys(names, "1"))
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


def _machine() -> str:
    return f"{platform.machine()} {platform.system()}, Python {platform.python_version()}"
