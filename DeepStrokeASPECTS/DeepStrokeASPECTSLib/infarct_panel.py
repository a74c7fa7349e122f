"""The part of the panel that finds the infarct by a research model, where one is installed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

import slicer
from deepstroke.errors import DeepStrokeError, InputError
from deepstroke.resources import resources_folder, user_folder
from DeepStrokeASPECTSLib.parameters import Parameters
from DeepStrokeASPECTSLib.run import RunResult
from DeepStrokeSlicerLib.jobs import Job, JobProgress, JobState
from DeepStrokeSlicerLib.timers import Repeater

#: The kind of network that finds infarcts, as its manifest calls it.
KIND = "adn"
#: Where its files lie in a run's folder.
FOLDER = "infarct"


def infarct_models() -> list[str]:
    """Names of the installed weights that find infarcts, the shipped ones first."""
    found = []
    for folder in (resources_folder() / "Models", user_folder() / "models"):
        for path in sorted(folder.glob("*.json")):
            if path.with_suffix(".safetensors").is_file() and _kind(path) == KIND:
                found.append(path.stem)
    return found


def _kind(manifest: Path) -> str | None:
    try:
        return str(json.loads(manifest.read_text(encoding="utf-8"))["network"]["name"])
    except (OSError, ValueError, KeyError, TypeError):  # `deepstroke doctor` names damaged ones.
        return None


class InfarctPanel:
    """Joins the widgets below the overlays with a child process that looks for the infarct.

    Args:
        ui: the panel's widgets.
        parameters: the choice of the device.
        on_found: called with the result whose folder holds the infarct's files now.
    """

    def __init__(self, ui: Any, parameters: Callable[[], Parameters | None], on_found: Callable[[], None]) -> None:
        self._ui, self._parameters, self._on_found = ui, parameters, on_found
        self._result: RunResult | None = None
        self._job: Job | None = None
        self._repeater: Repeater | None = None
        ui.infarctButton.connect("clicked(bool)", self._click)
        self.show(None)

    @property
    def busy(self) -> bool:
        """Whether the infarct is being looked for."""
        return self._job is not None

    def show(self, result: RunResult | None) -> None:
        """Look at a result's scan from now on, or at none."""
        self.cancel()
        self._result = result
        box = self._ui.infarctComboBox
        box.clear()
        for name in infarct_models() if result is not None else ():
            box.addItem(name)
        self._ui.infarctLabel.text = ""
        for widget in (self._ui.infarctModelLabel, box, self._ui.infarctButton, self._ui.infarctLabel):
            widget.visible = box.count > 0  # Without a model there is nothing to ask.
        self._enable()

    def cancel(self) -> None:
        """End the child and all that it started."""
        if self._repeater is not None:
            self._repeater.stop()
        if self._job is not None:
            self._job.cancel()
            self._ui.infarctLabel.text = _("cancelled")
        self._job = self._repeater = None
        self._enable()

    def _enable(self) -> None:
        self._ui.infarctButton.text = _("Cancel") if self.busy else _("Find infarct")
        self._ui.infarctComboBox.enabled = not self.busy

    def _click(self, *_args: object) -> None:
        result, chosen = self._result, self._parameters()
        if self.busy or result is None or chosen is None:
            self.cancel()
            return
        words = ["segment", str(result.folder / "ct.nii.gz"), "--output", str(result.folder / FOLDER)]
        words += ["--model", self._ui.infarctComboBox.currentText, "--device", chosen.device.value]
        try:
            self._job = Job(words, self._show_progress)
        except DeepStrokeError as error:
            self._fail(error)
            return
        self._repeater = Repeater(self._look, self._fail)
        self._show_progress(JobProgress(0, _("starting")))
        self._enable()

    def _show_progress(self, progress: JobProgress) -> None:
        self._ui.infarctLabel.text = f"{progress.percent} %: {progress.text}"

    def _look(self) -> bool:
        assert self._job is not None
        state = self._job.poll()
        if state is JobState.RUNNING:
            return True
        if state is JobState.FAILED:
            raise self._job.failure()
        self._job = self._repeater = None
        self._ui.infarctLabel.text = self._words()
        self._enable()
        self._on_found()
        return False

    def _words(self) -> str:
        assert self._result is not None
        path = self._result.folder / FOLDER / "infarct.json"
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            volume_ml, name = float(content["infarct_ml"]), str(content["weights"]["name"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path} is missing or damaged ({error})", code="no-report") from error
        text = _("Infarct: {ml:.1f} ml by {name}, a research model that no one validated. Show it under Overlay.")
        return text.format(ml=volume_ml, name=name)

    def _fail(self, error: Exception) -> None:
        self._job = self._repeater = None
        self._ui.infarctLabel.text = _("failed")
        self._enable()
        slicer.util.errorDisplay(_("The infarct was not looked for.\n\n{cause}").format(cause=error))
