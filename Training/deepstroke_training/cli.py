"""The command ``deepstroke-train``. Exit status: 0 done, 1 refused or failed with a message, 2 wrong usage."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from deepstroke.cli import run_command
from deepstroke.commands.console import add_common_options, console_progress, show
from deepstroke_training.assessment import command as assessment
from deepstroke_training.asymmetry import command as asymmetry
from deepstroke_training.benchmarks import command as benchmarks
from deepstroke_training.cerebellum import command as cerebellum
from deepstroke_training.curation import command as curate
from deepstroke_training.data import command as fingerprint
from deepstroke_training.evaluation import command as evaluation
from deepstroke_training.merge_split import command as plan_merge
from deepstroke_training.scoring import command as scoring
from deepstroke_training.training import command as training


def build_parser() -> argparse.ArgumentParser:
    """The parser of every command; ``--quiet`` and ``--verbose`` may stand before or after the command."""
    parser = argparse.ArgumentParser(
        prog="deepstroke-train",
        description="Data sets, atlases, benchmarks and training for DeepStroke. Research use only.",
    )
    add_common_options(parser, default=False)
    common = argparse.ArgumentParser(add_help=False)
    add_common_options(common, default=argparse.SUPPRESS)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    curate.add_parser(commands, common)
    training.add_parser(commands, common)
    evaluation.add_parser(commands, common)
    assessment.add_parser(commands, common)
    benchmarks.add_parser(commands, common)
    fingerprint.add_parser(commands, common)
    scoring.add_parser(commands, common)
    plan_merge.add_parser(commands, common)
    cerebellum.add_parser(commands, common)
    asymmetry.add_parser(commands, common)
    _add_build_atlas(commands, common)
    _add_sample_scan(commands, common)
    _add_synthesize(commands, common)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    return run_command(build_parser().parse_args(argv))


def _add_build_atlas(commands: argparse._SubParsersAction, common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser(
        "build-atlas", parents=[common], help="rebuild the embedded atlas from nilearn's MNI152 maps"
    )
    parser.add_argument("-o", "--output", metavar="FOLDER", type=Path, required=True)
    parser.set_defaults(run=_build_atlas)


def _build_atlas(arguments: argparse.Namespace) -> None:
    from deepstroke_training.atlas_authoring import build

    with console_progress(arguments.quiet) as progress:
        build(arguments.output, progress)
    show(f"wrote the atlas to {arguments.output}")


def _add_sample_scan(commands: argparse._SubParsersAction, common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser(
        "sample-scan", parents=[common], help="make the synthetic DICOM series that the demonstration runs on"
    )
    parser.add_argument("-o", "--output", metavar="FOLDER", type=Path, required=True)
    parser.set_defaults(run=_sample_scan)


def _sample_scan(arguments: argparse.Namespace) -> None:
    from deepstroke_training.synthesis import make_sample_scan

    make_sample_scan(arguments.output)
    show(f"wrote the sample scan to {arguments.output}")


def _add_synthesize(commands: argparse._SubParsersAction, common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser("synthesize", parents=[common], help="make a cohort of synthetic head CTs with truth")
    parser.add_argument("-o", "--output", metavar="OUT", type=Path, required=True)
    parser.add_argument("-n", dest="count", metavar="N", type=int, required=True, help="number of patients")
    parser.add_argument("--seed", metavar="S", type=int, required=True)
    parser.add_argument(
        "--variety",
        choices=["clinical", "wide", "held-out"],
        default="clinical",
        help="clinical (default), wide for training far beyond it, or held-out ranges that wide never enters",
    )
    parser.add_argument("--turn", metavar="DEGREES", type=float, help="turn every head by up to this about each axis")
    parser.add_argument("--matrix", metavar="N", type=int, help="pixels along a row (default: the scanners' 512)")
    parser.add_argument("--dicom", action="store_true", help="also write each scan as a DICOM series")
    parser.add_argument("--overlays", action="store_true", help="with ASPECTS outlines in overlay planes")
    parser.add_argument("--dicomdir", action="store_true", help="as media with several series and a DICOMDIR")
    parser.set_defaults(run=_synthesize)


def _synthesize(arguments: argparse.Namespace) -> None:
    from deepstroke_training.synthesis import synthesize

    with console_progress(arguments.quiet) as progress:
        synthesize(
            arguments.output,
            arguments.count,
            arguments.seed,
            dicom=arguments.dicom,
            overlays=arguments.overlays,
            dicomdir=arguments.dicomdir,
            matrix=arguments.matrix,
            variety=arguments.variety,
            turn_degrees=arguments.turn,
            progress=progress,
        )
    show(f"wrote {arguments.count} patients to {arguments.output}")


if __name__ == "__main__":
    sys.exit(main())
