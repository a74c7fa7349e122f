"""Trains a score on a table of cases and writes models, manifest and figures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from deepstroke import __version__
from deepstroke.nifti import atomic_path
from deepstroke.progress import Progress, silent, within
from deepstroke.resources import sha256_of
from deepstroke.scoring.result import ScoreMethod
from deepstroke_training.scoring.exporting import write_manifest, write_model
from deepstroke_training.scoring.fitting import FittedScore, fit_score, nested_figures
from deepstroke_training.scoring.instances import REPLICATES, SIDE_ASYMMETRY_HU, Asymmetry, Instances, gather_instances
from deepstroke_training.scoring.reliability import draw_nested_reliability
from deepstroke_training.scoring.table import read_case_table
from deepstroke_training.scoring.tables import markdown

REPORT, RELIABILITY = "training.md", "reliability.png"


def train_score(
    table: Path,
    out: Path,
    *,
    methods: Sequence[ScoreMethod],
    default: ScoreMethod | None = None,
    name: str = "own",
    data: str = "",
    asymmetry_hu: float = 1.2,
    progress: Progress = silent,
) -> str:
    """Train by each method; write ``<method>.json``, ``manifest.json``, ``training.md`` and ``reliability.png``.

    Args:
        table: see ``read_case_table``.
        out: folder.
        methods: which to train.
        default: what ``--method auto`` takes; without one, the method with the best area under the ROC curve.
        name: of the models.
        data: on what they are trained, in words.
        asymmetry_hu: natural difference of healthy sides that is added, standard deviation.
        progress: told how far it is.

    Returns:
        The figures of the nested cross-validation as a table.

    Raises:
        InputError: the table can't be read, holds too few cases, or the disk refuses.
    """
    rows = read_case_table(table)
    replicates = REPLICATES if asymmetry_hu > 0 else 1
    asymmetry = Asymmetry(asymmetry_hu, SIDE_ASYMMETRY_HU if asymmetry_hu > 0 else 0.0, replicates)
    instances = gather_instances(rows, table.parent, asymmetry, within(progress, 0.0, 0.4))
    fitted: dict[ScoreMethod, FittedScore] = {}
    for number, method in enumerate(methods):
        start, step = 0.4 + 0.6 * number / len(methods), 0.6 / len(methods)
        fitted[method] = fit_score(method, instances, within(progress, start, start + step))
    figures = {method: nested_figures(one, instances) for method, one in fitted.items()}
    facts = _facts(table, data, len(rows), instances, asymmetry)
    for method, one in fitted.items():
        write_model(one, f"{name}-{method}", {**facts, "nested": figures[method]}, out / f"{method}.json")
    best, _ = max(figures.items(), key=lambda item: item[1]["auc"])
    chosen = default or best
    write_manifest(out, {method: f"{method}.json" for method in fitted}, chosen, facts)
    draw_nested_reliability(fitted, instances, out / RELIABILITY)
    text = _report(figures, fitted, facts)
    with atomic_path(out / REPORT) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return text


def _facts(table: Path, data: str, cases: int, instances: Instances, asymmetry: Asymmetry) -> dict[str, Any]:
    return {
        "data": data or table.name,
        "cases": cases,
        "patients": instances.patients,
        "regions_judged": len(instances.involved),
        "regions_involved": int(instances.involved.sum()),
        "asymmetry_hu": {"region": asymmetry.region_hu, "side": asymmetry.side_hu, "replicates": asymmetry.replicates},
        "table_sha256": sha256_of(table),
        "made_by": f"deepstroke {__version__}, deepstroke-train fit-score",
        "licence": "Apache-2.0",
    }


def _report(
    figures: dict[ScoreMethod, dict[str, float]], fitted: dict[ScoreMethod, FittedScore], facts: dict[str, Any]
) -> str:
    header = ["method", "AUC", "sensitivity", "specificity", "calibration error", "threshold", "settings"]
    rows = [
        [method, *(f"{value:.3f}" for value in found.values()), f"{fitted[method].threshold:.2f}",
         ", ".join(f"{k} {v}" for k, v in fitted[method].settings.items()) or "-"]
        for method, found in figures.items()
    ]  # fmt: skip
    text = (
        f"Nested cross-validation over {facts['patients']} patients ({facts['cases']} cases, "
        f"{facts['regions_judged']} regions with replicates, {facts['regions_involved']} of them involved). "
        f"Data: {facts['data']}."
    )
    return f"{text}\n\n{markdown(header, rows)}\n"
