"""``deepstroke-train score-cohort``, ``fit-score`` and ``evaluate-score``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from deepstroke.commands.console import console_progress, show
from deepstroke.scoring.result import SCORE_METHODS

if TYPE_CHECKING:
    from deepstroke.scoring.model import ScoreModel

_SOURCES = ("table", "atlas", "unet", "both", "auto")


def add_parser(commands: argparse._SubParsersAction, common: argparse.ArgumentParser) -> None:
    """Add the commands."""
    _add_cohort(commands, common)
    _add_fit(commands, common)
    _add_evaluate(commands, common)


def _add_cohort(commands: argparse._SubParsersAction, common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser(
        "score-cohort", parents=[common], help="make synthetic heads with early infarcts and their table of cases"
    )
    parser.add_argument("-o", "--output", metavar="OUT", type=Path, required=True, help="folder")
    parser.add_argument("-n", dest="count", metavar="N", type=int, required=True, help="number of cases")
    parser.add_argument("--seed", metavar="S", type=int, required=True)
    parser.add_argument(
        "--grid", action="store_true", help="heads of the widest variety on the 2 mm grid of network training"
    )
    parser.add_argument("--matrix", metavar="N", type=int, default=128, help="pixels along a row of a scan (128)")
    parser.set_defaults(run=_cohort)


def _add_fit(commands: argparse._SubParsersAction, common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser(
        "fit-score", parents=[common], help="train the score on a table of cases (nested cross-validation by patient)"
    )
    parser.add_argument("table", metavar="TABLE", type=Path, help="case, ct, labels, involved_left, involved_right")
    parser.add_argument("-o", "--output", metavar="OUT", type=Path, required=True, help="folder for the models")
    parser.add_argument("--method", choices=("all", *SCORE_METHODS), default="all")
    parser.add_argument("--default", choices=SCORE_METHODS, help="what 'auto' takes (default: least calibration loss)")
    parser.add_argument("--name", default="own", help="of the models; the method is added")
    parser.add_argument("--data", default="", metavar="TEXT", help="on what it is trained, for the models' record")
    parser.add_argument(
        "--asymmetry",
        metavar="HU",
        type=float,
        default=1.2,
        help="natural difference of healthy sides that is added, SD in HU (1.2; 0 for patients)",
    )
    parser.set_defaults(run=_fit)


def _add_evaluate(commands: argparse._SubParsersAction, common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser(
        "evaluate-score", parents=[common], help="compare the score with readers or a truth: tables and plots"
    )
    parser.add_argument("table", metavar="TABLE", type=Path, help="case, ct, labels, involved_left, involved_right")
    parser.add_argument("-o", "--output", metavar="OUT", type=Path, required=True, help="folder")
    parser.add_argument("--model", metavar="FILE", type=Path, action="append", help="of fit-score (default: shipped)")
    parser.add_argument("--method", choices=("all", *SCORE_METHODS), default="all", help="of the shipped models")
    parser.add_argument(
        "--regions", choices=_SOURCES, default="table", help="where regions come from: the table, or our own route"
    )
    parser.add_argument("--limit", metavar="N", type=int, help="only the first N cases")
    parser.add_argument("--heading", metavar="TEXT", help="says on what this is measured")
    parser.set_defaults(run=_evaluate)


def _cohort(arguments: argparse.Namespace) -> None:
    from deepstroke_training.scoring.cohort import make_grid_cohort, make_scanned_cohort

    with console_progress(arguments.quiet) as progress:
        if arguments.grid:
            table = make_grid_cohort(arguments.output, arguments.count, arguments.seed, progress)
        else:
            table = make_scanned_cohort(
                arguments.output, arguments.count, arguments.seed, matrix=arguments.matrix, progress=progress
            )
    show(f"wrote {table}")


def _fit(arguments: argparse.Namespace) -> None:
    from deepstroke_training.scoring.training import train_score

    methods = SCORE_METHODS if arguments.method == "all" else (arguments.method,)
    with console_progress(arguments.quiet) as progress:
        text = train_score(
            arguments.table,
            arguments.output,
            methods=methods,
            default=arguments.default,
            name=arguments.name,
            data=arguments.data,
            asymmetry_hu=arguments.asymmetry,
            progress=progress,
        )
    show(text)


def _evaluate(arguments: argparse.Namespace) -> None:
    from deepstroke_training.scoring.evaluating import TABLES, evaluate_score

    with console_progress(arguments.quiet) as progress:
        evaluate_score(
            arguments.table,
            _models(arguments),
            arguments.output,
            source=arguments.regions,
            limit=arguments.limit,
            heading=arguments.heading,
            progress=progress,
        )
    show((arguments.output / TABLES).read_text(encoding="utf-8"))


def _models(arguments: argparse.Namespace) -> dict[str, ScoreModel]:
    from deepstroke.scoring.store import load_score_model

    if arguments.model:
        return {model.name: model for model in (load_score_model(path=path).model for path in arguments.model)}
    methods = SCORE_METHODS if arguments.method == "all" else (arguments.method,)
    return {method: load_score_model(method).model for method in methods}
