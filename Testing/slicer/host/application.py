"""`slicer.app` and what modules reach through it, a module's loading as Slicer does it, and the `Host` of tests."""
# ruff: noqa: N802, N815 - Slicer's own names

from __future__ import annotations

import importlib
import os
import shutil
import sys
import tempfile
import time
import types
import weakref
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6 import QtCore, QtWidgets
from PySide6.QtCore import Signal

import slicer
from host import pythonqt
from host.scene import RealScene

ROOT = Path(__file__).resolve().parents[3]
#: Where the module's Slicer-side packages lie in a checkout.
MODULE_FOLDERS = ("DeepStrokeASPECTS", "DeepStrokeAtlasRefine")


class ModuleManager(QtCore.QObject):
    """`slicer.app.moduleManager()`."""

    moduleAboutToBeUnloaded = Signal(str)
    signal_signatures = ("moduleAboutToBeUnloaded(QString)",)


class Application(QtWidgets.QApplication):
    """`slicer.app`."""

    startupCompleted = Signal()
    signal_signatures = ("startupCompleted()",)

    def moduleManager(self) -> ModuleManager:
        return self._modules

    def applicationLogic(self) -> Any:
        return self._real.application_logic

    def testingEnabled(self) -> bool:
        return True

    def translate(self, context: str, text: str) -> str:
        return text

    def userSettings(self) -> Any:
        return QtCore.QSettings()

    temporaryPath = property(lambda self: tempfile.gettempdir())

    def begin(self, real: RealScene) -> None:
        """Join the application with the scene."""
        self._modules, self._real = ModuleManager(), real


class DicomDatabase:
    """`slicer.dicomDatabase`: files by their instance UIDs."""

    def __init__(self) -> None:
        self.files: dict[str, str] = {}
        self.isOpen = True

    def fileForInstance(self, uid: str) -> str:
        return self.files.get(uid, "")

    def add_folder(self, folder: Path) -> None:
        """What an import does: know every file of a folder."""
        import pydicom

        for path in sorted(folder.iterdir()):
            header = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=["SOPInstanceUID"])
            self.files[str(header.SOPInstanceUID)] = str(path)


class SampleDataLogic:
    """`SampleData.SampleDataLogic`: keeps what is registered."""

    @staticmethod
    def registerCustomSampleDataSource(
        category: str = "Custom",
        sampleName: str | None = None,
        uris: Any = None,
        fileNames: Any = None,
        nodeNames: Any = None,
        customDownloader: Callable[[Any], Any] | None = None,
        thumbnailFileName: str | None = None,
    ) -> None:
        source = types.SimpleNamespace(
            sampleName=sampleName, customDownloader=customDownloader, thumbnailFileName=thumbnailFileName
        )
        slicer.modules.sampleDataSources.setdefault(category, []).append(source)


class CoreModule:
    """A module as `slicer.modules.NAME`."""

    def __init__(self, name: str, logic: Any = None) -> None:
        self.name, self._logic = name, logic
        self.path = self.title = self.helpText = self.acknowledgementText = ""
        self.categories: list[str] = []
        self.dependencies: list[str] = []
        self.contributors: list[str] = []
        self.icon: Any = None
        self.widgetRepresentationCreationEnabled = True

    def logic(self) -> Any:
        return self._logic


class Host:
    """What a host test holds: the application, the open panels, and what the user sees and answers.

    Attributes:
        app: `slicer.app`.
        messages: (kind, text) of every message that would have been shown.
        database: `slicer.dicomDatabase`.
        answers: what is answered to questions, first in first out; a question without an answer is an error.
        errors: exceptions of slots since the last look; `wait_until` raises the first.
    """

    def __init__(self, app: Application, real: RealScene) -> None:
        sys.excepthook = self._catch  # PySide6 hands exceptions of slots to it.
        self.app, self._real = app, real
        self.messages: list[tuple[str, str]] = []
        self.answers: list[bool] = []
        self.errors: list[BaseException] = []
        self.database = slicer.dicomDatabase = DicomDatabase()
        self._open: list[tuple[Any, Any]] = []

    def _catch(self, kind: type[BaseException], error: BaseException, trace: Any) -> None:
        self.errors.append(error)

    def open(self, name: str) -> Any:
        """Load a module as Slicer does, build its panel, enter it, and return the widget object."""
        entry, _ = self.load(name)
        top = slicer.qMRMLWidget()
        top.setLayout(QtWidgets.QVBoxLayout())
        top.setMRMLScene(slicer.mrmlScene)
        panel = getattr(entry, f"{name}Widget")(top)
        panel.setup()
        top.isEntered = True
        panel.enter()
        self._open.append((panel, top))
        top.resize(520, 1180)
        top.show()
        self.turn()
        return panel

    def load(self, name: str) -> tuple[types.ModuleType, CoreModule]:
        """Import a module's entry file and describe it to Slicer."""
        entry = importlib.import_module(name)
        module = CoreModule(name)
        module.path = str(ROOT / name / f"{name}.py")
        setattr(slicer.modules, name.lower(), module)
        getattr(entry, name)(module)
        self.app.startupCompleted.emit()
        self.app.startupCompleted.disconnect()
        return entry, module

    def close(self, panel: Any) -> None:
        """Leave a panel and take it away, as Slicer does at its end."""
        top = next(top for known, top in self._open if known is panel)
        self._open = [(known, other) for known, other in self._open if known is not panel]
        panel.exit()
        top.isEntered = False
        panel.cleanup()
        top.hide()
        top.deleteLater()
        self.turn()

    def reset(self) -> None:
        """Close every panel and the scene."""
        for panel, _ in list(self._open):
            self.close(panel)
        self._real.clear()
        self.messages.clear()
        self.answers.clear()
        self.database.files.clear()
        self.raise_errors()

    def turn(self) -> None:
        """Let waiting events through."""
        self.app.processEvents()
        self.app.sendPostedEvents(None, QtCore.QEvent.Type.DeferredDelete)
        self.raise_errors()

    def wait_until(self, condition: Callable[[], bool], seconds: float = 600.0) -> None:
        """Turn the event loop until the condition holds; raise what a slot raised, or TimeoutError."""
        deadline = time.monotonic() + seconds
        while not condition():
            self.turn()
            if time.monotonic() > deadline:
                raise TimeoutError(f"not within {seconds} s; messages: {self.messages}")
            time.sleep(0.01)

    def raise_errors(self) -> None:
        """Raise the first exception of a slot."""
        if self.errors:
            error = self.errors[0]
            self.errors.clear()
            raise error

    def grab(self, panel: Any, path: Path) -> None:
        """Write a picture of a panel."""
        top = next(top for known, top in self._open if known is panel)
        self.turn()  # Labels that got another text ask for another height.
        top.adjustSize()
        top.resize(520, max(top.sizeHint().height(), top.layout().heightForWidth(520)))
        self.turn()
        if not top.grab().save(str(path)):
            raise OSError(f"{path} can't be written")


