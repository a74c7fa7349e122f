"""What annotators see: outlines over the overlay's lines, left on the right of the picture; the panel."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

if TYPE_CHECKING:
    from DeepStrokeAtlasRefineLib.session import Session
    from host import Host


@pytest.mark.usefixtures("renderer")
def test_outlines_lie_over_the_lines_with_left_on_the_right(session: Session, tmp_path: Path) -> None:
    from host.views import SliceView

    view = SliceView("Red", 400)
    view.logic.FitSliceToAll()
    view.node.JumpSliceByCentering(0.0, 10.0, 6.0)
    before = view.pixels().astype(int)
    yellow = (before[..., 0] > 150) & (before[..., 1] > 150) & (before[..., 2] < 110)
    assert yellow.sum() > 200, "the overlay's lines"
    display = session.regions.GetDisplayNode()
    for name in [name for name in _regions(session) if name != "left-M2"]:
        display.SetSegmentVisibility(name, False)
    display.SetVisibility2DFill(True)
    display.SetOpacity2DFill(1.0)
    shown = view.pixels().astype(int)
    green = (shown[..., 1] > shown[..., 0] + 60) & (shown[..., 1] > shown[..., 2] + 60)
    columns = np.argwhere(green)[:, 1]
    assert columns.size > 100
    assert columns.mean() > 200, "the patient's left is on the right of the picture"
    view.save(tmp_path / "left-m2.png")
    assert (tmp_path / "left-m2.png").stat().st_size > 1000


def _regions(session: Session) -> list[str]:
    from DeepStrokeSlicerLib.segmentations import segment_labels

    return list(segment_labels(session.regions))


def test_the_panel_is_drawn(refine_host: Host, overlay: Path, tmp_path: Path) -> None:
    from PIL import Image

    panel = refine_host.open("DeepStrokeAtlasRefine")
    panel.ui.atlasComboBox.currentIndex = panel.ui.atlasComboBox.findText("small")
    panel.ui.overlayPath.currentPath = str(overlay)
    panel.ui.loadButton.click()
    refine_host.wait_until(lambda: panel.session is not None and not panel.table.busy)
    panel.ui.checkButton.click()
    refine_host.wait_until(lambda: not panel.table.busy)
    refine_host.grab(panel, tmp_path / "panel.png")
    picture = np.asarray(Image.open(tmp_path / "panel.png").convert("RGB"))
    assert picture.shape[1] >= 500
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 50
