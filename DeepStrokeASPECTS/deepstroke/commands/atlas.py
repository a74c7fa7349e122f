"""``deepstroke atlas``: list, describe, install and author atlases."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from deepstroke.commands.atlas_authoring import add_actions
from deepstroke.commands.console import console_progress, show


def add_parser(commands: argparse._SubParsersAction, common: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser = commands.add_parser("atlas", parents=[common], help="list, describe, install or author atlases")
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    listing = actions.add_parser("list", parents=[common], help="atlases that are here or can be installed")
    listing.set_defaults(run=_list)
    info = actions.add_parser("info", parents=[common], help="the manifest of one atlas")
    info.add_argument("name", metavar="NAME")
    info.set_defaults(run=_info)
    install = actions.add_parser("install", parents=[common], help="fetch an atlas, or take it from a folder")
    install.add_argument("name", metavar="NAME")
    install.add_argument("--from", dest="folder", metavar="FOLDER", type=Path, help="take the files from here, offline")
    install.set_defaults(run=_install)
    add_actions(actions, common)


def _list(arguments: argparse.Namespace) -> None:
    from deepstroke import atlas

    for entry in atlas.available():
        show(entry.describe())


def _info(arguments: argparse.Namespace) -> None:
    from deepstroke import atlas

    show(json.dumps(atlas.info(arguments.name), indent=2, ensure_ascii=False))


def _install(arguments: argparse.Namespace) -> None:
    from deepstroke import atlas

    with console_progress(arguments.quiet) as progress:
        folder = atlas.install(arguments.name, source_folder=arguments.folder, progress=progress)
    show(f"installed {arguments.name} in {folder}")