@cache
def start() -> Host:
    """The host of this process: the application can be made only once."""
    pythonqt.dress()
    from host.ui_files import QUiLoader
    from host.widgets import STAND_INS

    sys.modules["qt"] = pythonqt.qt_module(QUiLoader)
    sys.modules["ctk"] = ctk = types.ModuleType("ctk")
    for name, cls in STAND_INS.items():
        setattr(ctk if name.startswith("ctk") else slicer, name, cls)
    app = Application(["slicer-host"])
    QtCore.QCoreApplication.setOrganizationName("deepstroke-host")
    slicer.app = app
    real = RealScene(str(ROOT / "Testing" / "slicer"))
    app.begin(real)
    slicer.modules = sys.modules["slicer.modules"] = types.ModuleType("slicer.modules")
    for name, logic in real.logics.items():
        setattr(slicer.modules, name.lower(), CoreModule(name, logic))
    slicer.modules.sampleDataSources = {}
    sys.modules["SampleData"] = types.SimpleNamespace(SampleDataLogic=SampleDataLogic)
    sys.modules["DICOMLib"] = types.SimpleNamespace(DICOMUtils=types.SimpleNamespace(importDicom=_import_dicom))
    _provide_python()
    sys.path[:0] = [str(ROOT / folder) for folder in MODULE_FOLDERS if str(ROOT / folder) not in sys.path]
    host = Host(app, real)
    _replace_dialogs(host)
    return host


def _import_dicom(dicomDataDir: str, dicomDatabase: Any = None, copyFiles: bool = False) -> bool:
    """`DICOMLib.DICOMUtils.importDicom`; with copyFiles the database keeps the files themselves."""
    database = slicer.dicomDatabase if dicomDatabase is None else dicomDatabase
    if copyFiles:
        kept = Path(tempfile.mkdtemp(prefix="host-database-"))
        weakref.finalize(database, shutil.rmtree, kept, ignore_errors=True)
        dicomDataDir = shutil.copytree(dicomDataDir, kept / "files")
    database.add_folder(Path(dicomDataDir))
    return True


def _provide_python() -> None:
    """slicer.ScriptedLoadableModule, slicer.parameterNodeWrapper and slicer.i18n: Slicer's own, or the stand-ins."""
    if folder := os.environ.get("DEEPSTROKE_SLICER_PYTHON"):
        slicer.__path__.append(str(Path(folder) / "slicer"))
        return
    i18n = types.ModuleType("slicer.i18n")
    i18n.tr = lambda text: text
    i18n.translate = lambda context, text: text
    sys.modules["slicer.i18n"] = i18n
    for name, stand_in in {"ScriptedLoadableModule": "scripted", "parameterNodeWrapper": "parameter_nodes"}.items():
        sys.modules[f"slicer.{name}"] = importlib.import_module(f"host.{stand_in}")


def _replace_dialogs(host: Host) -> None:
    """Dialogs of slicer.util tell the host instead of waiting for a user who isn't there."""

    def shows(kind: str) -> Callable[..., None]:
        return lambda text, *_, **__: host.messages.append((kind, str(text)))

    def asks(kind: str) -> Callable[..., bool]:
        def ask(text: str, *_: Any, **__: Any) -> bool:
            host.messages.append((kind, str(text)))
            return host.answers.pop(0)

        return ask

    for name in ("errorDisplay", "warningDisplay", "infoDisplay"):
        setattr(slicer.util, name, shows(name))
    for name in ("confirmOkCancelDisplay", "confirmYesNoDisplay"):
        setattr(slicer.util, name, asks(name))
    slicer.util.showStatusMessage = shows("status")
    slicer.util.selectModule = shows("module")
    slicer.util.mainWindow = lambda: None
