"""A small atlas with an aggregated overlay, and the host with the Segment Editor's stand-in."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy import ndimage

from deepstroke import atlas
from deepstroke.atlas.checks import in_one_piece
from deepstroke.nifti import write_nifti
from deepstroke.volume import LabelMap, Volume

if TYPE_CHECKING:
    from DeepStrokeAtlasRefineLib.session import Session
    from host import Host

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from refine_use import NAME  # noqa: E402 - its folder is found from now on


@pytest.fixture(scope="session")
def small_atlas(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The embedded atlas at 2 mm, cut to its regions, with lines on their borders as the overlay."""
    folder = tmp_path_factory.mktemp("atlas") / NAME
    folder.mkdir()
    whole = atlas.load()
    cut = (slice(6, 156, 2), slice(20, 180, 2), slice(58, 142, 2))
    ijk_to_ras = whole.template.ijk_to_ras @ np.diag([2.0, 2, 2, 1])
    ijk_to_ras[:3, 3] = whole.template.ras_of(np.array([part.start for part in cut]))
    labels = in_one_piece(LabelMap(whole.labels.data[cut], ijk_to_ras))
    write_nifti(Volume(whole.template.data[cut], ijk_to_ras), folder / "template.nii.gz")
    write_nifti(labels, folder / "labels.nii.gz")
    write_nifti(LabelMap(whole.brain.data[cut], ijk_to_ras), folder / "brain.nii.gz")
    lines = ndimage.gaussian_filter((atlas.outlines(labels).data > 0).astype(np.float32), (0.6, 0.6, 0))
    write_nifti(Volume(lines, ijk_to_ras), folder / "mean_overlay.nii.gz")
    files = {part: {"name": f"{part}.nii.gz"} for part in ("template", "labels", "brain")}
    manifest = {"name": NAME, "version": "1.0.0", "files": files, "levels_mm": {"split": 18.5}}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small_atlas: Path) -> Path:
    """The user's folder with the small atlas installed."""
    monkeypatch.setenv("DEEPSTROKE_HOME", str(tmp_path / "home"))
    shutil.copytree(small_atlas, tmp_path / "home" / "atlases" / NAME)
    return tmp_path / "home"


@pytest.fixture
def overlay(small_atlas: Path) -> Path:
    return small_atlas / "mean_overlay.nii.gz"


@pytest.fixture
def refine_host(host: Host, home: Path) -> Iterator[Host]:
    """The host with the Segment Editor and the small atlas."""
    import segment_editor

    import slicer

    slicer.qMRMLSegmentEditorWidget = segment_editor.qMRMLSegmentEditorWidget
    yield host
    host.reset()


@pytest.fixture
def session(refine_host: Host, overlay: Path) -> Session:
    """The small atlas, loaded without a panel."""
    from DeepStrokeAtlasRefineLib.logic import DeepStrokeAtlasRefineLogic

    return DeepStrokeAtlasRefineLogic().begin(NAME, overlay)


@pytest.fixture
def panel(refine_host: Host) -> Any:
    """The open panel."""
    return refine_host.open("DeepStrokeAtlasRefine")


@pytest.fixture
def load(refine_host: Host, panel: Any, overlay: Path) -> Callable[[], Any]:
    """Click Load and wait for the figures."""

    def clicked() -> Any:
        panel.ui.atlasComboBox.currentIndex = panel.ui.atlasComboBox.findText(NAME)
        panel.ui.overlayPath.currentPath = str(overlay)
        panel.ui.loadButton.click()
        refine_host.wait_until(lambda: panel.session is not None)
        refine_host.wait_until(lambda: not panel.table.busy)
        return panel.session

    return clicked
