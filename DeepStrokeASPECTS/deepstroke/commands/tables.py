"""``deepstroke tables``: the results of many cases as two CSV files."""

from __future__ import annotations

import argparse
from pathlib import Path

from deepstroke.commands.console import show


def add_parser(commands: argparse._SubParsersAction, common: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser = commands.add_parser(
        "tables", parents=[common], help="results of many cases, and what readers decided, as CSV"
    )
    parser.add_argument("folders", metavar="FOLDER", type=Path, nargs="+", help="written by deepstroke segment")
    parser.add_argument(
        "-o", "--output", metavar="OUT", type=Path, required=True, help="folder for cases.csv and regions.csv"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Write both tables."""
    from deepstroke.report.table import write_tables

    arguments.output.mkdir(parents=True, exist_ok=True)
    cases, regions = arguments.output / "cases.csv", arguments.output / "regions.csv"
    count = write_tables(arguments.folders, cases, regions)
    show(f"{count} {'case' if count == 1 else 'cases'}: {cases}, {regions}")
