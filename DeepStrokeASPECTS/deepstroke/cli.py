"""The command ``deepstroke``. Exit status: 0 done, 1 refused or failed with a message, 2 wrong usage."""

from __future__ import annotations

import argparse
import sys
import traceback
from collections.abc import Sequence

from deepstroke.commands import atlas, doctor, evaluate, inspect, register, score, segment, tables
from deepstroke.commands.console import add_common_options, show_error
from deepstroke.errors import DeepStrokeError

_COMMANDS = (inspect, segment, score, tables, register, evaluate, atlas, doctor)


def build_parser() -> argparse.ArgumentParser:
    """The parser of every command; ``--quiet`` and ``--verbose`` may stand before or after the command."""
    parser = argparse.ArgumentParser(
        prog="deepstroke",
        description="ASPECTS regions on non-contrast head CT. Research use only, not a medical device.",
    )
    add_common_options(parser, default=False)
    common = argparse.ArgumentParser(add_help=False)
    add_common_options(common, default=argparse.SUPPRESS)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in _COMMANDS:
        command.add_parser(commands, common)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    return run_command(build_parser().parse_args(argv))


def run_command(arguments: argparse.Namespace) -> int:
    """Call ``arguments.run`` and turn every failure into a message and exit status 1."""
    try:
        return arguments.run(arguments) or 0
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the last stand before the user
        show_error(_explain(error))
        if arguments.verbose:
            traceback.print_exc()
        return 1


def _explain(error: BaseException) -> str:
    if isinstance(error, DeepStrokeError):
        return str(error)
    if isinstance(error, KeyboardInterrupt):
        return "stopped by the user"
    if isinstance(error, MemoryError):
        return "not enough memory; close other programs or use a series with thicker slices"
    return f"internal error: {type(error).__name__}: {error} (--verbose shows where)"


if __name__ == "__main__":
    sys.exit(main())
