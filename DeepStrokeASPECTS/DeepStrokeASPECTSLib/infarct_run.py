"""One run that looks for an infarct by a research model."""

from __future__ import annotations

from collections.abc import Callable, Generator
from functools import partial
from pathlib import Path
from typing import Any

from DeepStrokeASPECTSLib.handover import infarct_arguments
from DeepStrokeASPECTSLib.infarct_result import InfarctResult, load_infarct
from DeepStrokeASPECTSLib.parameters import Device
from DeepStrokeASPECTSLib.scan_job import ScanJob
from DeepStrokeSlicerLib.jobs import JobProgress
from DeepStrokeSlicerLib.sources import DicomSource


class InfarctRun(ScanJob):
    """A run that looks for an infarct.

    Args:
        volume: the volume node.
        source: its DICOM files, where they are at hand.
        model: the file of weights.
        device: the panel's choice.
        on_progress: told the child's progress.

    Raises:
        GeometryError, InputError: as `ScanJob`.
    """

    def __init__(
        self,
        volume: Any,
        source: DicomSource | None,
        model: Path,
        device: Device = Device.AUTOMATIC,
        on_progress: Callable[[JobProgress], None] | None = None,
    ) -> None:
        super().__init__(volume, source, partial(infarct_arguments, model=model, device=device), on_progress)

    def load(self) -> Generator[object, None, InfarctResult]:
        """Bring the result into the scene, in small portions. See `load_infarct`."""
        result = yield from load_infarct(self.output, self._volume, self._source)
        self._drop_input()
        return result
