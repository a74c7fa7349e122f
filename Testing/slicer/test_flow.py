"""The whole flow on whole scans with the real library in the child process. Minutes: run by `-m slow`.

DEEPSTROKE_PICTURES may name a folder that receives the pictures of the panel and the views.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

if TYPE_CHECKING:
    from host import Host

pytestmark = pytest.mark.slow
SECONDS = 1800.0


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = Path(os.environ.get("DEEPSTROKE_PICTURES", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def flow(host: Host, panel: Any, pictures: Path, name: str) -> Any:
    """Segment what is chosen, look at both levels and the mirror, and return the result."""
    from heart import Heart
    from host.views import SliceView

    host.wait_until(lambda: panel.ui.segmentButton.enabled, SECONDS)
    host.grab(panel, pictures / f"{name}-before.png")
    heart = Heart()
    panel.ui.segmentButton.click()
    host.wait_until(lambda: not panel.segmentation.busy, SECONDS)
    print(f"{name}, longest in ms: {heart.stop()}")  # noqa: T201 - with -s
    assert host.messages == []
    views = {view: SliceView(view, 640) for view in ("Red", "Yellow")}
    panel.ui.mirrorCheckBox.click()
    for level in ("ganglionic", "supraganglionic"):
        getattr(panel.ui, f"{level}Button").click()
        for view, drawn in views.items():
            drawn.save(pictures / f"{name}-{level}-{view}.png")
    host.grab(panel, pictures / f"{name}-after.png")
    return panel.result.review.result


def region_voxels(result: Any) -> dict[int, int]:
    from DeepStrokeSlicerLib.nodes import volume_from_node
    from DeepStrokeSlicerLib.segmentations import labels_from_segmentation

    labels = labels_from_segmentation(result.segmentation, volume_from_node(result.volume))
    return dict(enumerate(np.bincount(labels.data.ravel(), minlength=21)))


def test_sample_scan(host: Host, renderer: None, pictures: Path) -> None:
    panel = host.open("DeepStrokeASPECTS")
    panel.ui.sampleButton.click()
    result = flow(host, panel, pictures, "sample")
    assert all(region_voxels(result)[label] > 50 for label in range(1, 21))
    dark = result.reading.regions[5]
    assert dark.subject == "left M2"
    assert dark.difference_hu < -2, "the sample's infarct"
    assert panel.ui.databaseButton.enabled, "a DICOM SEG was written"


def test_real_tilted_uneven_scan(
    host: Host, renderer: None, pictures: Path, shared_data: Callable[[str], Path]
) -> None:
    folder = shared_data("ct/ge-head")
    panel = host.open("DeepStrokeASPECTS")
    from DeepStrokeASPECTSLib import views
    from DeepStrokeASPECTSLib.sample import load_series

    volume = load_series(folder, "GE head")
    panel.ui.inputSelector.setCurrentNode(volume)
    views.show_background(volume)
    result = flow(host, panel, pictures, "ge-head")
    voxels = region_voxels(result)
    ratios = [max(voxels[n], voxels[n + 10]) / min(voxels[n], voxels[n + 10]) for n in range(1, 11)]
    assert max(ratios) < 1.6
    assert panel.ui.databaseButton.enabled


def test_a_phantom_is_refused_with_the_librarys_reason(host: Host) -> None:
    from readings import tilted_ct

    from DeepStrokeSlicerLib.nodes import node_from_volume

    panel = host.open("DeepStrokeASPECTS")
    panel.ui.inputSelector.setCurrentNode(node_from_volume(tilted_ct(), "block"))
    host.wait_until(lambda: panel.ui.segmentButton.enabled, SECONDS)
    panel.ui.segmentButton.click()
    host.wait_until(lambda: not panel.segmentation.busy, SECONDS)
    ((kind, text),) = host.messages
    assert kind == "errorDisplay"
    assert "head" in text


def test_cancel_midway_ends_the_real_tree(host: Host) -> None:
    import psutil

    panel = host.open("DeepStrokeASPECTS")
    panel.ui.sampleButton.click()
    host.wait_until(lambda: panel.ui.segmentButton.enabled, SECONDS)
    panel.ui.segmentButton.click()
    host.wait_until(lambda: panel.ui.progressBar.value >= 8, SECONDS)
    tree = [psutil.Process(panel.segmentation._run.pid)]
    tree += tree[0].children(recursive=True)
    panel.ui.cancelButton.click()
    _gone, alive = psutil.wait_procs(tree, timeout=1.0)
    assert [process.pid for process in alive if process.status() != psutil.STATUS_ZOMBIE] == []


def test_the_self_tests_run_in_the_host(host: Host) -> None:
    host.load("DeepStrokeASPECTS")
    import slicer
    from DeepStrokeSlicerLib.segmentations import segment_labels

    slicer.selfTests["DeepStrokeASPECTS"](msec=1)
    (segmentation,) = slicer.util.getNodesByClass("vtkMRMLSegmentationNode")
    assert sorted(segment_labels(segmentation).values()) == list(range(1, 21)), "the last of them segments the sample"
