"""Figures of an evaluation as tables in Markdown, in the layout of papers on automated ASPECTS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from deepstroke.evaluation import Estimate
from deepstroke_training.scoring.agreement import Agreement, Comparison, RegionFigures, TotalFigures


def agreement_tables(
    agreements: Mapping[str, Agreement], comparisons: Sequence[Comparison], heading: str, notes: Sequence[str]
) -> str:
    """All tables of an evaluation.

    Args:
        agreements: by model.
        comparisons: of models.
        heading: says what was evaluated, on what.
        notes: lines beneath the heading.
    """
    parts = [f"# {heading}", *notes, "## Regions", _regions(agreements), "## Totals", _totals(agreements)]
    parts += [f"## {name} by region\n\n{_by_region(agreement)}" for name, agreement in agreements.items()]
    if comparisons:
        parts += ["## Differences of the methods", _differences(comparisons)]
    return "\n\n".join(parts) + "\n"


def _regions(agreements: Mapping[str, Agreement]) -> str:
    header = [
        "method", "regions", "involved", "not judged", "AUC", "sensitivity", "specificity", "kappa",
        "sensitivity at specificity 0.92", "calibration error",
    ]  # fmt: skip
    rows = [[name, *_region_cells(agreement.all_regions)] for name, agreement in agreements.items()]
    return markdown(header, rows)


def _by_region(agreement: Agreement) -> str:
    header = ["region", "regions", "involved", "not judged", "AUC", "sensitivity", "specificity", "kappa"]
    rows = [[name, *_region_cells(figures)[:7]] for name, figures in agreement.by_region.items()]
    return markdown(header, rows)


def _region_cells(figures: RegionFigures) -> list[str]:
    return [
        str(figures.judged),
        str(figures.involved),
        str(figures.unjudged),
        *(_interval(x) for x in (figures.area, figures.sensitivity, figures.specificity, figures.kappa)),
        _number(figures.sensitivity_at_92),
        _number(figures.calibration_error),
    ]


def _totals(agreements: Mapping[str, Agreement]) -> str:
    header = [
        "method", "cases", "withheld", "ICC(2,1)", "weighted kappa", "bias [limits of agreement]",
        "<= 7: sensitivity / specificity", "<= 5: sensitivity / specificity", "side found",
        "false regions a case without lesion",
    ]  # fmt: skip
    return markdown(header, [[name, *_total_cells(a.total)] for name, a in agreements.items()])


def _total_cells(total: TotalFigures) -> list[str]:
    difference = total.difference
    limits = "-" if difference is None else f"{difference.bias:+.2f} [{difference.lower:+.2f}, {difference.upper:+.2f}]"
    low = [f"{_number(d.sensitivity)} / {_number(d.specificity)}" for d in total.low.values()] or ["-", "-"]
    false = "-" if total.false_regions is None else f"{total.false_regions:.2f} ({total.spared} cases)"
    return [
        str(total.cases), str(total.withheld), _interval(total.correlation), _interval(total.kappa), limits, *low,
        f"{total.right_side} of {total.sided}", false,
    ]  # fmt: skip


def _differences(comparisons: Sequence[Comparison]) -> str:
    header = ["methods", "regions called rightly", "p", "absolute error of the total", "p"]
    rows = []
    for c in comparisons:
        error = c.total_error
        rows.append(
            [
                f"{c.first} - {c.second}",
                _interval(c.accuracy.difference),
                f"{c.accuracy.p_value:.3f}",
                "-" if error is None else _interval(error.difference, 2),
                "-" if error is None else f"{error.p_value:.3f}",
            ]
        )
    return markdown(header, rows)


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _interval(estimate: Estimate | None, digits: int = 3) -> str:
    return "-" if estimate is None else estimate.text(digits)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
