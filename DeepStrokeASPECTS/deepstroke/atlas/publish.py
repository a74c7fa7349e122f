"""Publish an annotator's label map as a new, immutable version of an atlas in the user's folder."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np

from deepstroke import __version__
from deepstroke.atlas.catalogue import CATALOGUE
from deepstroke.atlas.checks import ASYMMETRY_LIMIT, LabelCheck, check_labels, keeps_levels, name_of, volumes_ml
from deepstroke.atlas.manifest import MANIFEST_NAME, verified_files
from deepstroke.atlas.model import Atlas
from deepstroke.atlas.store import DEFAULT_NAME, folder_of, installed_folder, load
from deepstroke.errors import InputError
from deepstroke.findings import Finding
from deepstroke.nifti import read_label_map, write_json, write_nifti
from deepstroke.regions import SIDED_REGIONS, region_of
from deepstroke.resources import sha256_of
from deepstroke.volume import LabelMap, Volume

#: More of the regions outside the parent's brain than this share is worth a warning.
OUTSIDE_LIMIT = 0.01
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_VERSION = re.compile(r"\d+(\.\d+){0,2}[a-z0-9.-]{0,16}")
#: What a new version takes over from its parent's manifest.
_INHERITED = ("licence", "citation", "frame", "levels_mm", "tissue_hu")


@dataclass(frozen=True)
class Publication:
    """What is published and by whom.

    Attributes:
        name: of the atlas, lower case; its folder is called ``<name>-<version>``.
        version: such as ``"1.0.0"``; a published version is never replaced.
        author: who drew the labels.
        note: what was changed, and why.
        parent: name or folder of the atlas on whose grid the labels lie; the embedded default without one.
        date: ISO 8601; today in UTC without one.
    """

    name: str
    version: str
    author: str
    note: str
    parent: str | Path | None = None
    date: str | None = None

    @property
    def full_name(self) -> str:
        """What ``load`` takes."""
        return f"{self.name}-{self.version}"

    def faults(self) -> list[str]:
        """What is wrong with the texts."""
        faults = []
        if not _NAME.fullmatch(self.name):
            faults.append(f"the name is 1-64 of a-z, 0-9, '.', '_' and '-', found {self.name!r}")
        if not _VERSION.fullmatch(self.version):
            faults.append(f"the version is numbers such as 1.0.0, found {self.version!r}")
        for what, text in (("author", self.author), ("note", self.note)):
            if not text.strip():
                faults.append(f"the {what} is empty")
        if self.full_name in {DEFAULT_NAME, *CATALOGUE}:
            faults.append(f"{self.full_name} is the name of an atlas that DeepStroke knows; choose another one")
        elif not faults and installed_folder(self.full_name).exists():
            faults.append(f"{self.full_name} is published already and versions are never replaced; raise the version")
        return faults


def publish(labels: LabelMap | str | Path | Mapping[int, LabelMap], publication: Publication) -> Path:
    """Check an annotator's labels and write them as a new atlas, complete or not at all.

    Args:
        labels: 1..10 on the left and 11..20 on the right, on the parent's grid in any order of axes; or a file or
            folder for ``read_labels``; or a mask for each label.
        publication: what it is called and where it comes from.

    Returns:
        The folder, which ``load(publication.full_name)`` reads at once.

    Raises:
        InputError: the labels or the texts have faults; every one of them is named.

    Example:
        >>> folder = publish(Path("refined.nrrd"), Publication("clinic", "1.0.0", "A. Author",
        ...     "borders redrawn on the mean overlay"))  # doctest: +SKIP
        >>> load("clinic-1.0.0").labels  # doctest: +SKIP
    """
    parent = load(publication.parent)
    faults = publication.faults()
    placed, check = None, LabelCheck((), ())
    try:
        drawn = labels if isinstance(labels, LabelMap) else _merged(labels)
        placed = _on_parents_grid(drawn, parent.template)
        check = check_for_publication(placed, parent.brain)
    except InputError as error:
        faults.append(str(error))
    faults += [fault.message for fault in check.faults]
    if faults or placed is None:
        raise InputError(f"the labels can't be published: {'; '.join(faults)}", code="unsound-atlas")
    return _write(placed, check, parent, publication)


def check_for_publication(labels: LabelMap, brain: LabelMap) -> LabelCheck:
    """The checks of ``check_labels``, where a region in several pieces is a fault; and levels and brain as warnings.

    Args:
        labels: 1..20.
        brain: of the parent, on the same grid.
    """
    check = check_labels(labels)
    fragments = tuple(warning for warning in check.warnings if warning.code == "label-fragments")
    warnings = [warning for warning in check.warnings if warning.code != "label-fragments"]
    if not keeps_levels(labels):
        warnings.append(Finding("label-levels", "M1-M3 don't lie wholly below M4-M6"))
    outside = float((labels.mask & ~brain.mask).sum()) / max(int(labels.mask.sum()), 1)
    if outside > OUTSIDE_LIMIT:
        warnings.append(Finding("label-outside-brain", f"{100 * outside:.1f} % of the regions lie outside the brain"))
    return LabelCheck((*check.faults, *fragments), tuple(warnings))


def merge_masks(masks: Mapping[int, LabelMap]) -> LabelMap:
    """One label map from a mask for each label, all on one grid.

    Raises:
        InputError: there is no mask, a label isn't 1..20, or masks overlap; every pair is named.
        GeometryError: they lie on different grids.
    """
    if not masks:
        raise InputError("no masks were given; one for each region and side is needed", code="label-missing")
    for label in masks:
        region_of(label)
    first = next(iter(masks.values()))
    merged = np.zeros(first.shape, np.uint8)
    overlaps: dict[tuple[int, int], int] = {}
    for label, mask in sorted(masks.items()):
        first.require_same_grid(mask, f"the mask of {name_of(label)}")
        for other, count in zip(*np.unique(merged[mask.mask], return_counts=True), strict=True):
            if other:
                overlaps[int(other), label] = int(count)
        merged[mask.mask] = label
    if overlaps:
        pairs = [f"{name_of(a)} and {name_of(b)} in {n} voxels" for (a, b), n in overlaps.items()]
        raise InputError(f"masks overlap: {', '.join(pairs)}", code="label-overlap")
    return first.with_labels(merged)


def read_labels(path: Path) -> LabelMap:
    """A label map from a NIfTI or NRRD file, or from a folder with a mask ``left-M1.nii.gz`` for each region and side.

    Raises:
        InputError: files are missing or damaged, or masks overlap.
    """
    if not path.is_dir():
        return read_label_map(path)
    masks = {}
    for label, (region, side) in enumerate(SIDED_REGIONS, start=1):
        for suffix in (".nii.gz", ".nii", ".nrrd"):
            file = path / f"{side}-{region.abbreviation}{suffix}"
            if file.is_file():
                masks[label] = read_label_map(file)
                break
    return merge_masks(masks)


def _merged(labels: str | Path | Mapping[int, LabelMap]) -> LabelMap:
    return merge_masks(labels) if isinstance(labels, Mapping) else read_labels(Path(labels))


def _on_parents_grid(labels: LabelMap, template: Volume) -> LabelMap:
    """The labels with the parent's order of axes; other programs save the same voxels in another one.

    Raises:
        GeometryError: they lie on other voxels.
    """
    if labels.same_grid(template):
        return template.with_labels(labels.data)
    template.reoriented_to_ras().require_same_grid(
        labels.reoriented_to_ras(), "the label map, which must keep the parent's voxels,"
    )
    ijk = np.moveaxis(np.indices(template.shape), 0, -1).reshape(-1, 3)
    places = np.rint(labels.ijk_of(template.ras_of(ijk))).astype(np.intp)
    return template.with_labels(labels.data[tuple(places.T)].reshape(template.shape))


def _write(labels: LabelMap, check: LabelCheck, parent: Atlas, publication: Publication) -> Path:
    """Write the folder beside its place and move it there when it is whole."""
    target = installed_folder(publication.full_name)
    source = verified_files(folder_of(publication.parent), parent.manifest)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{publication.name}-") as scratch:
            folder = Path(scratch) / "atlas"
            folder.mkdir()
            for path in (source["template"], source["brain"]):
                shutil.copyfile(path, folder / path.name)
            write_nifti(labels.with_labels(labels.data.astype(np.uint8)), folder / "labels.nii.gz")
            names = {"template": source["template"].name, "labels": "labels.nii.gz", "brain": source["brain"].name}
            files = {part: {"name": name, "sha256": sha256_of(folder / name)} for part, name in names.items()}
            write_json(_manifest(labels, check, parent, publication, files), folder / MANIFEST_NAME)
            folder.rename(target)
    except OSError as error:
        raise InputError(f"{target} can't be written: {error.strerror or error}", code="write") from error
    return target


def _manifest(
    labels: LabelMap, check: LabelCheck, parent: Atlas, publication: Publication, files: dict[str, dict[str, str]]
) -> dict[str, Any]:
    volumes = volumes_ml(labels)
    return {
        "name": publication.full_name,
        "version": publication.version,
        "summary": f"20 ASPECTS regions by {publication.author.strip()} on the template of {parent.name}",
        "status": "annotated by its author, not clinically validated; research use only",
        **{key: parent.manifest[key] for key in _INHERITED if key in parent.manifest},
        "provenance": {
            "parent": {"name": parent.name, "version": parent.version, "files": parent.manifest["files"]},
            "author": publication.author.strip(),
            "date": publication.date or datetime.now(timezone.utc).date().isoformat(),
            "note": publication.note.strip(),
            "published_by": f"DeepStroke {__version__}",
        },
        "checks": {
            "passed": ["all 20 regions", "one piece each", "sides", "no overlap", "the parent's grid"],
            "asymmetry_limit": ASYMMETRY_LIMIT,
            "warnings": [warning.as_dict() for warning in check.warnings],
        },
        "files": files,
        "regions": [
            {"label": label, "region": region.abbreviation, "side": side, "volume_ml": round(volumes[label], 3)}
            for label, (region, side) in enumerate(SIDED_REGIONS, start=1)
        ],
    }
