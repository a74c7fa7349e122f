"""Which files of a data set have been found sound, so that gigabytes are read once and not at every start."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from deepstroke.errors import DeepStrokeError
from deepstroke.nifti import read_label_map, read_volume, write_json
from deepstroke.regions import SIDED_REGIONS
from deepstroke.volume import Volume


class CheckedFiles:
    """Pairs of image and labels that have been read and found sound, with the digest of their content.

    A pair is read again when a file's size or time of change differs.

    Args:
        path: remembers them from run to run; nothing is remembered without it.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self._pairs: dict[str, dict[str, Any]] = _recalled(path)
        self._changed = False

    def faults_of(self, image: Path, label: Path) -> list[str]:
        """What is wrong with a pair, each fault naming its file; nothing for a sound pair."""
        if self._known(image, label):
            return []
        missing = [f"{path}: missing" for path in (image, label) if not path.is_file()]
        if missing:
            return missing
        faults = faults_of_pair(image, label)
        if not faults:
            digest = hashlib.sha256(image.read_bytes() + label.read_bytes()).hexdigest()
            self._pairs[_name(image, label)] = {"state": _state(image, label), "sha256": digest}
            self._changed = True
        return faults

    def digest_of(self, image: Path, label: Path) -> str:
        """sha256 over the content of a pair; the pair is read if it isn't remembered."""
        if self._known(image, label):
            return str(self._pairs[_name(image, label)]["sha256"])
        return hashlib.sha256(image.read_bytes() + label.read_bytes()).hexdigest()

    def save(self) -> None:
        """Write what was found, if there is a file for it.

        Raises:
            InputError: the disk refuses.
        """
        if self.path is not None and self._changed:
            write_json(self._pairs, self.path)
            self._changed = False

    def _known(self, image: Path, label: Path) -> bool:
        entry = self._pairs.get(_name(image, label))
        return entry is not None and entry["state"] == _state(image, label)


def faults_of_pair(image: Path, label: Path) -> list[str]:
    """Read an image and its labels and say what is wrong with them."""
    faults: list[str] = []
    volume = labels = None
    try:
        volume = read_volume(image)
        if not np.isfinite(volume.data).all():
            faults.append(f"{image}: holds values that are no finite numbers")
    except DeepStrokeError as error:
        faults.append(str(error))
    try:
        labels = read_label_map(label)
        largest = int(labels.data.max())
        if largest > len(SIDED_REGIONS):
            faults.append(f"{label}: labels are 0..{len(SIDED_REGIONS)}, found {largest}")
    except DeepStrokeError as error:
        faults.append(str(error))
    if volume is not None and labels is not None and not volume.same_grid(labels):
        faults.append(f"{label}: lies on another grid than {image}: {_grid(labels)} against {_grid(volume)}")
    return faults


def _grid(volume: Volume) -> str:
    spacing = " x ".join(f"{step:.4g}" for step in volume.spacing_mm)
    return f"{volume.shape} voxels of {spacing} mm from {np.round(volume.ijk_to_ras[:3, 3], 2).tolist()}"


def _name(image: Path, label: Path) -> str:
    return f"{image.parent.name}/{image.name} {label.parent.name}/{label.name}"


def _state(*paths: Path) -> list[list[int]] | None:
    """Size and time of change of files; None where one is missing."""
    try:
        stats = [path.stat() for path in paths]
    except FileNotFoundError:
        return None
    return [[stat.st_size, stat.st_mtime_ns] for stat in stats]


def _recalled(path: Path | None) -> dict[str, dict[str, Any]]:
    if path is None or not path.is_file():
        return {}
    try:
        recalled = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return {}
    return recalled if isinstance(recalled, dict) else {}
