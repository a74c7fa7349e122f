"""``deepstroke-train fingerprint``: what a data set holds, before a network is trained on it."""

from __future__ import annotations

import argparse
from pathlib import Path

from deepstroke.commands.console import console_progress, show


def add_parser(commands: argparse._SubParsersAction, common: argparse.ArgumentParser) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "fingerprint", parents=[common], help="counts, sizes, HU and region volumes of a data set, outliers named"
    )
    parser.add_argument("dataset", metavar="DATASET", type=Path, help="made by curate")
    parser.add_argument("-o", "--output", metavar="OUT", type=Path, required=True, help="folder for the report")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> None:
    from deepstroke_training.data.fingerprint import fingerprint
    from deepstroke_training.data.fingerprint_report import write_fingerprint

    with console_progress(arguments.quiet) as progress:
        written = write_fingerprint(fingerprint(arguments.dataset, progress=progress), arguments.output)
    show("wrote " + ", ".join(str(path) for path in written))
