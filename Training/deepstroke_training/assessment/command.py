"""``deepstroke-train assess``: the routes of ``deepstroke segment`` on whole scans with known regions."""

from __future__ import annotations

import argparse
from pathlib import Path

from deepstroke.commands.console import console_progress, show
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
    parser.add_argument("--flips", action="store_true", help="the network also sees the mirrored head")
    parser.add_argument("--workers", metavar="N", type=int, default=1, help="processes of one thread each (default 1)")
    parser.add_argument("--most", metavar="N", type=int, help="so many cases at most")
    parser.set_defaults(run=_assess)


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
