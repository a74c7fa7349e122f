"""Plots and pictures: they are drawn, and show what they should."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from deepstroke.errors import GeometryError
from deepstroke.volume import LabelMap, Volume
from deepstroke_training.evaluation import Evaluation, EvaluationSettings, evaluate_cases
from deepstroke_training.evaluation.overlays import draw_overlay
from phantoms_regions import boxes

_PLOTS = ("dice.png", "hd95.png", "volumes.png", "cases.png")
_MISSED, _ADDED, _OTHER, _SIDE = (86, 180, 233), (230, 80, 60), (240, 190, 60), (200, 90, 220)


def _pixels(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB")).astype(int)


def _near(path: Path, colour: tuple[int, int, int], tolerance: int = 40) -> int:
    """Pixels of about a colour, without the lowest tenth of the picture, where the legend stands."""
    pixels = _pixels(path)
    return int((np.abs(pixels[: len(pixels) * 9 // 10] - colour).max(axis=-1) < tolerance).sum())


@pytest.mark.parametrize("name", _PLOTS)
def test_every_plot_is_drawn(evaluation: Evaluation, name: str) -> None:
    pixels = _pixels(evaluation.folder / name)
    assert min(pixels.shape[:2]) > 300
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 20


def test_the_heat_map_shows_the_missing_region_and_the_swapped_case(
    case, tmp_path: Path, evaluation: Evaluation
) -> None:
    dark = (68, 1, 84)  # the lowest colour of the map
    perfect = evaluate_cases([case(n, boxes()) for n in range(4)], tmp_path, EvaluationSettings(worst=0, draws=100))
    assert _near(evaluation.folder / "cases.png", dark, 5) > 20 * _near(perfect.folder / "cases.png", dark, 5)


def test_plots_of_one_unsided_case_without_a_region(case, tmp_path: Path) -> None:
    labels = boxes(without=(4, 14), sided=False)
    evaluate_cases([case(1, labels, labels)], tmp_path, EvaluationSettings(worst=0, draws=100))
    assert all((tmp_path / name).is_file() for name in _PLOTS)


@pytest.mark.parametrize(
    ("prediction", "truth", "colour"),
    [
        (boxes(without=range(4, 21)), boxes(), _MISSED),
        (boxes(), boxes(without=range(4, 21)), _ADDED),
        (LabelMap(np.where(boxes().data == 5, 6, boxes().data), boxes().ijk_to_ras), boxes(), _OTHER),
        (boxes(swapped=True), boxes(), _SIDE),
    ],
)
def test_errors_have_their_colours(prediction: LabelMap, truth: LabelMap, colour, tmp_path: Path) -> None:
    draw_overlay(truth, truth, None, ("right", ""), tmp_path / "right.png")
    draw_overlay(prediction, truth, None, ("wrong", ""), tmp_path / "wrong.png")
    assert _near(tmp_path / "wrong.png", colour) > _near(tmp_path / "right.png", colour) + 100


def test_the_patients_left_is_on_the_right_of_the_picture(tmp_path: Path) -> None:
    draw_overlay(boxes(without=range(1, 11)), boxes(), None, ("", ""), tmp_path / "left-missed.png")
    pixels = _pixels(tmp_path / "left-missed.png")
    errors = pixels[: len(pixels) * 9 // 10, pixels.shape[1] * 2 // 3 :]
    columns = np.argwhere(np.abs(errors - _MISSED).max(axis=-1) < 60)[:, 1]
    assert columns.size
    assert columns.mean() > errors.shape[1] * 0.55


def test_the_image_lies_behind_the_outlines(tmp_path: Path) -> None:
    bright = np.zeros(boxes().shape, np.float32)
    bright[9:15] = 80.0  # between the hemispheres
    draw_overlay(boxes(), boxes(), Volume(bright, boxes().ijk_to_ras), ("", ""), tmp_path / "with.png")
    draw_overlay(boxes(), boxes(), None, ("", ""), tmp_path / "without.png")
    assert _near(tmp_path / "with.png", (255, 255, 255)) > _near(tmp_path / "without.png", (255, 255, 255)) + 1000


def test_an_image_on_another_grid_is_refused(tmp_path: Path) -> None:
    image = Volume(np.zeros((5, 5, 5), np.float32), np.eye(4))
    with pytest.raises(GeometryError, match="the image lies on another grid"):
        draw_overlay(boxes(), boxes(), image, ("", ""), tmp_path / "x.png")
