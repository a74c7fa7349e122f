"""``deepstroke-train plan-merge``: which labels may share a channel of a network's output."""

from __future__ import annotations

import argparse
from pathlib import Path

from deepstroke.commands.console import console_progress, show
from deepstroke.errors import ConfigError


def add_parser(commands: argparse._SubParsersAction, common: argparse.ArgumentParser) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "plan-merge", parents=[common], help="group labels that a network may take for one, and draw their graph"
    )
    parser.add_argument(
        "sources", metavar="LABELS", type=Path, nargs="*", help="label maps on one grid, folders of them, or data sets"
    )
    parser.add_argument(
        "--atlas", nargs="?", const="", metavar="NAME", help="the sided ASPECTS regions of an atlas (the embedded one)"
    )
    parser.add_argument("-o", "--output", metavar="OUT", type=Path, required=True, help="folder for plan and picture")
    parser.add_argument(
        "--delta-distance", type=float, default=10.0, metavar="MM", help="merge only labels further apart (default 10)"
    )
    parser.add_argument(
        "--delta-volume", type=float, default=3.5, metavar="R", help="and of mean volumes within this ratio (3.5)"
    )
    parser.add_argument("--alone", type=int, nargs="+", default=[], metavar="LABEL", help="labels never to be merged")
    naming = parser.add_mutually_exclusive_group()
    naming.add_argument("--names", type=Path, metavar="CSV", help="names of labels: columns label and name")
    naming.add_argument("--aspects", action="store_true", help="labels 1..20 are the sided ASPECTS regions")
    parser.add_argument("--sweep", action="store_true", help="also tell what other thresholds would give")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> None:
    from deepstroke_training.merge_split.label_names import ASPECTS_NAMES, read_names
    from deepstroke_training.merge_split.planning import (
        PlanSettings,
        groups_table,
        plan_labels,
        sweep_table,
        write_plan,
    )
    from deepstroke_training.merge_split.sources import LabelFiles

    names = read_names(arguments.names) if arguments.names else {}
    if arguments.aspects or arguments.atlas is not None:
        names = dict(ASPECTS_NAMES)
    files = LabelFiles.found_in([*arguments.sources, *_atlas_labels(arguments.atlas)])
    if not len(files):
        raise ConfigError("name label maps, a folder, a data set, or --atlas", code="no-label-maps")
    settings = PlanSettings(arguments.delta_distance, arguments.delta_volume, tuple(arguments.alone))
    with console_progress(arguments.quiet) as progress:
        plan = plan_labels(files, settings, progress)
        written = write_plan(plan, names, arguments.output)
    show(groups_table(plan, names))
    if arguments.sweep:
        show(f"\nmerged labels for other thresholds:\n{sweep_table(plan, settings.alone)}")
    show("wrote " + ", ".join(str(path) for path in written))


def _atlas_labels(name: str | None) -> list[Path]:
    """The file of an atlas's labels, once the atlas has been found sound."""
    if name is None:
        return []
    from deepstroke.atlas import load
    from deepstroke.atlas.store import folder_of

    folder = folder_of(name or None)
    return [folder / load(folder).manifest["files"]["labels"]["name"]]
