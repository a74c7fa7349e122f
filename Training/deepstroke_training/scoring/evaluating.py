"""The evaluation harness: a table of cases in, the tables and plots of a paper out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from deepstroke.evaluation import Estimate
from deepstroke.nifti import atomic_path, write_json
from deepstroke.progress import Progress, silent, within
from deepstroke.scoring.model import ScoreModel
from deepstroke_training.scoring.agreement import Agreement, agreement_of, compare_models
from deepstroke_training.scoring.judging import FailedCase, JudgedCase, RegionSource, judge_table, write_judged
from deepstroke_training.scoring.plots import draw_plots
from deepstroke_training.scoring.table import read_case_table
from deepstroke_training.scoring.tables import agreement_tables

TABLES, FIGURES, JUDGED = "tables.md", "figures.json", "regions.csv"


def evaluate_score(
    table: Path,
    models: Mapping[str, ScoreModel],
    out: Path,
    *,
    source: RegionSource = "table",
    limit: int | None = None,
    heading: str | None = None,
    progress: Progress = silent,
) -> dict[str, Agreement]:
    """Score every case of a table by every model and compare with the reference.

    Writes ``tables.md``, ``figures.json``, ``regions.csv`` and plots into ``out``; segmentations are kept there too, so
    that a run that was stopped goes on.

    Args:
        table: see ``read_case_table``.
        models: by the name they have in the tables.
        out: folder.
        source: where regions come from.
        limit: only so many cases, from the first on.
        heading: says on what this was measured.
        progress: told how far it is.

    Raises:
        InputError: the table can't be read, no case could be scored, or the disk refuses.
    """
    rows = read_case_table(table)[:limit]
    judged, failed = judge_table(rows, table.parent, models, source, out / "segmented", within(progress, 0.0, 0.9))
    agreements = {name: agreement_of(cases) for name, cases in judged.items()}
    title = heading or f"Score against the reference of {table.name}, regions from: {source}"
    _write(judged, agreements, failed, title, _notes(len(rows), failed, judged), out)
    progress(1.0, "done")
    return agreements


def _write(
    judged: Mapping[str, Sequence[JudgedCase]],
    agreements: Mapping[str, Agreement],
    failed: Sequence[FailedCase],
    title: str,
    notes: Sequence[str],
    out: Path,
) -> None:
    comparisons = compare_models(judged) if len(next(iter(judged.values()))) > 1 else ()
    with atomic_path(out / TABLES) as temporary:
        temporary.write_text(agreement_tables(agreements, comparisons, title, notes), encoding="utf-8")
    figures = {
        "title": title,
        "models": {name: _as_json(asdict(agreement)) for name, agreement in agreements.items()},
        "comparisons": [_as_json(asdict(comparison)) for comparison in comparisons],
        "failed": [asdict(case) for case in failed],
    }
    write_json(figures, out / FIGURES)
    write_judged(judged, out / JUDGED)
    draw_plots(judged, title, out)


def _notes(cases: int, failed: Sequence[FailedCase], judged: Mapping[str, Sequence[JudgedCase]]) -> list[str]:
    found: dict[str, int] = {}
    for case in next(iter(judged.values())):
        for code in set(case.findings):
            found[code] = found.get(code, 0) + 1
    warned = ", ".join(f"{code} in {count}" for code, count in sorted(found.items())) or "none"
    notes = [f"{cases} cases, {len(failed)} without a score. Warnings of the score: {warned}."]
    notes += [f"* {case.case}: {case.code}" for case in failed[:20]]
    return notes


def _as_json(value: object) -> object:
    """Nested plain values; an estimate becomes its value and interval."""
    if isinstance(value, Estimate):
        return value.as_dict()
    if isinstance(value, Mapping):
        return {str(key): _as_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_as_json(item) for item in value]
    return value
