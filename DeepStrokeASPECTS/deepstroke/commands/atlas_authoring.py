"""``deepstroke atlas aggregate | outline | publish``: from the overlays of many scans to a new atlas version."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from deepstroke.commands.console import console_progress, show, show_findings
from deepstroke.errors import ConfigError, InputError
from deepstroke.nifti import read_volume, write_json, write_nifti
from deepstroke.progress import Progress

if TYPE_CHECKING:
    from deepstroke.atlas.aggregate import MeanOverlay
    from deepstroke.atlas.overlay_cloud import OverlayCloud
    from deepstroke.register import SpatialTransform
    from deepstroke.volume import Volume


def add_actions(actions: argparse._SubParsersAction, common: argparse.ArgumentParser) -> None:
    """Declare the three actions."""
    _add_aggregate(actions.add_parser("aggregate", parents=[common], help="the mean overlay of many scans"))
    _add_outline(actions.add_parser("outline", parents=[common], help="the outlines of an atlas's regions"))
    _add_publish(actions.add_parser("publish", parents=[common], help="a label map as a new atlas version"))


def _add_aggregate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "overlays", metavar="OVERLAY", nargs="+", type=Path, help="point-cloud volumes (NIfTI, NRRD), one for each scan"
    )
    parser.add_argument("-o", "--output", metavar="OUT", type=Path, required=True, help="folder for the results")
    parser.add_argument(
        "--transforms",
        metavar="FILE",
        nargs="+",
        type=Path,
        help="of each overlay, in the same order, what `deepstroke register SCAN TEMPLATE` wrote; "
        "without it the overlays lie on the template already",
    )
    parser.add_argument(
        "--atlas", metavar="NAME", help="atlas on whose template to add up; the embedded one by default"
    )
    parser.add_argument("--smoothing", metavar="MM", type=float, default=1.0, help="of the mean, in mm (default 1)")
    parser.set_defaults(run=_aggregate)


def _add_outline(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", nargs="?", help="the embedded atlas by default")
    parser.add_argument("-o", "--output", metavar="FILE", type=Path, required=True, help=".nii.gz with labels 1..20")
    parser.set_defaults(run=_outline)


def _add_publish(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "labels", metavar="LABELS", type=Path, help="label map, or a folder of masks such as left-M1.nii.gz"
    )
    parser.add_argument("--name", required=True, help="of the atlas; the version is added to it")
    parser.add_argument("--atlas-version", metavar="VERSION", required=True, help="such as 1.0.0")
    parser.add_argument("--author", required=True, help="who drew the labels")
    parser.add_argument("--note", required=True, help="what was changed, and why")
    parser.add_argument(
        "--parent", metavar="NAME", help="atlas on whose grid the labels lie; the embedded one by default"
    )
    parser.set_defaults(run=_publish)


def _aggregate(arguments: argparse.Namespace) -> None:
    from deepstroke.atlas import load
    from deepstroke.atlas.aggregate import aggregate_overlays

    transforms = arguments.transforms
    if transforms is not None and len(transforms) != len(arguments.overlays):
        raise ConfigError(
            f"--transforms: one for each overlay, found {len(transforms)} for {len(arguments.overlays)}", code="option"
        )
    atlas = load(arguments.atlas)
    with console_progress(arguments.quiet) as progress:
        cases = _cases(arguments.overlays, transforms, progress)
        mean = aggregate_overlays(cases, atlas.template, arguments.smoothing)
    _write_mean(mean, arguments.output, f"{atlas.name} {atlas.version}")
    show(f"wrote the mean overlay of {mean.cases} scans to {arguments.output}")


def _cases(
    overlays: list[Path], transforms: list[Path] | None, progress: Progress
) -> Iterator[tuple[OverlayCloud, SpatialTransform, Volume]]:
    """The scans one by one, as their files are read."""
    import numpy as np

    from deepstroke.atlas.overlay_cloud import OverlayCloud
    from deepstroke.register import SpatialTransform
    from deepstroke.register.transform_files import load

    for number, path in enumerate(overlays):
        progress(number / len(overlays), f"adding overlay {number + 1} of {len(overlays)}")
        cloud = read_volume(path)
        transform = load(transforms[number]) if transforms else SpatialTransform.from_affine(np.eye(4))
        try:
            yield OverlayCloud.from_volume(cloud), transform, cloud
        except InputError as error:
            raise InputError(f"{path}: {error}", code=error.code) from error


def _write_mean(mean: MeanOverlay, folder: Path, grid: str) -> None:
    from deepstroke.atlas.ridges import extract_ridge

    ridge = extract_ridge(mean.density)
    write_nifti(mean.density, folder / "mean_overlay.nii.gz")
    write_nifti(mean.coverage, folder / "coverage.nii.gz")
    write_nifti(ridge.mask, folder / "ridge.nii.gz")
    facts = {"cases": mean.cases, "smoothing_mm": mean.smoothing_mm, "grid": grid, "unit": "mm2 of outline per mm3"}
    write_json({**facts, "ridge_voxels": len(ridge.points_ras)}, folder / "aggregate.json")


def _outline(arguments: argparse.Namespace) -> None:
    from deepstroke.atlas import load, outlines

    write_nifti(outlines(load(arguments.name).labels), arguments.output)
    show(f"wrote {arguments.output}")


def _publish(arguments: argparse.Namespace) -> None:
    from deepstroke.atlas import load
    from deepstroke.atlas.publish import Publication, publish

    publication = Publication(
        arguments.name, arguments.atlas_version, arguments.author, arguments.note, arguments.parent
    )
    folder = publish(arguments.labels, publication)
    published = load(publication.full_name)
    show_findings(published.findings)
    show(f"published {published.name} in {folder}")
