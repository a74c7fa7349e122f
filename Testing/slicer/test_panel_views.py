"""The slice views of a result: levels, window, the tilted plane and the mirror image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from panel_use import segment

if TYPE_CHECKING:
    from host import Host


def test_levels_regions_and_window_by_click(host: Host, panel: Any) -> None:
    from DeepStrokeASPECTSLib import views

    segment(host, panel)
    result = panel.result.review.result
    red, volume = views.slice_node("Red"), result.volume

    def shown() -> float:
        return red.GetSliceOffset()

    panel.ui.ganglionicButton.click()
    ganglionic = shown()
    panel.ui.supraganglionicButton.click()
    assert shown() > ganglionic + 10
    panel.ui.regionTable.cellClicked.emit(1, 0)
    assert shown() < ganglionic + 10
    volume.GetDisplayNode().SetWindowLevel(1000, 300)
    panel.ui.windowButton.click()
    assert volume.GetDisplayNode().GetWindow() == 40.0


def test_the_main_view_lies_in_the_tilted_slices(host: Host, panel: Any) -> None:
    from readings import TILTED

    import slicer
    from DeepStrokeASPECTSLib import views

    segment(host, panel)
    shown = slicer.util.arrayFromVTKMatrix(views.slice_node("Red").GetSliceToRAS())
    normal = np.cross(TILTED[:3, 0], TILTED[:3, 1])
    assert abs(shown[:3, 2] @ normal / np.linalg.norm(normal)) == pytest.approx(1.0, abs=1e-6)
    assert shown[0, 0] < 0, "the patient's left is on the right of the picture"


def test_the_head_fills_the_views_and_stays_in_their_middle(host: Host, panel: Any) -> None:
    import slicer
    from DeepStrokeASPECTSLib import views

    segment(host, panel)
    middle = panel.result.review.result.mirror.point
    panel.ui.supraganglionicButton.click()
    for view in ("Red", "Yellow"):
        node = views.slice_node(view)
        assert min(node.GetFieldOfView()[:2]) == pytest.approx(views.HEAD_MM)
        to_view = np.linalg.inv(slicer.util.arrayFromVTKMatrix(node.GetSliceToRAS()))
        np.testing.assert_allclose((to_view @ [*middle, 1.0])[:2], 0.0, atol=1e-6)


def test_the_mirror_view_follows_the_main_view(host: Host, panel: Any) -> None:
    import slicer
    from DeepStrokeASPECTSLib import views

    def matrix(view: str) -> np.ndarray:
        return slicer.util.arrayFromVTKMatrix(views.slice_node(view).GetSliceToRAS()).copy()

    segment(host, panel)
    panel.ui.mirrorCheckBox.click()
    reflection = panel.result.review.result.mirror.reflection()
    np.testing.assert_allclose(matrix("Yellow"), reflection @ matrix("Red"), atol=1e-6)
    panel.ui.supraganglionicButton.click()
    np.testing.assert_allclose(matrix("Yellow"), reflection @ matrix("Red"), atol=1e-6)
    panel.ui.mirrorCheckBox.click()
    panel.ui.ganglionicButton.click()
    handedness = [np.sign(np.linalg.det(matrix(view)[:3, :3])) for view in ("Red", "Yellow")]
    assert handedness[0] == handedness[1], "no mirror image any more"


def test_left_stays_on_the_right_of_the_picture_once_the_scene_is_closed(host: Host, panel: Any) -> None:
    import slicer
    from DeepStrokeASPECTSLib import views

    segment(host, panel)
    panel.ui.mirrorCheckBox.click()
    slicer.mrmlScene.Clear(0)
    for view in ("Red", "Yellow"):
        axes = slicer.util.arrayFromVTKMatrix(views.slice_node(view).GetSliceToRAS())[:3, :3]
        np.testing.assert_allclose(axes, np.diag([-1.0, 1.0, 1.0]), atol=1e-9)
