"""A found infarct's files into a folder that the reader chooses."""

from __future__ import annotations

import shutil
from pathlib import Path

from slicer.i18n import tr as _

from deepstroke.errors import InputError
from DeepStrokeASPECTSLib.infarct_result import FIGURES


def save_results(run: Path, folder: Path) -> int:
    """Copy all files of a run.

    Args:
        run: the folder that it wrote.
        folder: made where it is absent; it must hold no results yet, so that no two patients ever mix.

    Returns:
        How many files were written.

    Raises:
        InputError: results lie there already, the run's files are gone, or the disk refuses.
    """
    if any((folder / name).exists() for name in (FIGURES, "report.json", "report.html")):
        text = _("{folder} holds results already; choose another folder.")
        raise InputError(text.format(folder=folder), code="not-empty")
    try:
        shutil.copytree(run, folder, dirs_exist_ok=True)
    except (OSError, shutil.Error) as error:
        raise InputError(f"{folder} can't be written: {error}", code="write") from error
    return sum(1 for path in run.rglob("*") if path.is_file())
