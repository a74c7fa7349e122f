"""The part of the panel that finds an infarct by a research model, and shows its maps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import qt
from slicer.i18n import tr as _

import slicer
from deepstroke.errors import DeepStrokeError
from DeepStrokeASPECTSLib import map_display, views
from DeepStrokeASPECTSLib.infarct_files import save_results
from DeepStrokeASPECTSLib.infarct_models import infarct_models, model_obstacle
from DeepStrokeASPECTSLib.infarct_result import FIGURES, InfarctResult, load_infarct
from DeepStrokeASPECTSLib.infarct_run import InfarctRun
from DeepStrokeASPECTSLib.parameters import Parameters
from DeepStrokeASPECTSLib.segment_panel import ChosenScan
from DeepStrokeSlicerLib.jobs import JobProgress, JobState
from DeepStrokeSlicerLib.timers import Repeater, Stepwise


class InfarctPanel:
    """Joins the widgets of the section Infarct (ADN) with a run, or with the folder of an earlier one.

    Args:
        ui: the panel's widgets.
        chosen: the scan that the panel looks at; None where there is none that can be read.
        parameters: the choice of the device.
        may_begin: asked before a run; False when something must be installed first.
    """

    def __init__(
        self,
        ui: Any,
        chosen: Callable[[], ChosenScan | None],
        parameters: Callable[[], Parameters | None],
        may_begin: Callable[[], bool],
    ) -> None:
        self._ui, self._chosen, self._parameters, self._may_begin = ui, chosen, parameters, may_begin
        self.result: InfarctResult | None = None
        self._run: InfarctRun | None = None
        self._shown_run: InfarctRun | None = None
        self._repeater: Repeater | None = None
        self._loading: Stepwise[InfarctResult] | None = None
        for path in infarct_models()[:1]:
            ui.infarctModel.currentPath = str(path)
        ui.infarctModel.connect("currentPathChanged(QString)", lambda *_: self.refresh())
        ui.infarctFolder.connect("currentPathChanged(QString)", lambda *_: self.refresh())
        ui.infarctButton.connect("clicked(bool)", self._find)
        ui.infarctCancelButton.connect("clicked(bool)", lambda *_: self.cancel())
        ui.infarctShowButton.connect("clicked(bool)", self._show_folder)
        ui.infarctSaveButton.connect("clicked(bool)", self._save)
        ui.infarctReportButton.connect("clicked(bool)", self._open_report)
        ui.infarctMapComboBox.connect("currentIndexChanged(int)", self._choose_map)
        self.refresh()

    @property
    def busy(self) -> bool:
        """Whether an infarct is being looked for, or loaded."""
        return self._run is not None or self._loading is not None

    def refresh(self) -> None:
        """Enable what can be done now, and say why the rest can't."""
        ui, folder = self._ui, self._folder()
        obstacle = model_obstacle(self._model())
        ui.infarctModelNote.text = obstacle or ""
        ui.infarctModelNote.visible = obstacle is not None
        if obstacle is None and self._chosen() is None:
            obstacle = _("Choose a head CT that can be read")
        ui.infarctButton.enabled = obstacle is None and not self.busy
        ui.infarctButton.toolTip = obstacle or _("Look for an infarct by the model, in a process of its own")
        ui.infarctCancelButton.enabled = self.busy
        ui.infarctModel.enabled = ui.infarctFolder.enabled = not self.busy
        ui.infarctShowButton.enabled = not self.busy and folder is not None and (folder / FIGURES).is_file()
        there = self.result is not None and self.result.folder.is_dir()
        ui.infarctSaveButton.enabled = not self.busy and there and folder is not None and folder != self.result.folder
        ui.infarctReportButton.enabled = there and (self.result.folder / "report.html").is_file()
        ui.infarctMapComboBox.enabled = self.result is not None

    def _model(self) -> Path | None:
        return Path(self._ui.infarctModel.currentPath) if self._ui.infarctModel.currentPath else None

    def _folder(self) -> Path | None:
        return Path(self._ui.infarctFolder.currentPath) if self._ui.infarctFolder.currentPath else None

    def _find(self, *_args: object) -> None:
        scan, chosen, model = self._chosen(), self._parameters(), self._model()
        if self.busy or scan is None or chosen is None or model is None or not self._may_begin():
            return
        try:
            self._run = InfarctRun(scan.volume, scan.source, model, chosen.device, self._show_progress)
        except DeepStrokeError as error:
            self._fail(error)
            return
        self._repeater = Repeater(self._look, self._fail)
        self._show_progress(JobProgress(0, _("starting")))
        self.refresh()

    def _look(self) -> bool:
        assert self._run is not None
        state = self._run.poll()
        if state is JobState.RUNNING:
            return True
        if state is JobState.FAILED:
            raise self._run.failure()
        self._show_progress(JobProgress(100, _("showing the maps")))
        self._loading = Stepwise(self._run.load(), self._finish, self._fail)
        return False

    def _show_folder(self, *_args: object) -> None:
        folder = self._folder()
        if folder is not None and not self.busy:
            self._loading = Stepwise(load_infarct(folder), self._finish, self._fail)
            self.refresh()

    def _finish(self, result: InfarctResult) -> None:
        run, self._run = self._run, None
        self._repeater = self._loading = None
        self._forget()
        self.result, self._shown_run = result, run
        self._offer_maps(result)
        _show_scan(result)
        self._show_progress(JobProgress(100, _words(result)))
        self.refresh()

    def _offer_maps(self, result: InfarctResult) -> None:
        box = self._ui.infarctMapComboBox
        box.addItem(_("none"), "")
        for name in result.maps:
            box.addItem(map_display.title_of(name), name)

    def _choose_map(self, index: int) -> None:
        name = self._ui.infarctMapComboBox.itemData(index) if index >= 0 else None
        if self.result is None or name is None:
            return
        node = self.result.maps.get(name)
        if node is not None and slicer.mrmlScene.IsNodePresent(node):
            map_display.show_over(node, name)
        else:
            views.show_nothing_over()

    def _save(self, *_args: object) -> None:
        folder = self._folder()
        if self.result is None or folder is None:
            return
        try:
            count = save_results(self.result.folder, folder)
        except DeepStrokeError as error:
            slicer.util.errorDisplay(str(error))
            return
        self._ui.infarctLabel.text = _("{count} files written to {folder}").format(count=count, folder=folder)
        self.refresh()

    def _open_report(self, *_args: object) -> None:
        if self.result is not None:
            path = self.result.folder / "report.html"
            qt.QDesktopServices.openUrl(qt.QUrl("file:///" + str(path), qt.QUrl.TolerantMode))

    def _show_progress(self, progress: JobProgress) -> None:
        self._ui.infarctProgressBar.value = progress.percent
        self._ui.infarctLabel.text = progress.text

    def _fail(self, error: Exception) -> None:
        self._end()
        self._show_progress(JobProgress(0, _("failed")))
        self.refresh()
        slicer.util.errorDisplay(_("The infarct can't be shown.\n\n{cause}").format(cause=error))

    def cancel(self) -> None:
        """End the run and all that it started, or the loading."""
        was_busy = self.busy
        self._end()
        if was_busy:
            self._show_progress(JobProgress(0, _("cancelled")))
        self.refresh()

    def _end(self) -> None:
        for work in (self._repeater, self._loading):
            if work is not None:
                work.stop()
        run, self._run = self._run, None
        self._repeater = self._loading = None
        if run is not None:
            run.cancel()

    def _forget(self) -> None:
        """Show no result any more and remove a run's own files; nodes stay in the scene."""
        self.result = None
        self._ui.infarctMapComboBox.clear()
        if self._shown_run is not None:
            self._shown_run.discard()
            self._shown_run = None

    def close(self) -> None:
        """Leave nothing behind."""
        self._end()
        self._forget()
        self._show_progress(JobProgress(0, ""))
        self.refresh()


def _show_scan(result: InfarctResult) -> None:
    """The infarct's outline over the scan, in the slice that shows most of it."""
    if not views.is_background(result.volume):
        views.show_background(result.volume)
    views.stroke_window(result.volume)
    views.show_regions(result.segmentation, filled=False)
    if result.best_slice is not None:
        views.jump_to_slice(result.volume, result.best_slice)


def _words(result: InfarctResult) -> str:
    figures = result.figures
    sides = ""
    if figures.left_ml is not None and figures.right_ml is not None:
        text = _(" (left {left:.1f} ml, right {right:.1f} ml)")
        sides = text.format(left=figures.left_ml, right=figures.right_ml)
    text = _("Infarct: {ml:.1f} ml{sides} by {name}, a research model that no one validated.")
    return text.format(ml=figures.total_ml, sides=sides, name=figures.model)
