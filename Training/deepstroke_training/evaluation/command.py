"""``deepstroke-train evaluate`` and ``deepstroke-train compare``: how good predictions are, and which run is better."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from deepstroke.commands.console import console_progress, show
from deepstroke.evaluation.bootstrap import DRAWS
from deepstroke_training.evaluation.evaluating import Evaluation, EvaluationSettings, Sides

if TYPE_CHECKING:
    from deepstroke_training.evaluation.runs import RunEvaluation

_EVALUATE = """\
Compare predicted regions with the true ones, case by case: Dice, HD95, surface distance, volume, missing regions and
sides. Of a run, its best weights are applied to a split of its own data; or name a folder of predictions and one of
truths with files of the same names. Writes regions.csv (a row for each case and region), summary.json, plots, and
pictures of the worst cases."""
_COMPARE = """\
Compare two evaluations of the same cases by a paired bootstrap over patients: difference of the means (B - A) with
its 95 % interval and p-value, for each region and over all."""


def add_parser(commands: argparse._SubParsersAction, common: argparse.ArgumentParser) -> None:
    """Declare both commands."""
    _add_evaluate(commands, common)
    _add_compare(commands, common)


def _add_evaluate(commands: argparse._SubParsersAction, common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser(
        "evaluate", parents=[common], help="measure a run, or a folder of predictions", description=_EVALUATE
    )
    parser.add_argument("run_folder", metavar="RUN", nargs="?", type=Path, help="folder of a run")
    parser.add_argument("-o", "--output", metavar="OUT", type=Path, help="folder for the results")
    of_run = parser.add_argument_group("of a run")
    of_run.add_argument("--split", default="test", help="test (default), val or train")
    of_run.add_argument("--device", default="auto", metavar="DEVICE", help="auto, cpu, cuda or cuda:N")
    folders = parser.add_argument_group("of folders")
    folders.add_argument("--predictions", metavar="FOLDER", type=Path, help="label maps, <case>.nii.gz")
    folders.add_argument("--truth", metavar="FOLDER", type=Path, help="true label maps with the same names")
    folders.add_argument("--images", metavar="FOLDER", type=Path, help="scans with the same names, for pictures")
    folders.add_argument("--cases", metavar="CSV", type=Path, help="table with the columns case and patient")
    how = parser.add_argument_group("how")
    how.add_argument("--sides", choices=get_args(Sides), default="auto", help="whether regions are told apart by side")
    how.add_argument("--worst", metavar="N", type=int, default=6, help="how many worst cases are drawn (default 6)")
    how.add_argument("--no-plots", action="store_true", help="tables alone")
    how.add_argument("--draws", metavar="N", type=int, default=DRAWS, help=f"resamples of patients (default {DRAWS})")
    how.add_argument("--seed", metavar="S", type=int, default=0, help="of the resamples")
    parser.set_defaults(run=_evaluate, wrong_usage=parser.error)


def _evaluate(arguments: argparse.Namespace) -> None:
    settings = EvaluationSettings(
        arguments.sides, arguments.worst, not arguments.no_plots, arguments.draws, arguments.seed
    )
    folders = arguments.predictions is not None, arguments.truth is not None
    if any(folders) == (arguments.run_folder is not None) or any(folders) != all(folders):
        arguments.wrong_usage("name a RUN, or --predictions FOLDER and --truth FOLDER")
    if all(folders):
        _show(_evaluate_folders(arguments, settings))
        return
    found = _evaluate_run(arguments, settings)
    show("on the network's grid:")
    _show(found.network)
    if found.native is not None:
        show("\non the scans' own grids:")
        _show(found.native)


def _evaluate_run(arguments: argparse.Namespace, settings: EvaluationSettings) -> RunEvaluation:
    from deepstroke_training.evaluation.runs import evaluate_run

    with console_progress(arguments.quiet) as progress:
        return evaluate_run(
            arguments.run_folder, arguments.split, arguments.output, settings, arguments.device, progress=progress
        )


def _evaluate_folders(arguments: argparse.Namespace, settings: EvaluationSettings) -> Evaluation:
    from deepstroke_training.evaluation.folders import evaluate_folders

    output = arguments.output or Path("evaluation")
    with console_progress(arguments.quiet) as progress:
        return evaluate_folders(
            arguments.predictions, arguments.truth, output, settings, arguments.images, arguments.cases, progress
        )


def _show(evaluation: Evaluation) -> None:
    show(evaluation.summary.table())
    show(f"wrote {evaluation.folder}")


def _add_compare(commands: argparse._SubParsersAction, common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser(
        "compare", parents=[common], help="which of two evaluated runs is better", description=_COMPARE
    )
    for name in ("A", "B"):
        parser.add_argument(name.lower(), metavar=name, type=Path, help=f"folder of evaluation {name}, or of a run")
    parser.add_argument("-o", "--output", metavar="OUT", type=Path, help="write comparison.json and comparison.png")
    parser.add_argument(
        "--draws", metavar="N", type=int, default=DRAWS, help=f"resamples of patients (default {DRAWS})"
    )
    parser.add_argument("--seed", metavar="S", type=int, default=0, help="of the resamples")
    parser.set_defaults(run=_compare)


def _compare(arguments: argparse.Namespace) -> None:
    from deepstroke_training.evaluation.comparing import compare

    comparison = compare(arguments.a, arguments.b, arguments.output, arguments.draws, arguments.seed)
    show(comparison.table())
    if arguments.output is not None:
        show(f"wrote {arguments.output}")
