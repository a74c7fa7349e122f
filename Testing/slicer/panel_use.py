"""The radiologist's panel as its tests use it: the child process that copies a result, clicks, and looks."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from host import Host

#: Stands for `deepstroke segment INPUT --output OUT`: tells progress and copies a result.
CHILD = """
import shutil, sys, time
from pathlib import Path
folder, mode, *words = sys.argv[1:]
output = Path(words[words.index("--output") + 1])
print("progress 40% registration")
if mode == "wait":
    time.sleep(99)
if mode == "fail":
    sys.exit("error: no head was found in the scan")
assert Path(words[1]).exists()
shutil.copytree(folder, output)
print("progress 100% done")
"""


def node(class_name: str) -> Any:
    """The first node of a class; None without any."""
    import slicer

    return slicer.mrmlScene.GetFirstNodeByClass(class_name)


def segment(host: Host, panel: Any) -> None:
    """Click, and wait for the end of the run."""
    panel.ui.segmentButton.click()
    assert panel.ui.cancelButton.enabled
    host.wait_until(lambda: not panel.segmentation.busy)


def run_folders() -> set[str]:
    """Folders of runs and of their child processes that are there now."""
    return {path.name for path in Path(tempfile.gettempdir()).glob("deepstroke-*")}


def decide(panel: Any, row: int, choice: int) -> None:
    """Choose in the last column of the table."""
    panel.ui.regionTable.cellWidget(row, 5).setCurrentIndex(choice)
