"""Tests of the Slicer modules against slicer-core's real MRML and the strict Qt host; `host` says how to write one."""

from __future__ import annotations

import ctypes.util
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from host import Host

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))


@contextmanager
def _without_this_folder_as_slicer() -> Iterator[None]:
    """slicer-core takes every folder `slicer` on sys.path for a part of itself and would import these tests."""
    kept = list(sys.path)
    sys.path[:] = [path for path in kept if Path(path).resolve() != HERE.parent]
    try:
        yield
    finally:
        sys.path[:] = kept


@pytest.fixture(scope="session")
def _host() -> Host:
    install = 'pip install -e ".[slicer]"'
    with _without_this_folder_as_slicer():
        pytest.importorskip("slicer_core", reason=f"slicer-core is absent: {install}", exc_type=ImportError)
        import slicer  # noqa: F401
    pytest.importorskip("PySide6.QtWidgets", reason=f"PySide6 is absent: {install}", exc_type=ImportError)
    _require_sound_pyside()
    import host

    return host.start()


def _require_sound_pyside() -> None:
    """PySide6 6.12.0 releases None once too often a call before Python 3.12, which ends the interpreter."""
    from PySide6 import __version__

    if __version__ == "6.12.0" and sys.version_info < (3, 12):
        pytest.skip('PySide6 6.12.0 breaks Python below 3.12: pip install "PySide6-Essentials<6.12"')


@pytest.fixture
def host(_host: Host) -> Iterator[Host]:
    """The running host with an empty scene and no panel."""
    _host.reset()
    yield _host
    _host.reset()


@pytest.fixture
def renderer(host: Host) -> None:
    """Drawing without a screen; skips by name without EGL."""
    if ctypes.util.find_library("EGL") is None:
        pytest.skip("libEGL is absent: apt-get install libegl1 libgl1")


@pytest.fixture
def child(host: Host, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., None]:
    """Says what the test's child processes do: ``copy`` a report's result, ``fail``, ``wait``."""
    from panel_use import CHILD
    from readings import report_content, write_result

    from DeepStrokeSlicerLib.jobs import Job

    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))  # Other tests' files aren't counted.
    script = tmp_path / "child.py"
    script.write_text(CHILD, encoding="utf-8")

    def use(mode: str = "copy", **changes: Any) -> None:
        folder = write_result(tmp_path / f"result-{len(list(tmp_path.iterdir()))}", report_content(**changes))
        command = [sys.executable, str(script), str(folder), mode]
        monkeypatch.setattr(Job, "_deepstroke", staticmethod(lambda: command))

    use()
    return use


@pytest.fixture
def panel(host: Host, child: Callable[..., None]) -> Any:
    """The open panel with a tilted CT chosen."""
    from panel_use import node
    from readings import tilted_ct

    from DeepStrokeSlicerLib.nodes import node_from_volume

    opened = host.open("DeepStrokeASPECTS")
    node_from_volume(tilted_ct(), "CT")
    host.wait_until(lambda: opened.ui.inputSelector.currentNode() is None or opened.ui.segmentButton.enabled)
    opened.ui.inputSelector.setCurrentNode(node("vtkMRMLScalarVolumeNode"))
    host.wait_until(lambda: opened.ui.segmentButton.enabled)
    return opened
