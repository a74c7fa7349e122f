"""Install an atlas for the user: fetch or copy a published template and bring the embedded regions onto it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np

from deepstroke import __version__
from deepstroke.atlas.catalogue import CATALOGUE, RemoteFile, RemoteTemplate
from deepstroke.atlas.checks import in_one_piece, volumes_ml
from deepstroke.atlas.manifest import MANIFEST_NAME, read_manifest, verified_files
from deepstroke.atlas.model import Atlas
from deepstroke.atlas.propagate import propagate_labels
from deepstroke.atlas.store import installed_folder, load
from deepstroke.errors import InputError
from deepstroke.nifti import read_volume, write_json, write_nifti
from deepstroke.progress import Progress, silent, within
from deepstroke.regions import SIDED_REGIONS
from deepstroke.resources import download, require_sha256, sha256_of
from deepstroke.volume import LabelMap, Volume


def install(name: str, source_folder: Path | None = None, progress: Progress = silent) -> Path:
    """Install a template of the catalogue in the user's folder and bring the embedded atlas' regions onto it.

    Args:
        name: of the catalogue.
        source_folder: take the published file from here instead of its address; nothing is fetched then.
        progress: told how far the work is.

    Returns:
        The folder, which ``load(name)`` reads.

    Raises:
        InputError: the name is unknown; the file can't be fetched, is missing or is another one.
        RegistrationError: the embedded atlas could not be registered to the template.

    Example:
        >>> install("high-res-ct", source_folder=Path("downloads"))  # doctest: +SKIP
    """
    if name not in CATALOGUE:
        known = ", ".join(CATALOGUE)
        raise InputError(f"no atlas named {name!r} can be installed; the catalogue holds: {known}", code="no-atlas")
    remote, folder = CATALOGUE[name], installed_folder(name)
    if (folder / MANIFEST_NAME).is_file():
        verified_files(folder, read_manifest(folder))
        progress(1.0, f"{name} is installed already")
        return folder
    template_path = folder / remote.template.name
    if source_folder is not None:
        _copy(remote.template, source_folder, template_path)
    else:
        download(remote.template.url, remote.template.sha256, template_path, within(progress, 0.0, 0.4))
    _bring_regions(remote, folder, within(progress, 0.4, 1.0))
    return folder


def _copy(file: RemoteFile, source_folder: Path, target: Path) -> None:
    """Take a published file from a folder of the user."""
    source = source_folder / file.name
    if not source.is_file():
        raise InputError(f"{source}: no such file; fetch it from {file.url}", code="missing-file")
    require_sha256(source, file.sha256)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _bring_regions(remote: RemoteTemplate, folder: Path, progress: Progress) -> None:
    """Write the brain mask, the regions and last the manifest, without which the folder is no atlas."""
    from deepstroke.register import register

    embedded = load()
    template = read_volume(folder / remote.template.name)
    brain = brain_of_stripped(template)
    progress(0.05, "registering the embedded atlas to the template")
    transform = register(
        template,
        embedded.template,
        fixed_mask=brain,
        moving_mask=embedded.brain,
        progress=within(progress, 0.05, 0.9),
    )
    labels = in_one_piece(propagate_labels(embedded, transform, template))
    write_nifti(brain, folder / "brain.nii.gz")
    write_nifti(labels, folder / "labels.nii.gz")
    write_json(_manifest(remote, folder, embedded, labels), folder / MANIFEST_NAME)
    progress(1.0, f"{remote.name} is installed")


def brain_of_stripped(template: Volume) -> LabelMap:
    """Where a skull-stripped template holds brain: above 0 HU, with what lies inside of it."""
    from scipy import ndimage

    return template.with_labels(ndimage.binary_fill_holes(np.asarray(template.data) > 0))


def _manifest(remote: RemoteTemplate, folder: Path, embedded: Atlas, labels: LabelMap) -> dict[str, Any]:
    volumes = volumes_ml(labels)
    names = {"template": remote.template.name, "labels": "labels.nii.gz", "brain": "brain.nii.gz"}
    return {
        "name": remote.name,
        "version": remote.version,
        "summary": remote.summary,
        "status": "regions are carried over by registration, not drawn on this template, and not clinically validated",
        "licence": remote.licence,
        "citation": remote.citation,
        "provenance": {
            "template": remote.template.url,
            "labels": f"{embedded.name} {embedded.version} registered to this template by DeepStroke {__version__}",
        },
        "frame": remote.frame_notes,
        "files": {part: {"name": name, "sha256": sha256_of(folder / name)} for part, name in names.items()},
        "regions": [
            {"label": label, "region": region.abbreviation, "side": side, "volume_ml": round(volumes[label], 3)}
            for label, (region, side) in enumerate(SIDED_REGIONS, start=1)
        ],
    }
