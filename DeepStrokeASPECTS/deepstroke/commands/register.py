"""``deepstroke register``: one brain onto another."""

from __future__ import annotations

import argparse
from pathlib import Path

from deepstroke.commands.console import console_progress, show, show_findings, table
from deepstroke.nifti import read_volume, write_json, write_nifti
from deepstroke.volume import LabelMap, Volume


def add_parser(commands: argparse._SubParsersAction, common: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser = commands.add_parser("register", parents=[common], help="register MOVING to FIXED (head CT, NIfTI or NRRD)")
    parser.add_argument("fixed", metavar="FIXED", type=Path)
    parser.add_argument("moving", metavar="MOVING", type=Path)
    parser.add_argument("-o", "--output", metavar="OUT", type=Path, required=True, help="folder for the results")
    parser.add_argument("--engine", choices=["fast", "ants", "greedy"], default="fast")
    parser.add_argument("--preset", choices=["syn", "syncc", "aggressive"], help="of the ants engine")
    parser.add_argument("--device", default="auto", metavar="DEVICE", help="auto, cpu, cuda or cuda:N")
    parser.add_argument(
        "--fixed-mask", metavar="MASK", type=Path, help="brain of FIXED; extracted from the CT if absent"
    )
    parser.add_argument(
        "--moving-mask", metavar="MASK", type=Path, help="brain of MOVING; extracted from the CT if absent"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Register and write ``transform.h5``, its inverse, ``moved.nii.gz`` and ``quality.json``."""
    from deepstroke.register import register

    fixed, fixed_mask = _head(arguments.fixed, arguments.fixed_mask)
    moving, moving_mask = _head(arguments.moving, arguments.moving_mask)
    with console_progress(arguments.quiet) as progress:
        transform = register(
            fixed,
            moving,
            engine=arguments.engine,
            preset=arguments.preset,
            device=arguments.device,
            fixed_mask=fixed_mask,
            moving_mask=moving_mask,
            progress=progress,
        )
    out: Path = arguments.output
    transform.save(out / "transform.h5")
    write_nifti(transform.apply(moving, fixed, order=1), out / "moved.nii.gz")
    quality = transform.quality.as_dict() if transform.quality else {}
    write_json({"engine": transform.engine, "quality": quality}, out / "quality.json")
    show_findings(transform.findings)
    show(table(["measure", "value"], [[name, f"{value:.4g}"] for name, value in quality.items()]))
    show(f"wrote {out}")


def _head(path: Path, mask_path: Path | None) -> tuple[Volume, LabelMap]:
    """A head on an orthogonal grid, and its brain from a file or from the CT itself."""
    from deepstroke.preprocess.brain import extract_brain
    from deepstroke.preprocess.resampling import orthogonal

    volume = orthogonal(read_volume(path))
    if mask_path is None:
        return volume, extract_brain(volume)
    mask = read_volume(mask_path)
    volume.require_same_grid(mask, str(mask_path))
    return volume, volume.with_labels((mask.data > 0).astype("uint8"))
