"""What a command shows while it works and when it is done."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from deepstroke import __version__
from deepstroke.findings import Finding
from deepstroke.progress import Progress, silent


def add_common_options(parser: argparse.ArgumentParser, default: bool | str) -> None:
    """Declare what every command understands."""
    parser.add_argument("--version", action="version", version=f"deepstroke {__version__}")
    parser.add_argument("--quiet", action="store_true", default=default, help="no progress, only results and errors")
    parser.add_argument("--verbose", action="store_true", default=default, help="show where an error came from")


@contextmanager
def console_progress(quiet: bool = False) -> Iterator[Progress]:
    """A progress bar on a terminal, ``progress N% text`` lines on standard output elsewhere, nothing if quiet."""
    if quiet:
        yield silent
    elif sys.stderr.isatty():
        with _bar() as progress:
            yield progress
    else:
        yield _line_printer()


@contextmanager
def _bar() -> Iterator[Progress]:
    from tqdm import tqdm

    with tqdm(total=100, bar_format="{percentage:3.0f}% {bar:30} {desc}", leave=False, file=sys.stderr) as bar:

        def report(fraction: float, text: str) -> None:
            bar.n = min(max(100.0 * fraction, bar.n), 100.0)
            bar.set_description_str(text, refresh=False)
            bar.refresh()

        yield report


def _line_printer() -> Progress:
    last = ""

    def report(fraction: float, text: str) -> None:
        nonlocal last
        line = f"progress {round(100 * min(max(fraction, 0.0), 1.0))}% {text}"
        if line != last:
            print(line, flush=True)  # noqa: T201
            last = line

    return report


def show(text: str) -> None:
    """Print what was asked for on standard output."""
    print(text, flush=True)  # noqa: T201


def show_error(text: str) -> None:
    """Print why the command stops on standard error."""
    print(f"error: {text}", file=sys.stderr, flush=True)  # noqa: T201


def show_findings(findings: Iterable[Finding]) -> None:
    """Print every warning on standard error."""
    for finding in findings:
        print(f"warning [{finding.code}]: {finding.message}", file=sys.stderr, flush=True)  # noqa: T201


def table(header: list[str], rows: list[list[str]]) -> str:
    """Rows as aligned columns under a header."""
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in [header, *rows]]
    return "\n".join(line.rstrip() for line in lines)
