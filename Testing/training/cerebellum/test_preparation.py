"""Preparation of T1 images: intensities, crop, and the synthetic heads it is tried on."""

from __future__ import annotations

import numpy as np
import pytest

from deepstroke.errors import ConfigError, GeometryError
from deepstroke.volume import Volume
from deepstroke_training.cerebellum.data import mask_of
from deepstroke_training.cerebellum.preparation import (
    Engine,
    PreparationSettings,
    bias_corrected,
    equalised,
    mni_to_image,
    prepare,
    rescaled,
)
from deepstroke_training.cerebellum.synthetic_t1 import SyntheticT1, labelled_average


def test_signal_is_spread_from_least_to_largest() -> None:
    assert rescaled(np.array([-2.0, 0.0, 2.0])).tolist() == [0, 127.5, 255]
    assert rescaled(np.full(3, 7.0)).tolist() == [0, 0, 0]


def test_grey_levels_above_zero_become_equally_frequent() -> None:
    levels = np.array([0, 0, 0, 0, 10, 10, 20, 200])
    assert equalised(levels).tolist() == [0, 0, 0, 0, 127.5, 127.5, 191.25, 255]


def test_the_papers_crop_lies_around_cerebellum_and_pons_or_where_it_is_put() -> None:
    grid = PreparationSettings().grid()
    assert grid.shape == (128, 128, 96)
    np.testing.assert_allclose(grid.ras_of((np.array(grid.shape) - 1) / 2), (0, -48, -32))
    moved = PreparationSettings(origin_mm=(-60, -110, -70)).grid()
    assert moved.ijk_to_ras[:3, 3].tolist() == [-60, -110, -70]
    assert PreparationSettings.in_mni(2.0).shape == (64, 64, 48)


def test_faulty_settings_are_told_together() -> None:
    with pytest.raises(ConfigError) as caught:
        PreparationSettings(engine="fsl", spacing_mm=9, shape=(128, 100, 96))  # type: ignore[arg-type]
    assert [line.split(":")[0] for line in str(caught.value).splitlines()] == ["engine", "spacing_mm", "shape"]


def test_the_average_has_a_cerebellum_and_a_brainstem_of_human_size() -> None:
    pytest.importorskip("nilearn")
    labels = labelled_average().labels
    right, left, stem = (labels.volume_ml(number) for number in (17, 18, 19))
    assert 55 < right < 85
    assert left == pytest.approx(right, rel=0.03)
    assert 20 < stem < 40
    middles = [labels.ras_of(np.argwhere(labels.data == number)).mean(0) for number in (17, 18, 19)]
    assert middles[0][0] > 15
    assert middles[1][0] < -15
    assert middles[2][1] > middles[0][1] + 20


def test_a_synthetic_head_goes_through_the_crop_with_its_labels() -> None:
    pytest.importorskip("nilearn")
    heads = SyntheticT1(4.0)
    image, labels = heads.case(1)
    np.testing.assert_array_equal(image.data, heads.case(1)[0].data)
    prepared = prepare(image, labels, PreparationSettings.in_mni(4.0))
    assert prepared.image.shape == (32, 32, 32)
    assert prepared.labels is not None
    assert 0 <= prepared.image.data.min() < 0.1 < 0.9 < prepared.image.data.max() <= 1
    lost = 1 - mask_of(prepared.labels, "cerebellum").sum() / mask_of(labels, "cerebellum").sum()
    assert abs(lost) < 0.02


def test_labels_on_another_grid_are_refused() -> None:
    image = Volume(np.zeros((8, 8, 8), np.float32), np.eye(4))
    with pytest.raises(GeometryError, match="the label map lies on another grid"):
        prepare(image, Volume(np.zeros((8, 8, 9), int), np.eye(4)).with_labels(np.zeros((8, 8, 9), int)))


def still_head() -> Volume:
    """The average itself at 3 mm, with another contrast and noise."""
    return SyntheticT1(3.0, scale=0, shift_mm=0, turn_deg=0, warp_mm=0, atrophy=0, bias=0).case(0)[0]


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["simpleitk", "ants"])
def test_registration_finds_a_known_motion(engine: Engine) -> None:
    pytest.importorskip("nilearn")
    if engine == "ants":
        pytest.importorskip("ants")
    turn = np.radians(8)
    motion = np.array(
        [[np.cos(turn), -np.sin(turn), 0, 6.0], [np.sin(turn), np.cos(turn), 0, -9.0], [0, 0, 1.03, 4.0], [0, 0, 0, 1]]
    )
    head = still_head()
    found = mni_to_image(Volume(head.data, motion @ head.ijk_to_ras), engine)
    points = np.array([[0, -60, -40, 1], [20, -50, -30, 1], [-40, 30, 40, 1], [0, 0, 0, 1.0]]).T
    assert np.linalg.norm((found @ points - motion @ points)[:3], axis=0).max() < 2.0


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["simpleitk", "ants"])
def test_n4_takes_most_of_a_bias_field_away(engine: Engine) -> None:
    pytest.importorskip("nilearn")
    if engine == "ants":
        pytest.importorskip("ants")
    head = still_head()
    slope = np.exp(np.linspace(-0.4, 0.4, head.shape[1]))[None, :, None]
    inside = head.data > np.percentile(head.data, 60)

    def unevenness(data: np.ndarray) -> float:
        return float(np.std(np.log(data[inside]) - np.log(head.data[inside])))

    before = unevenness(head.data * slope)
    assert unevenness(bias_corrected(head.with_data(head.data * slope), engine).data) < 0.6 * before
