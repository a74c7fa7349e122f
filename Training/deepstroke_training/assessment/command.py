"""``deepstroke-train assess``, ``stability`` and ``amend``: how good and steady weights are, and what they say."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import get_args

from deepstroke.commands.console import console_progress, show
from deepstroke.options import Route
from deepstroke_training.assessment.case_routes import ROUTES

_ASSESS = """\
Segment every scan of a cohort as deepstroke segment does, brain extraction included, by the network, by the atlas, or
both, and compare with the true regions: Dice, distances and sides of every region, failures, and whether the network's
probabilities mean what they say. The cohort is what synthesize or curate wrote."""


def add_parser(commands: argparse._SubParsersAction, common: argparse.ArgumentParser) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "assess", parents=[common], help="measure weights and routes on whole scans", description=_ASSESS
    )
    parser.add_argument("cohort", metavar="COHORT", type=Path, help="folder with raw_volumes/ and raw_segmentation/")
    parser.add_argument("-o", "--output", metavar="OUT", type=Path, required=True, help="folder for the results")
    parser.add_argument("--weights", metavar="NAME", help="name or file of the network's weights")
    parser.add_argument(
        "--routes", metavar="ROUTE", nargs="+", choices=ROUTES, default=["unet"], help=f"of {', '.join(ROUTES)}"
    )
    parser.add_argument("--device", default="cpu", metavar="DEVICE", help="auto, cpu (default), cuda or cuda:N")
    parser.add_argument(
        "--flips", action=argparse.BooleanOptionalAction, default=True, help="the network also sees the mirrored head"
    )
    parser.add_argument("--workers", metavar="N", type=int, default=1, help="processes of one thread each (default 1)")
    parser.add_argument("--most", metavar="N", type=int, help="so many cases at most")
    parser.set_defaults(run=_assess)
    _add_stability(commands, common)
    _add_amend(commands, common)


def _add_stability(commands: argparse._SubParsersAction, common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser(
        "stability", parents=[common], help="change scans in known ways and compare a network's answers"
    )
    parser.add_argument("scans", metavar="SCAN", type=Path, nargs="+", help="DICOM folder, NIfTI or NRRD file")
    parser.add_argument("-o", "--output", metavar="F", type=Path, help="write the figures to this JSON file")
    parser.add_argument("--weights", metavar="NAME", help="name or file of the network's weights")
    parser.add_argument("--device", default="cpu", metavar="DEVICE", help="auto, cpu (default), cuda or cuda:N")
    parser.add_argument(
        "--flips", action=argparse.BooleanOptionalAction, default=True, help="the network also sees the mirrored head"
    )
    parser.set_defaults(run=_stability)


def _stability(arguments: argparse.Namespace) -> None:
    from deepstroke_training.assessment.stability import measure_stability

    with console_progress(arguments.quiet) as progress:
        found = measure_stability(
            arguments.scans,
            arguments.weights,
            arguments.device,
            arguments.flips,
            output=arguments.output,
            progress=progress,
        )
    show(found.table())


def _add_amend(commands: argparse._SubParsersAction, common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser(
        "amend", parents=[common], help="write what was measured into weights' manifest and model card"
    )
    parser.add_argument("weights", metavar="FILE", type=Path, help="the .safetensors file")
    parser.add_argument(
        "--calibration", metavar="FOLDER", type=Path, help="assessment that temperature and residual are taken from"
    )
    parser.add_argument(
        "--assessment", metavar="NAME=FOLDER", type=_named, action="append", default=[], help="shown on the card"
    )
    parser.add_argument(
        "--agreement",
        metavar="NAME=REPORT",
        type=_named,
        action="append",
        default=[],
        help="report.json of a real scan",
    )
    parser.add_argument("--auto-cpu", choices=get_args(Route), help="route of --method auto on a processor")
    parser.add_argument("--auto-cuda", choices=get_args(Route), help="the same on a GPU")
    parser.add_argument("--reason", metavar="TEXT", help="the measurement that favours these routes, in a sentence")
    parser.add_argument("--default", action=argparse.BooleanOptionalAction, help="use them where none are named")
    parser.set_defaults(run=_amend, wrong_usage=parser.error)


def _named(text: str) -> tuple[str, Path]:
    name, given, path = text.partition("=")
    if not (name and given and path):
        raise argparse.ArgumentTypeError(f"expected NAME=PATH, found {text!r}")
    return name, Path(path)


def _amend(arguments: argparse.Namespace) -> None:
    from deepstroke.inference.weights import AutoRoute
    from deepstroke_training.assessment.amending import amend

    parts = (arguments.auto_cpu, arguments.auto_cuda, arguments.reason)
    if any(parts) and not all(parts):
        arguments.wrong_usage("--auto-cpu, --auto-cuda and --reason go together")
    amend(
        arguments.weights,
        arguments.calibration,
        dict(arguments.assessment),
        dict(arguments.agreement),
        AutoRoute(*parts) if all(parts) else None,
        arguments.default,
    )
    show(f"amended {arguments.weights.with_suffix('.json')} and {arguments.weights.with_suffix('.md')}")


def _assess(arguments: argparse.Namespace) -> None:
    from deepstroke_training.assessment.assessing import assess

    with console_progress(arguments.quiet) as progress:
        found = assess(
            arguments.cohort,
            arguments.output,
            arguments.routes,
            arguments.weights,
            arguments.device,
            arguments.flips,
            arguments.workers,
            arguments.most,
            progress,
        )
    show(found.table())
    show(f"wrote {found.folder}")
