"""The part of the panel that installs what the library needs, after one question, and checks the installation."""

from __future__ import annotations

from pathlib import Path
from subprocess import CalledProcessError
from typing import Any

from slicer.i18n import tr as _

import slicer
from deepstroke.errors import DeepStrokeError
from DeepStrokeSlicerLib.jobs import Job, JobState
from DeepStrokeSlicerLib.requirements import (
    Missing,
    Processor,
    has_nvidia_driver,
    install,
    load_requirements,
    missing_packages,
    require_python,
    size_mb,
)
from DeepStrokeSlicerLib.timers import Repeater


class InstallPanel:
    """Joins the widgets of the section Installation with Slicer's pip and `deepstroke doctor`.

    Args:
        ui: the panel's widgets.
        requirements: the module's requirements.txt.
    """

    def __init__(self, ui: Any, requirements: Path) -> None:
        self._ui, self._requirements = ui, load_requirements(requirements)
        self._doctor: Job | None = None
        self._repeater: Repeater | None = None
        ui.installButton.connect("clicked(bool)", lambda *_: self.ensure())
        ui.checkButton.connect("clicked(bool)", self.check)
        self.refresh()

    def refresh(self) -> None:
        """Say what is missing."""
        missing = missing_packages(self._requirements)
        self._ui.installButton.enabled = bool(missing)
        self._ui.installLabel.text = _("Everything that is needed is installed.") if not missing else _summary(missing)

    def ensure(self) -> bool:
        """Install what is missing, after the user's consent; whether nothing is missing now."""
        missing = missing_packages(self._requirements)
        if not missing:
            return True
        processor: Processor = "cpu" if self._ui.cpuCheckBox.checked else "auto"
        wheelhouse = Path(self._ui.wheelhouse.currentPath) if self._ui.wheelhouse.currentPath else None
        try:
            require_python()
            if not slicer.util.confirmOkCancelDisplay(question(missing, processor, wheelhouse)):
                return False
            install(missing, processor, wheelhouse)
        except (DeepStrokeError, CalledProcessError, RuntimeError, ImportError) as error:
            slicer.util.errorDisplay(_("The installation failed.\n\n{cause}").format(cause=error))
            return False
        finally:
            self.refresh()
        return not missing_packages(self._requirements)

    def check(self, *_args: object) -> None:
        """Run `deepstroke doctor` in a child process and show what it finds, with the remedies."""
        self.close()
        try:
            self._doctor = Job(["doctor"])
        except DeepStrokeError as error:
            self._ui.doctorText.plainText = str(error)
            return
        self._ui.checkButton.enabled = False
        self._ui.doctorText.plainText = _("Looking ...")
        self._repeater = Repeater(self._look, self._show_error)

    def _look(self) -> bool:
        assert self._doctor is not None
        state = self._doctor.poll()
        if state is JobState.RUNNING:
            return True
        # Exit status 1 means that the doctor found something missing, and said so.
        text = self._doctor.output or str(self._doctor.failure())
        self._ui.doctorText.plainText = text
        self._ui.checkButton.enabled = True
        self._doctor = None
        return False

    def _show_error(self, error: Exception) -> None:
        self._ui.doctorText.plainText = str(error)
        self._ui.checkButton.enabled = True

    def close(self) -> None:
        """End a check that is under way."""
        if self._repeater is not None:
            self._repeater.stop()
        if self._doctor is not None:
            self._doctor.cancel()
        self._repeater = self._doctor = None


def _summary(missing: list[Missing]) -> str:
    return _("Missing: {names}").format(names=", ".join(package.name for package in missing))


def question(missing: list[Missing], processor: Processor, wheelhouse: Path | None) -> str:
    """What the one dialog before an installation says."""
    lines = [_("DeepStroke needs these packages in Slicer's Python:"), ""]
    for package in missing:
        found = _(" (version {found} is too old)").format(found=package.found) if package.found else ""
        lines.append(f"  {package.requirement}{found}")
    size = size_mb(missing, processor)
    lines += ["", _("About {size} MB on the disk.").format(size=size), _build(missing, processor)]
    where = _("From the internet (pypi.org, download.pytorch.org).")
    if wheelhouse is not None:
        where = _("From the folder {folder}; no connection is made.").format(folder=wheelhouse)
    return "\n".join(line for line in [*lines, where] if line is not None)


def _build(missing: list[Missing], processor: Processor) -> str | None:
    if "torch" not in {package.name for package in missing}:
        return None
    if processor == "cpu" or not has_nvidia_driver():
        return _("PyTorch: the build for the CPU.")
    return _("PyTorch: the build for the NVIDIA driver that is here; tick 'CPU alone' for the smaller one.")
