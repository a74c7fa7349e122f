"""Pictures of asymmetry maps: colours, orientation and choice of slices, by volumes set by hand."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image

from deepstroke.report.map_pictures import coloured, picture_maps
from deepstroke.volume import LabelMap, Volume

HU_RANGE = (0.0, 80.0)
SHAPE = (20, 24, 10)


def made(**marks: tuple[int, int, int]) -> tuple[dict[str, Volume], LabelMap]:
    """X of 0.5 in a block, other maps 0 but for a mark of 3 x 3 x 1 voxels, and an infarct of 3 x 2 voxels at k = 6."""
    affine = np.diag([2.0, 2.0, 5.0, 1.0])
    head = np.zeros(SHAPE, np.float32)
    head[2:18, 3:21, 2:8] = 0.5
    maps = {"x": Volume(head, affine)}
    for name, (i, j, k) in marks.items():
        data = np.zeros(SHAPE, np.float32)
        data[i - 1 : i + 2, j - 1 : j + 2, k] = 0.2
        maps[name] = Volume(data, affine)
    lesion = np.zeros(SHAPE, np.uint8)
    lesion[4:7, 10:12, 6] = 1
    return maps, LabelMap(lesion, affine)


def opened(uri: str) -> np.ndarray:
    kind, _, packed = uri.partition(",")
    assert kind == "data:image/webp;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(packed))).convert("RGB")).astype(int)


def test_nothing_is_black_and_more_is_brighter() -> None:
    values = np.array([[0.0, 0.1, 0.2, 0.9]])
    darker = coloured(values, "darker", HU_RANGE)[0].astype(int)
    assert darker[0].tolist() == [0, 0, 0]
    assert darker.sum(axis=1)[0] < darker.sum(axis=1)[1] < darker.sum(axis=1)[2]
    assert darker[2].tolist() == darker[3].tolist(), "beyond the range the strongest colour stays"
    signed = coloured(np.array([[-0.2, 0.0, 0.2]]), "signed", HU_RANGE)[0].astype(int)
    assert signed[1].tolist() == [0, 0, 0]
    assert signed[0, 2] > signed[0, 0], "blue where it is brighter than the other side"
    assert signed[2, 0] > signed[2, 2], "red where it is darker"


def test_images_are_shown_in_the_window_of_the_scan() -> None:
    grey = coloured(np.array([[0.0, 0.25, 0.5, 0.75, 1.0, np.nan]]), "image", HU_RANGE)
    assert grey.tolist() == [[0, 0, 128, 255, 255, 0]]


def test_the_patients_left_and_front_lie_right_and_up() -> None:
    maps, infarct = made(p=(5, 18, 4))  # at low i and high j: left and anterior in RAS+
    stack = picture_maps(maps, infarct, HU_RANGE)
    picture = opened(next(one for one in stack.slices if one.number == 5).images["p"]).sum(axis=2)
    row, column = np.unravel_index(int(picture.argmax()), picture.shape)
    assert row < picture.shape[0] / 2
    assert column > picture.shape[1] / 2


def test_slices_of_the_head_are_shown_and_that_with_most_infarct_first() -> None:
    maps, infarct = made(a=(5, 8, 4))
    stack = picture_maps(maps, infarct, HU_RANGE)
    assert [one.number for one in stack.slices] == [3, 4, 5, 6, 7, 8]
    assert (stack.first, stack.total) == (7, 10)
    assert [one.number for one in stack.slices if one.infarct] == [7]
    assert [each.facts.file for each in stack.maps] == ["x", "a"], "what wasn't made is left out"
    assert stack.maps[1].found == pytest.approx((0.0, 0.2))
    assert stack.maps[0].shown_hu == pytest.approx((20.0, 60.0))
    assert stack.maps[1].shown_hu == pytest.approx((0.0, 16.0))


def test_the_outline_lies_where_the_infarct_is() -> None:
    maps, infarct = made()
    (outlined,) = [one for one in picture_maps(maps, infarct, HU_RANGE).slices if one.infarct]
    # The head begins at i = 2 and j = 3, less a margin of 6 mm that the grid's ends cut to 2 and 3 voxels; the picture
    # runs from i = 20 to 0 and from j = 23 to 0 in voxels of 2 mm, 20 units each.
    x, y = (int(word) for word in outlined.infarct[1:].split("l")[0].split())
    assert 20 * (20 - 7) <= x <= 20 * (20 - 4)
    assert 20 * (24 - 12) <= y <= 20 * (24 - 10)


def test_without_an_infarct_the_middle_slice_is_first_and_many_are_thinned() -> None:
    maps, infarct = made()
    stack = picture_maps(maps, infarct.with_labels(np.zeros(SHAPE, np.uint8)), HU_RANGE, most=3)
    assert len(stack.slices) == 3
    assert stack.first == stack.slices[1].number
    empty = {"x": maps["x"].with_data(np.zeros(SHAPE, np.float32))}
    assert len(picture_maps(empty, infarct, HU_RANGE).slices) == SHAPE[2], "a head that was moved out is shown, too"
