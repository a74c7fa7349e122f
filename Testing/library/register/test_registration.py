from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

import phantoms_registration as phantoms
from deepstroke.errors import ConfigError, MissingDependencyError, RegistrationError
from deepstroke.frames import apply_affine
from deepstroke.register import FastSettings, QualityLimits, SpatialTransform, register
from deepstroke.register.peers import require_package
from deepstroke.volume import LabelMap, Volume

Heads = tuple[phantoms.Head, phantoms.Head]


def stored_otherwise(head: phantoms.Head) -> tuple[Volume, LabelMap]:
    """The same head with axes reordered and one of them reversed, so that the affine mirrors."""
    ijk_to_ras = head.image.ijk_to_ras @ np.array([[0, 0, 1, 0], [-1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1.0]])
    ijk_to_ras[:3, 3] += head.image.ijk_to_ras[:3, :3] @ [0, head.image.shape[1] - 1, 0]
    data, brain = (v.data[:, ::-1].transpose(1, 2, 0) for v in (head.image, head.brain))
    return Volume(data, ijk_to_ras), LabelMap(brain, ijk_to_ras)


def run(fixed: tuple[Volume, LabelMap], moving: phantoms.Head, settings: FastSettings) -> SpatialTransform:
    return register(
        fixed[0],
        moving.image,
        device="cpu",
        fixed_mask=fixed[1],
        moving_mask=moving.brain,
        settings=settings,
    )


def test_storage_order_changes_nothing(registered: SpatialTransform, heads: Heads, quick: FastSettings) -> None:
    fixed, moving = heads
    other = stored_otherwise(fixed)
    point = np.array([12, 30, 9])
    i, j, k = np.rint(other[0].ijk_of(fixed.image.ras_of(point))).astype(int)
    assert other[0].data[i, j, k] == fixed.image.data[12, 30, 9]
    assert np.linalg.det(other[0].ijk_to_ras[:3, :3]) * np.linalg.det(fixed.image.ijk_to_ras[:3, :3]) < 0
    points = phantoms.inside_points()
    again = run(other, moving, quick)
    np.testing.assert_allclose(again.map_points(points), registered.map_points(points), atol=1e-3)


def test_thick_slices_of_a_turned_head_find_their_way(heads: Heads, quick: FastSettings) -> None:
    turn = np.eye(4)
    turn[:3, :3] = pitched(25.0)
    head = phantoms.head(phantoms.grid((2.0, 2.0, 6.0)), lambda ras: apply_affine(turn, ras), noise_hu=3.0)
    transform = run((head.image, head.brain), heads[1], quick)
    points = apply_affine(np.linalg.inv(turn), phantoms.inside_points(0.7))
    apart = np.linalg.norm(transform.map_points(points) - apply_affine(turn, points), axis=1)
    assert apart.mean() < 2.5
    labels = transform.apply(heads[1].labels, head.image)
    clot = head.image.ras_of(np.argwhere(labels.data == phantoms.CLOT))
    np.testing.assert_allclose(apply_affine(turn, clot.mean(axis=0)), (-38, 32, 22), atol=3)


def pitched(pitch: float) -> np.ndarray:
    """A rotation about the left-right axis, in degrees."""
    c, s = np.cos(np.radians(pitch)), np.sin(np.radians(pitch))
    return np.array([[1, 0, 0], [0, c, -s], [0, s, c]])


def test_what_is_no_head_is_refused_with_its_figures(heads: Heads, quick: FastSettings) -> None:
    _, moving = heads
    noise = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=moving.image.shape), 1.5)
    blob = moving.image.with_data((40 + 200 * noise).astype(np.float32))
    corner = np.zeros(moving.image.shape, np.uint8)
    corner[5:25, 10:50, 15:35] = 1
    with pytest.raises(RegistrationError, match=r"the registration failed: .* expected"):
        run((blob, moving.image.with_labels(corner)), moving, quick)


def test_limits_turn_a_result_into_an_error_or_a_finding(heads: Heads, quick: FastSettings) -> None:
    fixed, moving = heads
    arguments = {"device": "cpu", "fixed_mask": fixed.brain, "moving_mask": moving.brain, "settings": quick}
    with pytest.raises(RegistrationError, match=r"Dice\) is 0\.9\d*, expected >= 0.999"):
        register(fixed.image, moving.image, limits=QualityLimits(least_mask_dice=0.999), **arguments)  # type: ignore[arg-type]
    doubtful = register(fixed.image, moving.image, limits=QualityLimits(doubtful_lncc=0.999), **arguments)  # type: ignore[arg-type]
    assert [finding.code for finding in doubtful.findings] == ["doubtful-registration"]


def test_progress_rises_to_the_end(heads: Heads, quick: FastSettings) -> None:
    fixed, moving = heads
    seen: list[float] = []
    register(
        fixed.image,
        moving.image,
        device="cpu",
        fixed_mask=fixed.brain,
        moving_mask=moving.brain,
        settings=quick,
        progress=lambda fraction, text: seen.append(fraction),
    )
    assert seen == sorted(seen)
    assert seen[0] == 0.0
    assert seen[-1] >= 0.95


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"engine": "elastix"}, "engine is one of fast, ants, greedy, found 'elastix'"),
        ({"preset": "syn"}, "only the engine 'ants' has presets"),
        ({"engine": "ants", "preset": "fastest"}, "preset 'fastest' with engine 'ants'"),
        ({"device": "tpu9"}, "device is auto, cpu, cuda or cuda:N, found 'tpu9'"),
    ],
)
def test_unknown_choices_are_refused(heads: Heads, arguments: dict, message: str) -> None:
    fixed, moving = heads
    with pytest.raises(ConfigError, match=message):
        register(fixed.image, moving.image, fixed_mask=fixed.brain, moving_mask=moving.brain, **arguments)


def test_a_missing_package_is_named_with_the_way_to_install_it() -> None:
    with pytest.raises(MissingDependencyError, match=r"pip install 'deepstroke\[ants\]'"):
        require_package("no_such_package_here", "ants", "ants")
