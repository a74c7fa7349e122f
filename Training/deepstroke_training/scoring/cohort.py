"""A synthetic cohort for the score: head CTs with early infarcts of a stated depth, and their table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from deepstroke.errors import ConfigError
from deepstroke.nifti import write_nifti
from deepstroke.progress import Progress, silent
from deepstroke.regions import SIDES
from deepstroke_training.scoring.table import CaseRow, read_case_table, write_case_table
from deepstroke_training.synthesis import AcuteInfarct, HeadSettings, SyntheticCase, SyntheticHead
from deepstroke_training.synthesis.cohort import members, settings_of
from deepstroke_training.synthesis.rendering import CaseModel
from deepstroke_training.synthesis.straightening import straightened
from deepstroke_training.synthesis.training_source import TEXTURE_PERIOD_MM

VOLUMES, REGIONS, BRAINS, LESIONS = "ct", "regions", "brain", "lesions"
TABLE = "cases.csv"
#: Pixels along a row: a score averages over regions, so that coarse pixels are enough.
MATRIX = 128
#: HU by which grey matter falls in the clinic's draws, and in this cohort.
DRAWN_DROP_HU, DROP_HU = (3.0, 10.0), (4.0, 10.0)


class _QuickHead(SyntheticHead):
    """Draws fine textures that repeat, which halves the time of a coarse scan."""

    def draw(self, seed: int, settings: HeadSettings, texture_period_mm: float | None = TEXTURE_PERIOD_MM) -> CaseModel:
        return super().draw(seed, settings, texture_period_mm)


def make_score_cohort(
    out: Path | str, n: int, seed: int, *, matrix: int = MATRIX, device: str = "cpu", progress: Progress = silent
) -> Path:
    """Write ``n`` cases and their table: half with an early infarct of the middle cerebral artery of 4 to 10 HU.

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
    if n < 1:
        raise ConfigError(f"a cohort has at least one case, found {n}", code="cohort-size")
    out, maker = Path(out), _QuickHead(device)
    made = {row.case: row for row in read_case_table(out / TABLE)} if (out / TABLE).exists() else {}
    for number, (name, case_seed, settings) in enumerate(score_members(n, seed, matrix), start=1):
        if name not in made:
            made[name] = _write_case(maker.generate(case_seed, settings), name, out)
            write_case_table(list(made.values()), out / TABLE)
        progress(number / n, f"case {number} of {n}")
    return out / TABLE


def score_members(n: int, seed: int, matrix: int = MATRIX) -> Iterator[tuple[str, int, HeadSettings]]:
    """Name, seed and settings of each case."""
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


def _write_case(case: SyntheticCase, name: str, out: Path) -> CaseRow:
    truth, file = case.truth, f"{name}.nii.gz"
    write_nifti(straightened(case.volume, order=1, fill=-1024), out / VOLUMES / file)
    for folder, labels in ((REGIONS, truth.regions), (BRAINS, truth.brain), (LESIONS, truth.lesions)):
        write_nifti(straightened(labels, order=0, fill=0), out / folder / file)
    kinds = [getattr(lesion, "kind", type(lesion).__name__) for lesion in case.settings.pathology.lesions]
    return CaseRow(
        case=name,
        patient=name,
        ct=f"{VOLUMES}/{file}",
        labels=f"{REGIONS}/{file}",
        brain=f"{BRAINS}/{file}",
        involved={side: tuple(truth.involved(side)) for side in SIDES},
        facts={
            "thickness_mm": f"{case.settings.acquisition.thickness_mm:g}",
            "lesions": " ".join(kinds),
            "involvement": " ".join(f"{n}:{part:.3f}" for n, part in sorted(truth.involvement().items()) if part > 0),
        },
    )
