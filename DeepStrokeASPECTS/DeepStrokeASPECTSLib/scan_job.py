"""One run of `deepstroke segment` on a volume node: its folder, its child process, and their end."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import slicer
from DeepStrokeASPECTSLib.handover import hand_over
from DeepStrokeSlicerLib.jobs import Job, JobProgress, JobState
from DeepStrokeSlicerLib.sources import DicomSource

#: The words for `deepstroke`, of the input's path and the folder of the results.
Command = Callable[[Path, Path], list[str]]


class ScanJob:
    """A child process that works on a volume, in a folder of its own.

    Args:
        volume: the volume node.
        source: its DICOM files, where they are at hand.
        command: what the child is to do.
        on_progress: told the child's progress.

    Raises:
        GeometryError: the volume stands under a warping transform and has no DICOM files.
        InputError: the volume is empty, or the disk refuses.
    """

    def __init__(
        self,
        volume: Any,
        source: DicomSource | None,
        command: Command,
        on_progress: Callable[[JobProgress], None] | None = None,
    ) -> None:
        self._volume, self._source = volume, source
        self._folder = Path(tempfile.mkdtemp(prefix="deepstroke-run-", dir=slicer.app.temporaryPath))
        try:
            (self._folder / "input").mkdir()
            path = hand_over(volume, source, self._folder / "input")
            self._job = Job(command(path, self.output), on_progress)
        except BaseException:
            self.discard()
            raise

    @property
    def output(self) -> Path:
        """Where the child writes."""
        return self._folder / "result"

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._job.pid

    def poll(self) -> JobState:
        """Whether the child still works; its progress is told on the way."""
        return self._job.poll()

    def cancel(self) -> None:
        """End the child and all that it started, and remove the folder."""
        self._job.cancel()
        self.discard()

    def discard(self) -> None:
        """Remove the run's own files, which lie in a folder that it has made itself."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def failure(self) -> Exception:
        """Why the child failed, in its own words."""
        return self._job.failure()

    def _drop_input(self) -> None:
        shutil.rmtree(self._folder / "input", ignore_errors=True)
