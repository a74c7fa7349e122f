"""Synthetic cohorts for the score: head CTs with early infarcts, and the table that names the involved regions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepstroke.errors import ConfigError
from deepstroke.nifti import write_nifti
from deepstroke.progress import Progress, silent
from deepstroke.regions import REGIONS, SIDES, Side
from deepstroke.volume import LabelMap, Volume
from deepstroke_training.scoring.table import CaseRow, read_case_table, write_case_table
from deepstroke_training.synthesis import (
    AcuteInfarct,
    HeadSettings,
    LesionLabel,
    SyntheticCase,
    SyntheticHead,
    TrainingSource,
    draw_settings,
)
from deepstroke_training.synthesis.cohort import members, settings_of
from deepstroke_training.synthesis.random_fields import stream_seed
from deepstroke_training.synthesis.rendering import CaseModel
from deepstroke_training.synthesis.straightening import straightened
from deepstroke_training.synthesis.training_source import TEXTURE_PERIOD_MM
from deepstroke_training.synthesis.truth import INVOLVED_FRACTION

VOLUMES, REGION_MAPS, BRAINS, LESIONS = "ct", "regions", "brain", "lesions"
TABLE = "cases.csv"
#: Pixels along a row: a score averages over regions, so that coarse pixels are enough.
MATRIX = 128
#: HU by which grey matter falls in the clinic's draws, and in the scanned cohort.
DRAWN_DROP_HU, DROP_HU = (3.0, 10.0), (4.0, 10.0)
#: HU that tell brain from fluid where nothing else does.
FLUID_HU = 16.0


class _QuickHead(SyntheticHead):
    """Draws fine textures that repeat, which halves the time of a coarse scan."""

    def draw(self, seed: int, settings: HeadSettings, texture_period_mm: float | None = TEXTURE_PERIOD_MM) -> CaseModel:
        return super().draw(seed, settings, texture_period_mm)


def make_scanned_cohort(
    out: Path | str, n: int, seed: int, *, matrix: int = MATRIX, device: str = "cpu", progress: Progress = silent
) -> Path:
    """Write ``n`` scans and their table: half with an early infarct of the middle cerebral artery of 4 to 10 HU.

    Volumes, true regions, brains and lesions lie on one orthogonal grid each; all other things are drawn as the clinic
    meets them (``deepstroke_training.synthesis``): 5 mm and thin slices, tilt, age, old and foreign lesions.

    Args:
        out: folder, made where it is missing; cases that its table names already are kept, so that a run goes on.
        n: number of cases.
        seed: another seed gives other patients.
        matrix: pixels along a row.
        device: where to compute.
        progress: told after each case.

    Returns:
        The table's path.

    Raises:
        ConfigError: ``n`` is not positive.
        InputError: the disk refuses.
    """
    out, maker = _checked(out, n), _QuickHead(device)
    made = _made(out)
    for number, (name, case_seed, settings) in enumerate(score_members(n, seed, matrix), start=1):
        if name not in made:
            made[name] = _write_scan(maker.generate(case_seed, settings), name, out)
            write_case_table(list(made.values()), out / TABLE)
        progress(number / n, f"case {number} of {n}")
    return out / TABLE


def make_grid_cohort(out: Path | str, n: int, seed: int, progress: Progress = silent) -> Path:
    """Write ``n`` heads of the widest variety on the 2 mm grid of network training, and their table.

    They are quicker to make than scans, and lesions of any kind and depth (2 to 14 HU), artefacts and odd scanners are
    common. Arguments, result and errors are those of ``make_scanned_cohort``; the same seed gives the heads of a
    training pool of that seed.
    """
    out = _checked(out, n)
    source = TrainingSource(n, seed=stream_seed(seed, "pool/train"), variety="wide")
    made = _made(out)
    for number in range(n):
        name = f"{number:06d}"
        if name not in made:
            sample = source[number]
            settings, seen = draw_settings(sample.seed, "wide"), sample.scanned
            made[name] = write_grid_case(
                name,
                Volume(sample.image[0].clamp(-1024, 3071).round().numpy().astype(np.int16), sample.ijk_to_ras),
                LabelMap((sample.regions * seen).numpy().astype(np.uint8), sample.ijk_to_ras),
                LabelMap((sample.brain & seen).numpy().astype(np.uint8), sample.ijk_to_ras),
                sample.lesions.numpy(),
                [getattr(lesion, "kind", type(lesion).__name__) for lesion in settings.pathology.lesions],
                settings.acquisition.thickness_mm,
                out,
            )
            write_case_table(list(made.values()), out / TABLE)
        progress((number + 1) / n, f"case {number + 1} of {n}")
    return out / TABLE


def score_members(n: int, seed: int, matrix: int = MATRIX) -> Iterator[tuple[str, int, HeadSettings]]:
    """Name, seed and settings of each scanned case."""
    for member in members(n, seed):
        yield member.name, member.seed, with_stated_drops(settings_of(member, matrix))


def with_stated_drops(settings: HeadSettings) -> HeadSettings:
    """The same head, its infarcts' loss of density brought from the clinic's range to the cohort's."""
    (low, high), (least, most) = DRAWN_DROP_HU, DROP_HU
    lesions = tuple(
        replace(lesion, drop_hu=least + (lesion.drop_hu - low) * (most - least) / (high - low))
        if isinstance(lesion, AcuteInfarct)
        else lesion
        for lesion in settings.pathology.lesions
    )
    return replace(settings, pathology=replace(settings.pathology, lesions=lesions))


