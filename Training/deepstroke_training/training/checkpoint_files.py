"""Checkpoints on disk: each whole or not there, the last two and the best kept, a damaged one passed over."""

from __future__ import annotations

import os
import pickle
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from deepstroke.nifti import atomic_path
from deepstroke_training.training.failures import CheckpointError

FOLDER = "checkpoints"
LAST, PREVIOUS, BEST = "last.ckpt", "previous.ckpt", "best.ckpt"


def write_last(state: Mapping[str, Any], run: Path) -> None:
    """Write the run's state; the one written before stays beside it.

    Raises:
        InputError: the disk refuses; what was there stays.
    """
    last, previous = run / FOLDER / LAST, run / FOLDER / PREVIOUS
    with atomic_path(last) as temporary:
        _save(state, temporary)
        if last.exists():
            # Killed here, the run goes on from `previous`; there is always one of the two.
            last.replace(previous)
    _flush_folder(last.parent)


def write_best(state: Mapping[str, Any], run: Path) -> None:
    """Write the weights of the best validation.

    Raises:
        InputError: the disk refuses; what was there stays.
    """
    best = run / FOLDER / BEST
    with atomic_path(best) as temporary:
        _save(state, temporary)
    _flush_folder(best.parent)


def has_checkpoint(run: Path) -> bool:
    """Whether a run can be resumed from this folder."""
    return any((run / FOLDER / name).exists() for name in (LAST, PREVIOUS))


def read_latest(run: Path) -> tuple[dict[str, Any], Path]:
    """The newest state that isn't damaged, and its file; a damaged one is passed over with a warning.

    Raises:
        CheckpointError: there is none.
    """
    damaged = []
    for name in (LAST, PREVIOUS):
        path = run / FOLDER / name
        if path.exists():
            try:
                state = read_checkpoint(path)
            except CheckpointError as error:
                damaged.append(str(error))
            else:
                if damaged:
                    warnings.warn(f"{'; '.join(damaged)}; going on from {path.name}", stacklevel=2)
                return state, path
    found = "; ".join(damaged) or "no checkpoint is there"
    raise CheckpointError(f"{run}: nothing to resume from: {found}; start anew without --resume in another folder")


def read_checkpoint(path: Path) -> dict[str, Any]:
    """A checkpoint's content; only tensors and plain values are read, never code.

    Raises:
        CheckpointError: it is missing, cut short, altered, or holds anything else.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            altered = archive.testzip()
        if altered is not None:
            raise CheckpointError(f"{path} is damaged: the checksum of {altered} is wrong", code="damaged")
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, zipfile.BadZipFile, pickle.UnpicklingError, RuntimeError, EOFError, KeyError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CheckpointError(f"{path} can't be read: {reason}", code="damaged") from error
    if not isinstance(content, dict):
        raise CheckpointError(f"{path} is no checkpoint: it holds {type(content).__name__}", code="damaged")
    return content


def _save(state: Mapping[str, Any], path: Path) -> None:
    try:
        torch.save(dict(state), path)
    except RuntimeError as error:  # what PyTorch makes of a full disk
        raise OSError(str(error).splitlines()[0]) from error


def _flush_folder(folder: Path) -> None:
    """Bring renames to the disk, where the system can."""
    if hasattr(os, "O_DIRECTORY"):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
