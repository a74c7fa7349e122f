"""The part of the panel that takes a result out of Slicer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import qt
from slicer.i18n import tr as _

import slicer
from deepstroke.errors import DeepStrokeError
from DeepStrokeASPECTSLib.export import DICOM_FILES, NIFTI_FILES, REPORT_FILES, export_files, export_to_database
from DeepStrokeASPECTSLib.review import Review


class ExportPanel:
    """Joins the widgets of the section Export with the shown result.

    Args:
        ui: the panel's widgets.
        current: the result that is shown; None without one.
    """

    def __init__(self, ui: Any, current: Callable[[], Review | None]) -> None:
        self._ui, self._current = ui, current
        ui.exportButton.connect("clicked(bool)", self._export)
        ui.databaseButton.connect("clicked(bool)", self._export_to_database)
        ui.reportButton.connect("clicked(bool)", self._open_report)
        ui.exportFolder.connect("currentPathChanged(QString)", lambda *_: self.refresh())

    def refresh(self) -> None:
        """Enable what can be done now."""
        review = self._current()
        there = review is not None and review.result.folder.is_dir()
        self._ui.exportButton.enabled = there and bool(self._ui.exportFolder.currentPath)
        self._ui.databaseButton.enabled = there and any((review.result.folder / n).is_file() for n in DICOM_FILES)
        self._ui.reportButton.enabled = there and (review.result.folder / "report.html").is_file()

    def _names(self) -> tuple[str, ...]:
        choices = (
            (self._ui.exportDicomCheckBox, DICOM_FILES),
            (self._ui.exportNiftiCheckBox, NIFTI_FILES),
            (self._ui.exportReportCheckBox, REPORT_FILES),
        )
        return tuple(name for box, names in choices if box.checked for name in names)

    def _export(self, *_args: object) -> None:
        review = self._current()
        if review is None:
            return
        try:
            folder = Path(self._ui.exportFolder.currentPath)
            written = export_files(review, folder, self._names())
        except DeepStrokeError as error:
            slicer.util.errorDisplay(str(error))
            return
        self._ui.exportLabel.text = _("{count} files written to {folder}").format(count=len(written), folder=folder)

    def _export_to_database(self, *_args: object) -> None:
        review = self._current()
        if review is None:
            return
        try:
            count = export_to_database(review, getattr(slicer, "dicomDatabase", None))
        except DeepStrokeError as error:
            slicer.util.errorDisplay(str(error))
            return
        self._ui.exportLabel.text = _("{count} objects are in the DICOM database").format(count=count)

    def _open_report(self, *_args: object) -> None:
        review = self._current()
        if review is not None:
            path = review.result.folder / "report.html"
            qt.QDesktopServices.openUrl(qt.QUrl("file:///" + str(path), qt.QUrl.TolerantMode))
