"""Windows map their ends to 0 and 1; stripping keeps the brain alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from deepstroke.errors import ConfigError, GeometryError
from deepstroke.preprocess.windowing import normalised, strip, window
from deepstroke.volume import LabelMap, Volume


def test_the_stroke_window_goes_from_20_to_60() -> None:
    shown = window(np.array([-1000.0, 20.0, 30.0, 40.0, 60.0, 3000.0]))
    assert shown.dtype == np.float32
    assert shown.tolist() == [0.0, 0.0, 0.25, 0.5, 1.0, 1.0]


def test_a_window_takes_whole_numbers_and_any_shape() -> None:
    shown = window(np.array([[0, 80], [160, 40]], np.int16), level=80.0, width=160.0)
    assert shown.tolist() == [[0.0, 0.5], [1.0, 0.25]]


@pytest.mark.parametrize("width", [0.0, -40.0, float("nan")])
def test_a_window_has_a_width(width: float) -> None:
    with pytest.raises(ConfigError, match="width of a window is above 0"):
        window(np.zeros(3), width=width)


def test_networks_see_the_range_as_0_to_1() -> None:
    hu = np.array([-1000, 0, 30, 100, 2000], np.int16)
    assert normalised(hu).tolist() == pytest.approx([0.0, 0.0, 0.3, 1.0, 1.0])
    assert normalised(hu).dtype == np.float32
    tensor = normalised(torch.from_numpy(hu), (-10.0, 110.0))
    assert tensor.dtype == torch.float32
    assert tensor.tolist() == pytest.approx([0.0, 10 / 120, 40 / 120, 110 / 120, 1.0])
    with pytest.raises(ConfigError, match="found 100 and 100"):
        normalised(hu, (100.0, 100.0))


def test_stripping_limits_hu_inside_and_empties_the_outside() -> None:
    volume = Volume(np.array([-1000, 30, 900, 30], np.int16).reshape(4, 1, 1), np.eye(4))
    brain = LabelMap(np.array([1, 1, 1, 0]).reshape(4, 1, 1), np.eye(4))
    stripped = strip(volume, brain)
    assert stripped.data.ravel().tolist() == [0.0, 30.0, 100.0, 0.0]
    assert stripped.data.dtype == np.float32
    assert strip(volume, brain, (20.0, 60.0)).data.ravel().tolist() == [20.0, 30.0, 60.0, 20.0]
    assert volume.data.ravel().tolist() == [-1000, 30, 900, 30], "the input stays as it was"


def test_stripping_checks_its_input() -> None:
    volume = Volume(np.zeros((2, 2, 2)), np.eye(4))
    with pytest.raises(GeometryError, match="the brain mask lies on another grid"):
        strip(volume, LabelMap(np.ones((2, 2, 2)), np.diag([1.0, 1.0, 2.0, 1.0])))
    with pytest.raises(ConfigError, match="found 100 and 0"):
        strip(volume, LabelMap(np.ones((2, 2, 2)), np.eye(4)), (100.0, 0.0))
