"""The figures of `measure.py`: panels opened, runs real and replayed, Cancel, and the annotator's clicks."""

from __future__ import annotations

import gc
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from stopwatch import Row, Stopwatch

if TYPE_CHECKING:
    from heart import Pause
    from host import Host

RUNS = 20
SERIES = Path(__file__).resolve().parents[2] / "Resources" / "SampleScan" / "series"
#: Of a thin-slice scan, which is made by repeating the sample's slices.
THIN_SLICES = 300


def measure(folder: Path) -> list[Row]:
    """All figures, the library's own first."""
    watch = Stopwatch()
    result = folder / "result"
    with watch.running(children=True):
        subprocess.run([sys.executable, "-m", "deepstroke", "segment", SERIES, "-o", result, "--quiet"], check=True)
    rows = [watch.row("`deepstroke segment` on the sample scan")]
    from host import start

    host = start()
    rows += opening(host)
    rows += real_run(host)
    rows += cancelling(host)
    rows += replayed_runs(host, result)
    rows += thin_run(host, result, folder)
    rows += refining(host, folder)
    return rows


def opening(host: Host) -> list[Row]:
    """Building each panel, as Slicer does when its module is opened first."""
    import segment_editor

    import slicer

    slicer.qMRMLSegmentEditorWidget = segment_editor.qMRMLSegmentEditorWidget
    rows = []
    for name in ("DeepStrokeASPECTS", "DeepStrokeAtlasRefine"):
        watch = Stopwatch()
        with watch.running():
            entry, _module = host.load(name)
        rows.append(watch.row(f"{name}: loaded when Slicer starts"))
        with timed_until_entered(getattr(entry, f"{name}Widget"), watch):
            panel = host.open(name)
        rows.append(watch.row(f"{name}: panel set up", "<= 0.5 s"))
        host.close(panel)
    return rows


@contextmanager
def timed_until_entered(widget: Any, watch: Stopwatch) -> Iterator[None]:
    """Time a panel's set-up from its making to the end of its `enter`, without the host's own painting."""
    enter, timing = widget.enter, watch.running()

    def entered(self: Any) -> None:
        enter(self)
        timing.__exit__(None, None, None)

    widget.enter = entered
    timing.__enter__()
    try:
        yield
    finally:
        widget.enter = enter


def real_run(host: Host) -> list[Row]:
    """The library in its child process: what the panel adds before and after it, and the longest pause of events."""
    from heart import Heart

    panel = with_sample(host)
    children, before, after, heart = Stopwatch(), Stopwatch(), Stopwatch(), Heart()
    with children.running(children=True):
        with before.running():
            panel.ui.segmentButton.click()
        host.wait_until(lambda: panel.segmentation._loading is not None or not panel.segmentation.busy)
    with after.running():
        host.wait_until(lambda: not panel.segmentation.busy)
    pause = heart.stop()
    require_silence(host)
    host.close(panel)
    added = before.clock + after.clock, before.processor + after.processor
    return [
        Row("click to the end of the child process", "", children.clock, children.processor),
        Row("what the panel adds: click to start, end to shown", "<= 2 s", *added, "and 0.05 s at most until it looks"),
        _pause_row("the same run: longest pause of events", pause),
    ]


def _pause_row(what: str, pause: Pause) -> Row:
    return Row(what, "<= 0.1 s", pause.clock / 1000, pause.process / 1000)


def cancelling(host: Host) -> list[Row]:
    """Cancel while the library works, until the last process of its tree is gone."""
    import psutil

    panel = with_sample(host)
    panel.ui.segmentButton.click()
    host.wait_until(lambda: panel.ui.progressBar.value >= 8)
    tree = [psutil.Process(panel.segmentation._run.pid)]
    tree += tree[0].children(recursive=True)
    watch = Stopwatch()
    with watch.running():
        panel.ui.cancelButton.click()
        _gone, alive = psutil.wait_procs(tree, timeout=5.0)
    left = [process.pid for process in alive if process.status() != psutil.STATUS_ZOMBIE]
    host.close(panel)
    return [watch.row("Cancel, until the child's whole tree is gone", "<= 1 s", f"{len(left)} processes left")]


def replayed_runs(host: Host, result: Path) -> list[Row]:
    """Twenty runs one after another that copy a kept result: from its end to the shown table, and what is left."""
    import psutil
    from heart import Heart

    replay_from(result)
    panel = with_sample(host)
    run_once(host, panel)
    before, pauses, processor = leftovers(panel), [], 0.0
    for _ in range(RUNS):
        panel.ui.mirrorCheckBox.click()
        remove_segmentation()
        host.turn()
        watch, heart = Stopwatch(), Heart()
        with watch.running():
            run_once(host, panel)
        pauses.append(heart.stop())
        processor += watch.processor
    pause = max(pauses, key=lambda pause: pause.process)
    after = leftovers(panel)
    more = ", ".join(f"{name} {after[name] - before[name]:+d}" for name in before)
    memory = psutil.Process().memory_info().rss / 2**20
    host.close(panel)
    return [
        Row(f"a replayed run, mean of {RUNS}: the panel's own work", "", None, processor / RUNS),
        Row(f"{RUNS} runs: what is left", "nothing", None, None, f"{more}; {memory:.0f} MB in use"),
        _pause_row(f"{RUNS} runs: longest pause of events", pause),
    ]


