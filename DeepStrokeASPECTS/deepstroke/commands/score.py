"""``deepstroke score``: the ASPECTS of a head CT whose regions are labelled already."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepstroke.commands.console import console_progress, show, show_findings, table
from deepstroke.errors import naming
from deepstroke.regions import REGIONS, SIDES
from deepstroke.scoring.result import SCORE_METHODS

if TYPE_CHECKING:
    from deepstroke.findings import Finding
    from deepstroke.scoring.result import AspectsScore, RegionScore
    from deepstroke.volume import LabelMap, Volume


def add_parser(commands: argparse._SubParsersAction, common: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser = commands.add_parser(
        "score", parents=[common], help="score a head CT whose ASPECTS regions are labelled already"
    )
    parser.add_argument("labels", metavar="LABELS", type=Path, help="regions 1..10 left, 11..20 right (NIfTI or NRRD)")
    parser.add_argument("ct", metavar="CT", type=Path, help="HU on the same grid (NIfTI or NRRD)")
    parser.add_argument("-o", "--output", metavar="OUT", type=Path, required=True, help="folder for score.json")
    parser.add_argument("--method", choices=("auto", *SCORE_METHODS), default="auto", help="auto: the shipped default")
    parser.add_argument(
        "--model", metavar="FILE", type=Path, help="a model of one's own, by deepstroke-train fit-score"
    )
    parser.add_argument("--side", choices=SIDES, help="the affected side, where it is known (default: found)")
    parser.add_argument("--brain", metavar="MASK", type=Path, help="brain mask on the same grid (default: extracted)")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Score, write ``score.json`` and print a table and the warnings."""
    from deepstroke.nifti import read_label_map, read_volume, write_json
    from deepstroke.scoring import score

    with console_progress(arguments.quiet) as progress:
        progress(0.0, "reading")
        volume, labels = read_volume(arguments.ct), read_label_map(arguments.labels)
        progress(0.2, "brain")
        brain, noticed = _brain(arguments, volume)
        progress(0.8, "scoring")
        with naming(arguments.labels):
            found = score(
                volume,
                labels,
                brain=brain,
                method=arguments.method,
                side=arguments.side,
                findings=noticed,
                model=arguments.model,
            )
        findings = (*noticed, *found.findings)
        arguments.output.mkdir(parents=True, exist_ok=True)
        write_json(as_dict(found, findings), arguments.output / "score.json")
        progress(1.0, "done")
    show_findings(findings)
    show(_table(found))
    show(summary(found))


def as_dict(found: AspectsScore, findings: tuple[Finding, ...]) -> dict[str, Any]:
    """The content of ``score.json``: ``regions``, ``aspects`` and ``warnings`` as in ``report.json``."""
    from deepstroke import __version__
    from deepstroke.report.contents import RegionResult, plain_aspects

    return {
        "warnings": [finding.as_dict() for finding in findings],
        "versions": {"deepstroke": __version__},
        "regions": [RegionResult(entry.measures, score=entry).as_dict() for entry in found.regions],
        "aspects": plain_aspects(found.total),
    }


def summary(found: AspectsScore) -> str:
    """The result in a line."""
    total = found.total
    if total.score is None:
        return f"ASPECTS: none ({', '.join(total.withheld) or 'no region can be judged'})"
    span = "" if total.lowest == total.highest else f" ({total.lowest} to {total.highest})"
    side = "no region involved" if total.side is None else f"affected side: {total.side}"
    left, right = ("none" if score is None else score for score in (total.left, total.right))
    return f"ASPECTS {total.score}{span}, {side}; left {left}, right {right}"


def _brain(arguments: argparse.Namespace, volume: Volume) -> tuple[LabelMap, tuple[Finding, ...]]:
    """The brain mask, and what was noticed about the head where it is extracted."""
    from deepstroke.nifti import read_label_map
    from deepstroke.preprocess.brain import analyse_head

    if arguments.brain is not None:
        return read_label_map(arguments.brain), ()
    with naming(arguments.ct):
        head = analyse_head(volume)
    return head.brain, head.findings


def _table(found: AspectsScore) -> str:
    header = ["region", "right", "left", "why"]
    half = len(REGIONS)
    rows = [
        [region.abbreviation, _cell(right), _cell(left), _why(right, left)]
        for region, left, right in zip(REGIONS, found.regions[:half], found.regions[half:], strict=True)
    ]
    return table(header, rows)


def _cell(entry: RegionScore) -> str:
    if entry.probability is None:
        return "not judged"
    return f"{entry.probability:.2f}" + (" involved" if entry.involved else "")


def _why(right: RegionScore, left: RegionScore) -> str:
    from deepstroke.scoring.result import SCORE_OBSTACLE_WORDS

    words = []
    for entry in (right, left):
        if entry.involved:
            words.append(f"{entry.side}: {'; '.join(reason.text for reason in entry.reasons if reason.push > 0)}")
        elif entry.obstacles:
            words.append(f"{entry.side}: {'; '.join(SCORE_OBSTACLE_WORDS[o] for o in entry.obstacles)}")
    return " | ".join(words)
