"""``deepstroke-train cerebellum``: prepare T1 images, train, compare, and segment with what was trained."""

from __future__ import annotations

import argparse
from pathlib import Path

from deepstroke.commands.console import console_progress, show


def add_parser(commands: argparse._SubParsersAction, common: argparse.ArgumentParser) -> None:
    """Add the command with its own commands."""
    parser = commands.add_parser(
        "cerebellum", help="cerebellum and brainstem on T1 MRI: prepare, fit, compare, predict"
    )
    names = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    prepare = names.add_parser("prepare", parents=[common], help="N4, MNI152, equalisation and crop of T1 images")
    prepare.add_argument("images", metavar="IMAGE", type=Path, nargs="+")
    prepare.add_argument("--labels", metavar="FOLDER", type=Path, help="label maps with the images' names")
    prepare.add_argument("--engine", choices=["simpleitk", "ants"], default="simpleitk")
    prepare.add_argument("--strip", action="store_true", help="leave only the brain")
    prepare.add_argument("-o", "--output", metavar="DATASET", type=Path, required=True)
    prepare.set_defaults(run=_prepare)
    for name, run, text in (
        ("fit", _fit, "train one network"),
        ("compare", _compare, "train with and without augmentation, test in place and turned"),
    ):
        fit = names.add_parser(name, parents=[common], help=text)
        fit.add_argument("config", metavar="CONFIG.yaml", type=Path)
        fit.add_argument("overrides", metavar="key=value", nargs="*")
        fit.add_argument("-o", "--output", metavar="RUN", type=Path, required=True)
        fit.set_defaults(run=run)
    predict = names.add_parser("predict", parents=[common], help="segment a prepared image")
    predict.add_argument("run_folder", metavar="RUN", type=Path)
    predict.add_argument("image", metavar="IMAGE", type=Path)
    predict.add_argument("-o", "--output", metavar="F.nii.gz", type=Path, required=True)
    predict.set_defaults(run=_predict)


def _prepare(arguments: argparse.Namespace) -> None:
    from deepstroke.nifti import read_label_map, read_volume, write_nifti
    from deepstroke_training.cerebellum.preparation import PreparationSettings, prepare

    settings = PreparationSettings(engine=arguments.engine, strip=arguments.strip)
    for path in arguments.images:
        labels = read_label_map(arguments.labels / path.name) if arguments.labels else None
        with console_progress(arguments.quiet) as progress:
            prepared = prepare(read_volume(path), labels, settings, progress)
        write_nifti(prepared.image, arguments.output / "images" / path.name)
        if prepared.labels is not None:
            write_nifti(prepared.labels, arguments.output / "labels" / path.name)
    show(f"wrote {len(arguments.images)} prepared images to {arguments.output}")


def _fit(arguments: argparse.Namespace) -> None:
    from deepstroke_training.cerebellum.fitting import fit
    from deepstroke_training.cerebellum.settings import CerebellumSettings
    from deepstroke_training.configuration import fill
    from deepstroke_training.systems import settings_of

    settings = fill(CerebellumSettings, settings_of(arguments.config, arguments.overrides))
    with console_progress(arguments.quiet) as progress:
        history = fit(settings, arguments.output, progress=progress)
    best = 1 - min(each.validation for each in history)
    show(f"best validation Dice {best:.3f} in {len(history)} epochs; weights in {arguments.output}")


def _compare(arguments: argparse.Namespace) -> None:
    from deepstroke_training.cerebellum.fitting import compare_augmentation
    from deepstroke_training.cerebellum.settings import CerebellumSettings
    from deepstroke_training.configuration import fill
    from deepstroke_training.systems import settings_of

    settings = fill(CerebellumSettings, settings_of(arguments.config, arguments.overrides))
    with console_progress(arguments.quiet) as progress:
        text = compare_augmentation(settings, arguments.output, progress)
    show(text)


def _predict(arguments: argparse.Namespace) -> None:
    from deepstroke.nifti import read_volume, write_nifti
    from deepstroke_training.cerebellum.fitting import SETTINGS, load, predict
    from deepstroke_training.cerebellum.settings import CerebellumSettings
    from deepstroke_training.configuration import fill
    from deepstroke_training.configuration_files import read_settings

    settings = fill(CerebellumSettings, read_settings(arguments.run_folder / SETTINGS))
    image = read_volume(arguments.image)
    found = image.with_labels(predict(load(settings, arguments.run_folder), image.data) >= 0.5)
    write_nifti(found, arguments.output)
    show(f"{settings.structure}: {found.volume_ml() * 1000:.0f} mm3; wrote {arguments.output}")
