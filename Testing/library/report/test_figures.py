"""The pictures show the right slices the right way round, in the regions' colours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from deepstroke.errors import InputError
from deepstroke.regions import BY_ABBREVIATION, REGIONS
from deepstroke.report.axial import axial_slices
from deepstroke.report.figures import Caption, draw_figure, draw_overview
from deepstroke.volume import LabelMap, Volume

Head = tuple[Volume, LabelMap]
DPI = 150
CAPTION = Caption("Atlas registration (fast)", "made 1.0")


def drawn(head: Head, path: Path) -> NDArray[np.uint8]:
    draw_figure(*head, path, CAPTION)
    return np.asarray(Image.open(path).convert("RGB"))


def panel(figure: NDArray, head: Head, row: int, column: int) -> NDArray:
    """The pixels of one of the four panels, 4.6 inches wide, by the layout's inches."""
    slices = axial_slices(*head)
    height = 4.6 * slices.height_mm / slices.width_mm
    left, top = 0.2 + column * 4.68, 1.4 + row * (height + 0.42)
    return figure[round(top * DPI) : round((top + height) * DPI), round(left * DPI) : round((left + 4.6) * DPI)]


def colours(picture: NDArray) -> set[str]:
    """Regions whose exact colour is somewhere in a picture."""
    seen = set(np.unique(picture.astype(np.uint32) @ (65536, 256, 1)).tolist())
    return {r.abbreviation for r in REGIONS if r.colour[0] * 65536 + r.colour[1] * 256 + r.colour[2] in seen}


def test_the_left_lesion_is_on_the_right_of_the_picture(head: Head, tmp_path: Path) -> None:
    plain = panel(drawn(head, tmp_path / "figure.png"), head, 0, 0).astype(float).mean(axis=2)
    rows, columns = plain.shape
    # M2 reaches from 42 to 57 mm beside the midline on both sides, at mid height.
    offset = round(50 / axial_slices(*head).width_mm * columns)
    strip = plain[round(0.45 * rows) : round(0.5 * rows)]
    left_of_picture = strip[:, columns // 2 - offset - 10 : columns // 2 - offset + 10].mean()
    right_of_picture = strip[:, columns // 2 + offset - 10 : columns // 2 + offset + 10].mean()
    assert left_of_picture == pytest.approx((36 - 20) / 40 * 255, abs=6)
    assert right_of_picture == pytest.approx((24 - 20) / 40 * 255, abs=6)


def test_each_level_shows_its_regions_and_the_plain_one_none(head: Head, tmp_path: Path) -> None:
    figure = drawn(head, tmp_path / "figure.png")
    assert colours(panel(figure, head, 0, 0)) == colours(panel(figure, head, 1, 0)) == set()
    assert colours(panel(figure, head, 0, 1)) == {"C", "L", "IC", "I", "M1", "M2", "M3"}
    assert colours(panel(figure, head, 1, 1)) == {"M4", "M5", "M6"}


def test_outlines_lie_on_their_side(head: Head, tmp_path: Path) -> None:
    volume, labels = head
    only_left_m1 = labels.with_labels(np.where(np.isin(labels.data, [5, 2, 8]), labels.data, 0))
    outlined = panel(drawn((volume, only_left_m1), tmp_path / "figure.png"), (volume, only_left_m1), 0, 1)
    where = np.argwhere((outlined == BY_ABBREVIATION["M1"].colour).all(axis=2))
    assert where[:, 1].min() > outlined.shape[1] / 2  # the patient's left, on the right of the picture
    assert where[:, 0].max() < outlined.shape[0] / 2  # in front


def test_the_same_result_gives_the_same_bytes(head: Head, tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        draw_figure(*head, tmp_path / name, CAPTION)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "b.png"]


def test_no_global_state_of_pyplot_is_touched(head: Head, tmp_path: Path) -> None:
    from matplotlib import pyplot

    pyplot.close("all")
    draw_figure(*head, tmp_path / "figure.png", CAPTION)
    assert pyplot.get_fignums() == []


def test_a_scan_without_the_upper_level_still_has_a_figure(head: Head, tmp_path: Path) -> None:
    volume, labels = head
    lower = labels.with_labels(np.where(np.isin(labels.data % 10, [8, 9, 0]), 0, labels.data))
    figure = drawn((volume, lower), tmp_path / "figure.png")
    assert colours(panel(figure, head, 0, 1)) == {"C", "L", "IC", "I", "M1", "M2", "M3"}
    assert panel(figure, head, 1, 1).max() < 20


def test_an_overview_shows_all_labelled_slices(head: Head, tmp_path: Path) -> None:
    draw_overview(*head, tmp_path / "overview.png", CAPTION)
    overview = np.asarray(Image.open(tmp_path / "overview.png").convert("RGB"))
    assert colours(overview) == set(BY_ABBREVIATION)
    # Slices 6 to 17 (z from -10 to 45 mm) hold labels: twelve tiles in two rows of seven.
    assert overview.shape[1] == round((7 * 2.0 + 0.4) * DPI)
    draw_overview(*head, tmp_path / "few.png", CAPTION, most=3)
    assert Image.open(tmp_path / "few.png").width < overview.shape[1]


def test_nothing_to_draw_is_an_error(head: Head, tmp_path: Path) -> None:
    volume, labels = head
    with pytest.raises(InputError, match="the label map is empty"):
        draw_figure(volume, labels.with_labels(np.zeros(labels.shape, np.uint8)), tmp_path / "figure.png", CAPTION)
    assert not list(tmp_path.iterdir())
