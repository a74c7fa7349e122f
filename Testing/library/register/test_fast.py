from __future__ import annotations

import numpy as np
import pytest
import torch

import phantoms_registration as phantoms
from deepstroke.errors import ConfigError
from deepstroke.progress import silent
from deepstroke.register import FastSettings, SpatialTransform
from deepstroke.register.fast import fast_transform
from deepstroke.register.settings import DiffeomorphicSettings
from deepstroke.register.transform import DisplacementField
from deepstroke.register.working_image import working_image

Heads = tuple[phantoms.Head, phantoms.Head]


def errors_mm(transform: SpatialTransform, points: np.ndarray) -> np.ndarray:
    return np.linalg.norm(transform.map_points(points) - phantoms.bend(points), axis=1)


def test_a_known_bend_is_found(registered: SpatialTransform) -> None:
    points = phantoms.inside_points(0.7)
    before = np.linalg.norm(phantoms.bend(points) - points, axis=1)
    assert before.mean() > 3.0
    assert errors_mm(registered, points).mean() < before.mean() / 3


def test_labels_follow_and_keep_their_sides(registered: SpatialTransform, heads: Heads) -> None:
    fixed, moving = heads
    found = registered.apply(moving.labels, fixed.image)
    for label in phantoms.STRUCTURES:
        true, mine = fixed.labels.data == label, found.data == label
        assert 2 * np.count_nonzero(true & mine) / (np.count_nonzero(true) + np.count_nonzero(mine)) > 0.8
    assert found.ras_of(np.argwhere(found.data == phantoms.CLOT))[:, 0].max() < 0


def test_the_map_neither_folds_nor_loses_its_way_back(registered: SpatialTransform) -> None:
    assert registered.quality is not None
    assert registered.quality.jacobian_min > 0
    assert registered.quality.affine_scale > 0
    assert registered.quality.inverse_error_mean_mm < 0.05


def test_the_same_input_gives_the_same_bits(heads: Heads, quick: FastSettings) -> None:
    fixed, moving = (working_image(head.image, head.brain, 4.0, 12.0) for head in heads)
    one, two = (fast_transform(fixed, moving, None, quick, torch.device("cpu"), silent) for _ in range(2))
    for a, b in zip(one.steps + one.inverse_steps, two.steps + two.inverse_steps, strict=True):
        if isinstance(a, DisplacementField) and isinstance(b, DisplacementField):
            np.testing.assert_array_equal(a.data, b.data)
        else:
            np.testing.assert_array_equal(a, b)


def test_the_deformation_fades_to_the_affine_outside(registered: SpatialTransform) -> None:
    displacement, affine = registered.steps
    assert isinstance(displacement, DisplacementField)
    border = np.ones(displacement.data.shape[:3], dtype=bool)
    border[1:-1, 1:-1, 1:-1] = False
    assert np.abs(displacement.data[border]).max() < 0.05
    assert np.linalg.norm(displacement.data, axis=3).max() > 2
    far = np.array([[150.0, -160.0, 170.0]])
    np.testing.assert_allclose(registered.map_points(far), SpatialTransform.from_affine(affine).map_points(far))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"halvings": (0, 1), "iterations": (5, 5)}, "coarse to fine"),
        ({"halvings": (1, 0), "iterations": (5,)}, "one number of iterations a level"),
        ({"halvings": (3,), "iterations": (5,)}, "halvings 0..2"),
        ({"radius": 0}, "radius >= 1"),
        ({"step": 0.0}, "step > 0"),
        ({"step_decay": 1.0}, "step_decay in 0..1"),
    ],
)
def test_settings_out_of_range_are_refused(values: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        DiffeomorphicSettings(**values)


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(ConfigError, match=r"radius.*step_decay"):
        DiffeomorphicSettings(radius=0, step_decay=2.0)


def test_lengths_out_of_range_are_refused() -> None:
    with pytest.raises(ConfigError, match="margin_mm of two voxels or more"):
        FastSettings(spacing_mm=2.0, margin_mm=1.0)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_gpu_gives_the_same_map(registered: SpatialTransform, heads: Heads, quick: FastSettings) -> None:
    fixed, moving = (working_image(head.image, head.brain, 4.0, 12.0) for head in heads)
    on_gpu = fast_transform(fixed, moving, None, quick, torch.device("cuda"), silent)
    points = phantoms.inside_points()
    apart = np.linalg.norm(on_gpu.map_points(points) - registered.map_points(points), axis=1)
    assert apart.mean() < 0.1
