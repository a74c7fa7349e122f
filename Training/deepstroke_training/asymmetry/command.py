"""``deepstroke-train asymmetry``: compare ADN with its baselines, and write its maps."""

from __future__ import annotations

import argparse
from pathlib import Path

from deepstroke.commands.console import console_progress, show


def add_parser(commands: argparse._SubParsersAction, common: argparse.ArgumentParser) -> None:
    """Add the command with its own commands."""
    parser = commands.add_parser("asymmetry", help="asymmetry disentanglement of infarcts: compare, write maps")
    names = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    compare = names.add_parser("compare", parents=[common], help="train and test every method in one run")
    compare.add_argument("config", metavar="CONFIG.yaml", type=Path)
    compare.add_argument("overrides", metavar="key=value", nargs="*")
    compare.add_argument("-o", "--output", metavar="RUN", type=Path, required=True)
    compare.set_defaults(run=_compare)
    maps = names.add_parser("maps", parents=[common], help="asymmetry maps of a skull-stripped image of 0..1")
    maps.add_argument("run_folder", metavar="RUN", type=Path, help="of compare")
    maps.add_argument("image", metavar="IMAGE", type=Path)
    maps.add_argument("-o", "--output", metavar="FOLDER", type=Path, required=True)
    maps.set_defaults(run=_maps)
    export = names.add_parser("export", parents=[common], help="weights for deepstroke segment --model")
    export.add_argument("run_folder", metavar="RUN", type=Path, help="of compare, on synthetic strokes")
    export.add_argument("-o", "--output", metavar="FILE.safetensors", type=Path, required=True)
    export.set_defaults(run=_export)


def _compare(arguments: argparse.Namespace) -> None:
    from deepstroke_training.asymmetry.comparing import compare
    from deepstroke_training.asymmetry.settings import AsymmetrySettings
    from deepstroke_training.configuration import fill
    from deepstroke_training.systems import settings_of

    settings = fill(AsymmetrySettings, settings_of(arguments.config, arguments.overrides))
    with console_progress(arguments.quiet) as progress:
        result = compare(settings, arguments.output, progress)
    show(result.table())


def _maps(arguments: argparse.Namespace) -> None:
    import json

    import torch

    from deepstroke.networks import AsymmetryDisentanglementNetwork
    from deepstroke.nifti import read_volume
    from deepstroke_training.asymmetry.comparing import FIGURES, WEIGHTS, write_maps

    run = json.loads((arguments.run_folder / FIGURES).read_text(encoding="utf-8"))["settings"]
    network = AsymmetryDisentanglementNetwork(run["preset"], run["base_channels"])
    network.load_state_dict(torch.load(arguments.run_folder / WEIGHTS.format("adn"), weights_only=True))
    volume_ml = write_maps(network, read_volume(arguments.image).reoriented_to_ras(), arguments.output)
    show(f"infarct: {volume_ml:.1f} ml; wrote the maps to {arguments.output}")


def _export(arguments: argparse.Namespace) -> None:
    from deepstroke_training.asymmetry.export import export

    manifest = export(arguments.run_folder, arguments.output)
    show(f"wrote {arguments.output} (sha256 {manifest.sha256[:16]}...) and its manifest")