def write_grid_case(
    name: str,
    volume: Volume,
    regions: LabelMap,
    brain: LabelMap,
    lesions: NDArray[np.uint8],
    kinds: Sequence[str],
    thickness_mm: float,
    out: Path,
) -> CaseRow:
    """Write one head on a grid; a region is involved from a fifth of its tissue on, as in ``synthesis.truth``."""
    tissue = (brain.data > 0) & (volume.data > FLUID_HU)
    acute = tissue & (lesions == LesionLabel.ACUTE_INFARCT)
    whole, part = (np.bincount(regions.data[mask], minlength=21) for mask in (tissue, acute))
    shares = {n: float(part[n] / whole[n]) for n in range(1, 21) if whole[n]}
    for folder, image in ((VOLUMES, volume), (REGION_MAPS, regions), (BRAINS, brain)):
        write_nifti(image, out / folder / f"{name}.nii.gz")
    return _row(name, shares, kinds, thickness_mm)


def involved_by_share(shares: dict[int, float], side: Side) -> tuple[str, ...]:
    """Abbreviations of the regions of a side whose tissue is ischemic enough."""
    return tuple(r.abbreviation for r in REGIONS if shares.get(r.label(side), 0.0) >= INVOLVED_FRACTION)


def _write_scan(case: SyntheticCase, name: str, out: Path) -> CaseRow:
    truth, file = case.truth, f"{name}.nii.gz"
    write_nifti(straightened(case.volume, order=1, fill=-1024), out / VOLUMES / file)
    for folder, labels in ((REGION_MAPS, truth.regions), (BRAINS, truth.brain), (LESIONS, truth.lesions)):
        write_nifti(straightened(labels, order=0, fill=0), out / folder / file)
    kinds = [getattr(lesion, "kind", type(lesion).__name__) for lesion in case.settings.pathology.lesions]
    return _row(name, truth.involvement(), kinds, case.settings.acquisition.thickness_mm)


def _row(name: str, shares: dict[int, float], kinds: Sequence[str], thickness_mm: float) -> CaseRow:
    file = f"{name}.nii.gz"
    return CaseRow(
        case=name,
        patient=name,
        ct=f"{VOLUMES}/{file}",
        labels=f"{REGION_MAPS}/{file}",
        brain=f"{BRAINS}/{file}",
        involved={side: involved_by_share(shares, side) for side in SIDES},
        facts={
            "thickness_mm": f"{thickness_mm:g}",
            "lesions": " ".join(kinds),
            "involvement": " ".join(f"{n}:{part:.3f}" for n, part in sorted(shares.items()) if part > 0),
        },
    )


def _checked(out: Path | str, n: int) -> Path:
    if n < 1:
        raise ConfigError(f"a cohort has at least one case, found {n}", code="cohort-size")
    return Path(out)


def _made(out: Path) -> dict[str, CaseRow]:
    """The cases that lie in a folder already."""
    return {row.case: row for row in read_case_table(out / TABLE)} if (out / TABLE).exists() else {}
