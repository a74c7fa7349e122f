"""Unfinished work is kept without being asked, and offered again after a crash."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from deepstroke.errors import DeepStrokeError
from deepstroke.resources import user_folder
from deepstroke.volume import LabelMap
from DeepStrokeAtlasRefineLib.drafts import DESCRIPTION, DraftTexts, read_description, save_draft
from DeepStrokeSlicerLib.child import is_running

#: How often changed regions are written.
INTERVAL_SECONDS = 60
#: A copy that its owner didn't touch for so long is abandoned, whatever process has its number now.
_ABANDONED_SECONDS = 10 * INTERVAL_SECONDS
#: In place of a process's number: its owner ended in order.
_LEFT = "left"


@dataclass(frozen=True)
class Unfinished:
    """Work that another run of Slicer left.

    Attributes:
        folder: the draft.
        saved: when, ISO 8601.
        texts: what belongs to it.
    """

    folder: Path
    saved: str
    texts: DraftTexts


class Autosave:
    """The copy of one session.

    Args:
        root: folder of all copies; the user's own if not given.
    """

    def __init__(self, root: Path | None = None) -> None:
        self._root = root or autosave_root()
        self.folder = self._root / f"{os.getpid()}-{time.time_ns()}"

    def write(self, layers: Sequence[LabelMap], texts: DraftTexts) -> None:
        """Write the copy anew."""
        save_draft(self.folder, layers, texts)

    def touch(self) -> None:
        """Say that its owner is still there."""
        description = self.folder / DESCRIPTION
        if description.is_file():
            os.utime(description)

    def leave(self) -> None:
        """End without keeping the work elsewhere: it is offered again at once."""
        if self.folder.is_dir():
            self.folder = self.folder.rename(self._root / f"{_LEFT}-{time.time_ns()}")

    def remove(self) -> None:
        """The work is kept elsewhere, or not wanted."""
        shutil.rmtree(self.folder, ignore_errors=True)


def autosave_root() -> Path:
    """Where copies lie."""
    return user_folder() / "drafts" / "unfinished"


def unfinished(root: Path | None = None) -> list[Unfinished]:
    """Copies whose owner ended without removing them, the latest first."""
    root = root or autosave_root()
    found = []
    for folder in root.iterdir() if root.is_dir() else ():
        if not _is_abandoned(folder):
            continue
        try:
            content = read_description(folder)
        except DeepStrokeError:  # Nothing was written before the crash, or something else lies there.
            continue
        found.append(Unfinished(folder, str(content["saved"]), DraftTexts(**content["texts"])))
    return sorted(found, key=lambda work: work.saved, reverse=True)


def _is_abandoned(folder: Path) -> bool:
    owner = folder.name.partition("-")[0]
    description = folder / DESCRIPTION
    if not description.is_file() or not (owner.isdigit() or owner == _LEFT):
        return False
    if owner == _LEFT:
        return True
    silent = time.time() - description.stat().st_mtime
    return silent > _ABANDONED_SECONDS or (int(owner) != os.getpid() and not is_running(int(owner)))
