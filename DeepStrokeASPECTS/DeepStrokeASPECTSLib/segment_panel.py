"""The part of the panel where a scan is chosen and segmented: check line, choices, progress, Cancel."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from slicer.i18n import tr as _

import slicer
from deepstroke.errors import DeepStrokeError
from deepstroke.volume import Volume
from DeepStrokeASPECTSLib.parameters import Parameters
from DeepStrokeASPECTSLib.run import Run, RunResult
from DeepStrokeASPECTSLib.scan_check import ScanCheck, SliceFacts, check_scan
from DeepStrokeSlicerLib.jobs import JobProgress, JobState
from DeepStrokeSlicerLib.nodes import affine_of, array_of_image
from DeepStrokeSlicerLib.requirements import has_nvidia_driver
from DeepStrokeSlicerLib.sources import DicomSource, find_source
from DeepStrokeSlicerLib.timers import Repeater, Stepwise


@dataclass(frozen=True)
class ChosenScan:
    """A scan that was checked and can be read.

    Attributes:
        volume: the volume node.
        source: its DICOM files; None where they aren't at hand.
    """

    volume: Any
    source: DicomSource | None


class SegmentPanel:
    """Joins the widgets of the sections Scan and Segmentation with runs.

    Args:
        ui: the panel's widgets.
        on_result: called with the result of each run that ended well, and the run, whose files are the caller's to
            discard.
        may_begin: asked before a run; False when something must be installed first.
        on_checked: called when another scan can be read, or none any more.
    """

    def __init__(
        self,
        ui: Any,
        on_result: Callable[[RunResult, Run], None],
        may_begin: Callable[[], bool],
        on_checked: Callable[[], None] = lambda: None,
    ) -> None:
        self._ui, self._on_result, self._may_begin, self._on_checked = ui, on_result, may_begin, on_checked
        self._parameters: Parameters | None = None
        self._run: Run | None = None
        self._repeater: Repeater | None = None
        self._loading: Stepwise[RunResult] | None = None
        self._searching: Stepwise[DicomSource | None] | None = None
        self._source: DicomSource | None = None
        self._check: ScanCheck | None = None
        self._checked_volume: str | None = None
        ui.segmentButton.connect("clicked(bool)", self.segment)
        ui.cancelButton.connect("clicked(bool)", self.cancel)
        ui.deviceFoundLabel.text = device_found()

    @property
    def busy(self) -> bool:
        """Whether a run is under way."""
        return self._run is not None

    @property
    def chosen(self) -> ChosenScan | None:
        """The scan to work on; None unless one was checked and nothing stands against it."""
        volume = self._parameters.inputVolume if self._parameters is not None else None
        if volume is None or self._check is None or self._check.obstacle is not None:
            return None
        return ChosenScan(volume, self._source)

    def follow(self, parameters: Parameters | None) -> None:
        """Show the state of the given parameters; None while the scene is closed."""
        self._parameters = parameters
        self.refresh()

    def refresh(self) -> None:
        """Check the volume anew if another one was chosen, and enable what can be done."""
        volume = self._parameters.inputVolume if self._parameters is not None else None
        identity = None if volume is None else volume.GetID()
        if identity != self._checked_volume:
            self._checked_volume = identity
            self._begin_check(volume)
        self._enable()

    def _begin_check(self, volume: Any) -> None:
        if self._searching is not None:
            self._searching.stop()
        self._source, self._check, self._searching = None, None, None
        self._ui.checkLabel.text = "" if volume is None else _("Looking at the scan ...")
        if volume is not None:
            self._searching = Stepwise(find_source(volume), self._show_check, self._show_check_error)

    def _show_check(self, source: DicomSource | None) -> None:
        self._searching = None
        self._source = source
        volume = self._parameters.inputVolume if self._parameters is not None else None
        if volume is None:
            return
        try:
            looked_at = Volume(array_of_image(volume.GetImageData()), affine_of(volume))
            self._check = check_scan(looked_at, _facts(source))
        except DeepStrokeError as error:
            self._check = ScanCheck(str(error), obstacle=str(error))
        self._ui.checkLabel.text = _check_text(self._check)
        self._enable()

    def _show_check_error(self, error: Exception) -> None:
        self._searching = None
        self._check = ScanCheck(str(error), obstacle=str(error))
        self._ui.checkLabel.text = _check_text(self._check)
        self._enable()

    def _enable(self) -> None:
        obstacle = _("Choose a head CT") if self._check is None else self._check.obstacle
        self._ui.segmentButton.enabled = obstacle is None and not self.busy
        self._ui.segmentButton.toolTip = obstacle or _("Find the ten ASPECTS regions of each hemisphere")
        self._ui.cancelButton.enabled = self.busy
        chosen = (self._ui.inputSelector, self._ui.methodComboBox, self._ui.engineComboBox, self._ui.deviceComboBox)
        for widget in chosen:
            widget.enabled = not self.busy
        self._on_checked()

    def segment(self, *_args: object) -> None:
        """Begin a run on the chosen volume."""
        if self.busy or self._parameters is None or not self._may_begin():
            return
        chosen = self._parameters
        try:
            self._run = Run(
                chosen.inputVolume, self._source, chosen.method, chosen.engine, chosen.device, self._show_progress
            )
        except DeepStrokeError as error:
            self._fail(error)
            return
        self._show_progress(JobProgress(0, _("starting")))
        self._repeater = Repeater(self._look, self._fail)
        self._enable()

    def cancel(self, *_args: object) -> None:
        """End the run, its child processes and its files."""
        run, self._run = self._run, None
        if self._repeater is not None:
            self._repeater.stop()
        if self._loading is not None:
            self._loading.stop()
        self._repeater = self._loading = None
        if run is not None:
            run.cancel()
            self._show_progress(JobProgress(0, _("cancelled")))
        self._enable()

    def _look(self) -> bool:
        assert self._run is not None
        state = self._run.poll()
        if state is JobState.RUNNING:
            return True
        if state is JobState.FAILED:
            self._fail(self._run.failure())
        else:
            self._show_progress(JobProgress(100, _("showing the regions")))
            self._loading = Stepwise(self._run.load(), self._finish, self._fail)
        return False

    def _finish(self, result: RunResult) -> None:
        run = self._run
        assert run is not None
        self._run = self._repeater = self._loading = None
        self._show_progress(JobProgress(100, _("done on {device}").format(device=result.reading.device)))
        self._enable()
        self._on_result(result, run)

    def _fail(self, error: Exception) -> None:
        run, self._run = self._run, None
        self._repeater = self._loading = None
        if run is not None:
            run.discard()
        self._show_progress(JobProgress(0, _("failed")))
        self._enable()
        slicer.util.errorDisplay(_("The scan was not segmented.\n\n{cause}").format(cause=error))

    def _show_progress(self, progress: JobProgress) -> None:
        self._ui.progressBar.value = progress.percent
        self._ui.stageLabel.text = progress.text

    def close(self) -> None:
        """Leave nothing behind."""
        self.cancel()
        if self._searching is not None:
            self._searching.stop()
        self._searching = None
        self._checked_volume = None


def _facts(source: DicomSource | None) -> SliceFacts:
    if source is None:
        return SliceFacts()
    first = source.slices[0]
    return SliceFacts(first.modality, first.contrast, first.thickness_mm, source.steps_mm, source.tilt_deg)


def _check_text(check: ScanCheck) -> str:
    lines = [check.facts, *check.warnings]
    if check.obstacle is not None and check.obstacle != check.facts:
        lines.insert(1, check.obstacle)
    return "\n".join(lines)


def device_found() -> str:
    """What Automatic would take, without importing PyTorch into Slicer."""
    try:
        version = importlib.metadata.version("torch")
    except importlib.metadata.PackageNotFoundError:
        return _("PyTorch is not installed yet: see Installation.")
    driver = has_nvidia_driver()
    if driver and version.endswith("+cpu"):
        return _("An NVIDIA driver is here, but PyTorch {version} is a CPU build: the CPU does the work.").format(
            version=version
        )
    if driver:
        return _("PyTorch {version} and an NVIDIA driver: the GPU does the work if its memory suffices.").format(
            version=version
        )
    return _("PyTorch {version}, no NVIDIA driver: the CPU does the work.").format(version=version)
