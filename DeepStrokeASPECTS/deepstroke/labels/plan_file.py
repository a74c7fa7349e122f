"""The file of a merge plan: one compressed ``.npz`` of plain arrays, no pickles."""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from deepstroke.errors import InputError
from deepstroke.nifti import atomic_path

_FORMAT = "deepstroke-merge-plan-1"
_ARRAYS = ("mean_volumes_mm3", "distances_mm", "volume_ratios", "adjacent", "influence")
_DAMAGE = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error)


def write(path: str | os.PathLike[str], fields: Mapping[str, Any]) -> None:
    """Write a plan's fields.

    Raises:
        InputError: the disk refuses.
    """
    groups = fields["groups"]
    with atomic_path(path) as temporary, temporary.open("wb") as stream:
        np.savez_compressed(
            stream,
            format=np.array(_FORMAT),
            labels=np.array(fields["labels"], np.int64),
            group_of=np.array([number for number, group in enumerate(groups) for _ in group], np.int64),
            grouped=np.array([label for group in groups for label in group], np.int64),
            spacing_mm=np.array(fields["spacing_mm"]),
            shape=np.array(fields["shape"]),
            thresholds=np.array([fields["delta_distance_mm"], fields["delta_volume"]]),
            **{name: fields[name] for name in _ARRAYS},
        )


def read(path: str | os.PathLike[str]) -> dict[str, Any]:
    """A plan's fields.

    Raises:
        InputError: the file is missing, damaged or something else; the message names it.
    """
    if not Path(path).is_file():
        raise InputError(f"{path}: no such file; deepstroke-train plan-merge makes one", code="missing-file")
    try:
        with np.load(path, allow_pickle=False) as stored:
            if str(stored["format"]) != _FORMAT:
                raise ValueError(f"format {stored['format']}")
            return _fields({name: stored[name] for name in stored.files})
    except _DAMAGE as error:
        raise InputError(f"{path} is damaged or no merge plan ({error}); make it again", code="merge-plan") from error


def _fields(stored: dict[str, Any]) -> dict[str, Any]:
    groups: dict[int, list[int]] = {}
    for number, label in zip(stored["group_of"].tolist(), stored["grouped"].tolist(), strict=True):
        groups.setdefault(number, []).append(label)
    delta_distance, delta_volume = stored["thresholds"].tolist()
    return {
        "labels": tuple(stored["labels"].tolist()),
        "groups": tuple(tuple(group) for group in groups.values()),
        "spacing_mm": tuple(stored["spacing_mm"].tolist()),
        "shape": tuple(stored["shape"].tolist()),
        "delta_distance_mm": delta_distance,
        "delta_volume": delta_volume,
        **{name: stored[name] for name in _ARRAYS},
    }