def thin_run(host: Host, result: Path, folder: Path) -> list[Row]:
    """The same on a scan of 300 thin slices without DICOM files, whose voxels the panel must write and read."""
    import nibabel
    from heart import Heart

    from deepstroke.volume import Volume
    from DeepStrokeSlicerLib.nodes import node_from_volume

    thin = folder / "thin"
    thin.mkdir()
    (thin / "report.json").write_bytes((result / "report.json").read_bytes())
    volumes = {}
    for name in ("ct", "labels"):
        image = nibabel.load(result / f"{name}.nii.gz")
        times = THIN_SLICES // image.shape[2]
        ijk_to_ras = image.affine.copy()
        ijk_to_ras[:3, 2] /= times
        volumes[name] = np.repeat(np.asanyarray(image.dataobj), times, axis=2), ijk_to_ras
    nibabel.save(nibabel.Nifti1Image(*volumes["labels"]), thin / "labels.nii.gz")
    panel = host.open("DeepStrokeASPECTS")
    node = node_from_volume(Volume(*volumes.pop("ct")), "thin")
    panel.ui.inputSelector.setCurrentNode(node)
    host.wait_until(lambda: panel.ui.segmentButton.enabled)
    replay_from(thin)
    heart = Heart()
    run_once(host, panel)
    shape = " x ".join(map(str, node.GetImageData().GetDimensions()))
    pause = heart.stop()
    host.reset()
    return [_pause_row(f"a replayed run on {shape} voxels: longest pause of events", pause)]


def refining(host: Host, folder: Path) -> list[Row]:
    """The annotator's clicks on the embedded atlas; each shows a waiting cursor."""
    from draw_docs import moved_forward, write_overlay

    from deepstroke import atlas

    overlay = folder / "mean_overlay.nii.gz"
    write_overlay(atlas.load(), overlay)
    panel = host.open("DeepStrokeAtlasRefine")
    panel.ui.overlayPath.currentPath = str(overlay)
    rows = [
        clicked(host, "load atlas and overlay", panel.ui.loadButton, lambda: panel.session and not panel.table.busy)
    ]
    panel.edit.editor.apply(moved_forward)
    host.wait_until(lambda: not panel.table.busy)
    panel.ui.scopeComboBox.currentIndex = 3
    for name in ("smooth", "mirror", "fill", "largest", "split"):
        rows.append(clicked(host, name, getattr(panel.ui, f"{name}Button"), lambda: not panel.table.busy))
    rows.append(clicked(host, "check", panel.ui.checkButton, lambda: not panel.table.busy))
    rows.append(clicked(host, "compare", panel.ui.compareButton, lambda: not panel.comparison.busy))
    copying = Stopwatch()
    with copying.running():
        panel.publication.copy_now()
    rows.append(copying.row("DeepStrokeAtlasRefine: copy for recovery, once a minute while regions change"))
    for name, value in (("author", "A. Author"), ("name", "measured"), ("version", "1.0.0"), ("note", "a benchmark")):
        getattr(panel.ui, f"{name}LineEdit").text = value
    rows.append(clicked(host, "publish", panel.ui.publishButton, lambda: bool(panel.ui.publishLabel.text)))
    host.reset()
    return rows


def clicked(host: Host, name: str, button: Any, done: Callable[[], Any]) -> Row:
    """One click until its work is done, with the longest pause of events on the way."""
    from heart import Heart

    watch, heart = Stopwatch(), Heart()
    with watch.running():
        button.click()
        host.wait_until(lambda: bool(done()))
    pause = heart.stop()
    require_silence(host)
    note = f"longest pause: {pause.process / 1000:.2f} s of the processor"
    return watch.row(f"DeepStrokeAtlasRefine: {name}", "", note)


def with_sample(host: Host) -> Any:
    """The radiologist's panel with the sample scan, ready to be segmented."""
    panel = host.open("DeepStrokeASPECTS")
    panel.ui.sampleButton.click()
    host.wait_until(lambda: panel.ui.segmentButton.enabled)
    return panel


def replay_from(result: Path) -> None:
    """Let runs copy a result from now on."""
    import replay

    from DeepStrokeSlicerLib.jobs import Job

    Job._deepstroke = staticmethod(lambda: replay.command(result))


def run_once(host: Host, panel: Any) -> None:
    """Click Segment and wait for the table."""
    panel.ui.segmentButton.click()
    host.wait_until(lambda: not panel.segmentation.busy)
    require_silence(host)


def remove_segmentation() -> None:
    """As a user does in the Data module."""
    import slicer

    node = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLSegmentationNode")
    slicer.mrmlScene.RemoveNode(node.GetDisplayNode())
    slicer.mrmlScene.RemoveNode(node)


def require_silence(host: Host) -> None:
    """Stop at a message of an error."""
    if host.messages:
        raise RuntimeError(host.messages[0][1])


def leftovers(panel: Any) -> dict[str, int]:
    """How many processes, temporary files, observers, nodes and timers there are."""
    import psutil
    from PySide6 import QtCore

    import slicer

    gc.collect()
    red = slicer.mrmlScene.GetNodeByID("vtkMRMLSliceNodeRed")
    volume = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLScalarVolumeNode")
    watched = (red, slicer.mrmlScene, panel.logic.getParameterNode().parameterNode, volume)
    return {
        "processes": len(psutil.Process().children(recursive=True)),
        "temporary files": len(list(Path(tempfile.gettempdir()).glob("deepstroke-*"))),
        "open files": psutil.Process().num_fds(),
        "observers": sum(str(node).count("Observer (0x") for node in watched),
        "nodes": slicer.mrmlScene.GetNumberOfNodes(),
        "timers": len(slicer.app.findChildren(QtCore.QTimer)),
    }
