"""``deepstroke inspect``: every series found, usable or not, and why."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from deepstroke.commands.console import console_progress, show, table
from deepstroke.nifti import write_json

if TYPE_CHECKING:
    from deepstroke.dicom import Inspection, SeriesRecord


def add_parser(commands: argparse._SubParsersAction, common: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser = commands.add_parser("inspect", parents=[common], help="list every DICOM series, usable or not, and why")
    parser.add_argument("path", metavar="PATH", type=Path, help="a DICOM folder or file, a DICOMDIR or a zip archive")
    parser.add_argument("--json", metavar="F", type=Path, help="also write what was found to this file")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Print what was found and write the JSON file if one is asked for."""
    from deepstroke.dicom import inspect

    with console_progress(arguments.quiet) as progress:
        inspection = inspect(arguments.path, progress=progress)
    if arguments.json:
        write_json(inspection.as_dict(), arguments.json)
    show(_describe(inspection))


def _describe(inspection: Inspection) -> str:
    """A table of the series, the choice, and every reason against the others."""
    lines = [f"{inspection.path}: {inspection.files} files, {len(inspection.series)} series", ""]
    if inspection.series:
        header = ["use", "no.", "description", "plane", "slices", "spacing mm", "tilt", "kernel"]
        lines += [table(header, [_row(record, record in inspection.usable) for record in inspection.series]), ""]
    for record in inspection.usable[:1]:
        lines.append(f"chosen: {record.name}: {'; '.join(record.merits)}")
    for record in inspection.series:
        lines += [f"not usable: {record.name}: {reason.message}" for reason in record.reasons]
        lines += [f"note: {record.name}: {finding.message}" for finding in record.findings]
    lines += [f"turned away: {entry.path}: {entry.message}" for entry in inspection.rejected]
    return "\n".join(lines)


def _row(record: SeriesRecord, usable: bool) -> list[str]:
    spacing = "-" if record.spacing_mm is None else " x ".join(f"{step:.2f}" for step in record.spacing_mm)
    return [
        "yes" if usable else "no",
        "-" if record.number is None else str(record.number),
        record.description or "-",
        record.orientation or "-",
        str(record.slices),
        spacing,
        "-" if record.tilt_deg is None else f"{record.tilt_deg:.1f}",
        record.kernel or "-",
    ]
