"""Pictures of the result, drawn without a screen by Slicer's own displayable managers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from readings import report_content, tilted_ct, write_result

if TYPE_CHECKING:
    from host import Host


@pytest.fixture
def result(host: Host, renderer: None, tmp_path: Path) -> Any:
    from DeepStrokeASPECTSLib import views
    from DeepStrokeASPECTSLib.run import load_result
    from DeepStrokeSlicerLib.nodes import node_from_volume
    from DeepStrokeSlicerLib.timers import run_now

    volume = node_from_volume(tilted_ct(), "CT")
    found = run_now(load_result(write_result(tmp_path / "r", report_content()), volume, None))
    views.stroke_window(volume)
    views.show_side_by_side(volume)
    return found


def picture(view: str) -> np.ndarray:
    from host.views import SliceView

    return SliceView(view, 256).pixels().astype(int)


def where(pixels: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    """Columns of the pixels of about this colour."""
    return np.argwhere(np.abs(pixels - np.array(colour)).max(axis=2) < 40)[:, 1]


def test_left_is_left_and_the_window_is_the_stroke_window(host: Host, result: Any) -> None:
    from deepstroke.regions import BY_ABBREVIATION
    from DeepStrokeASPECTSLib import views
    from DeepStrokeSlicerLib.segmentations import segment_id

    views.show_regions(result.segmentation, filled=True)
    result.segmentation.GetDisplayNode().SetOpacity2DFill(1.0)
    views.jump_to_slice(result.volume, result.levels.ganglionic)
    region = BY_ABBREVIATION["M1"]
    display = result.segmentation.GetDisplayNode()
    display.SetSegmentVisibility(segment_id(region, "right"), False)
    columns = where(picture("Red"), region.colour)
    assert columns.size > 20
    assert columns.mean() > 128, "the patient's left is on the right of the picture"


def test_darker_tissue_of_the_left_is_darker_in_the_picture(host: Host, result: Any) -> None:
    from DeepStrokeASPECTSLib import views

    result.segmentation.GetDisplayNode().SetVisibility(False)
    views.jump_to_slice(result.volume, 8)
    row = picture("Red")[128].mean(axis=1)
    left, right = row[150:190].mean(), row[66:106].mean()
    # 30 HU and 35 HU in a window from 20 to 60 HU.
    assert right - left == pytest.approx(255 * 5 / 40, abs=3)
    assert right == pytest.approx(255 * 15 / 40, abs=3)


def test_the_mirror_view_shows_the_other_side_at_the_same_place(host: Host, result: Any) -> None:
    from host.views import SliceView

    from DeepStrokeASPECTSLib import views

    result.segmentation.GetDisplayNode().SetVisibility(False)
    views.jump_to_slice(result.volume, 8)
    red, yellow = SliceView("Red", 256), SliceView("Yellow", 256)
    mirror = views.MirrorView(result.mirror.reflection())
    main, other = red.pixels()[128].mean(axis=1), yellow.pixels()[128].mean(axis=1)
    assert main[150:190].mean() == pytest.approx(other[66:106].mean(), abs=3)
    assert main[66:106].mean() == pytest.approx(other[150:190].mean(), abs=3)
    assert abs(main[150:190].mean() - other[150:190].mean()) > 20
    mirror.stop()


def test_surfaces_are_seen_from_the_front_in_a_3d_view_beside_the_slices(host: Host, result: Any) -> None:
    from host.views import ThreeDView

    import slicer
    from deepstroke.regions import BY_ABBREVIATION
    from DeepStrokeASPECTSLib import views
    from DeepStrokeSlicerLib.segmentations import segment_id

    layout = slicer.mrmlScene.GetSingletonNode("vtkMRMLLayoutNode", "vtkMRMLLayoutNode")
    view = ThreeDView(size=256)
    view.window.Render()  # The camera is made by the view.
    views.show_in_3d(result.segmentation, visible=True)
    assert layout.GetViewArrangement() == layout.SlicerLayoutFourUpView
    for region, side in ((name, side) for name in BY_ABBREVIATION.values() for side in ("left", "right")):
        shown = (region.abbreviation, side) == ("M2", "left")
        result.segmentation.GetDisplayNode().SetSegmentVisibility(segment_id(region, side), shown)
    pixels = view.pixels().astype(int)
    saturated = np.argwhere((pixels.max(axis=2) - pixels.min(axis=2)) > 60)
    assert len(saturated) > 100
    assert saturated[:, 1].mean() > 128, "from the front the patient's left is on the right"
    views.show_in_3d(result.segmentation, visible=False)
    assert layout.GetViewArrangement() == layout.SlicerLayoutSideBySideView
