"""The part of the panel that segments a folder of scans."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

import slicer
from deepstroke.errors import DeepStrokeError, InputError
from DeepStrokeASPECTSLib.batch import TABLE, Batch, find_cases
from DeepStrokeASPECTSLib.parameters import Parameters
from DeepStrokeSlicerLib.jobs import JobProgress
from DeepStrokeSlicerLib.timers import Repeater


class BatchPanel:
    """Joins the widgets of the section Batch with a batch.

    Args:
        ui: the panel's widgets.
        parameters: the choices of method, engine and device, which the batch takes too.
        may_begin: asked before a batch; False when something must be installed first.
    """

    def __init__(self, ui: Any, parameters: Callable[[], Parameters | None], may_begin: Callable[[], bool]) -> None:
        self._ui, self._parameters, self._may_begin = ui, parameters, may_begin
        self._batch: Batch | None = None
        self._repeater: Repeater | None = None
        ui.batchButton.connect("clicked(bool)", self._begin)
        ui.batchCancelButton.connect("clicked(bool)", self.cancel)

    @property
    def busy(self) -> bool:
        """Whether a batch is under way."""
        return self._batch is not None

    def _begin(self, *_args: object) -> None:
        chosen = self._parameters()
        if self.busy or chosen is None or not self._may_begin():
            return
        options = ["--method", chosen.method.value, "--engine", chosen.engine.value, "--device", chosen.device.value]
        try:
            scans, results = self._folders()
            self._batch = Batch(find_cases(scans), results, options, self._show_progress)
        except DeepStrokeError as error:
            slicer.util.errorDisplay(str(error))
            return
        self._repeater = Repeater(self._look, self._fail)
        self._enable()

    def _folders(self) -> tuple[Path, Path]:
        scans, results = self._ui.batchInput.currentPath, self._ui.batchOutput.currentPath
        if not scans or not results:
            raise InputError(_("Choose the folder of the scans and one for the results."), code="missing-folder")
        return Path(scans), Path(results)

    def _look(self) -> bool:
        assert self._batch is not None
        if self._batch.poll():
            return True
        self._end(JobProgress(100, _("done: see {table} in the results").format(table=TABLE)))
        return False

    def cancel(self, *_args: object) -> None:
        """End the case that is being done."""
        if self._batch is not None:
            self._batch.cancel()
            self._end(JobProgress(0, _("stopped; the batch goes on where it was")))

    def _fail(self, error: Exception) -> None:
        if self._batch is not None:
            self._batch.cancel()
        self._end(JobProgress(0, _("failed")))
        slicer.util.errorDisplay(str(error))

    def _end(self, progress: JobProgress) -> None:
        if self._repeater is not None:
            self._repeater.stop()
        self._batch = self._repeater = None
        self._show_progress(progress)
        self._enable()

    def _enable(self) -> None:
        self._ui.batchButton.enabled = not self.busy
        self._ui.batchCancelButton.enabled = self.busy

    def _show_progress(self, progress: JobProgress) -> None:
        self._ui.batchProgressBar.value = progress.percent
        self._ui.batchLabel.text = progress.text
