"""Predictions of a network made by hand: exact places, sides and probabilities on every kind of grid."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from deepstroke.devices import choose_device
from deepstroke.errors import GeometryError, InputError, WeightsError
from deepstroke.inference import InferenceSettings, NetworkSegmentation, NetworkSegmenter
from deepstroke.inference.reading import LabelReader
from deepstroke.volume import LabelMap, Volume
from phantoms_network import (
    BALL_ML,
    STEEPNESS,
    depths,
    grid,
    head,
    pose,
    template_points,
    true_labels,
    write_weights,
)

SIDED = ("background", *(f"{name} {side}" for side in ("left", "right") for name in
         ("C", "L", "IC", "I", "M1", "M2", "M3", "M4", "M5", "M6")))  # fmt: skip


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_weights(tmp_path_factory.mktemp("weights"))


def _segmenter(weights: Path, **settings: Any) -> NetworkSegmenter:
    return NetworkSegmenter.load(weights, choose_device("cpu"), InferenceSettings(backend="torch", **settings))


def _dice(a: NDArray, b: NDArray) -> float:
    return float(np.mean([2 * ((a == n) & (b == n)).sum() / ((a == n).sum() + (b == n).sum()) for n in range(1, 21)]))


def _require_exact(found: NetworkSegmentation, scan: Volume, template_to_scan: NDArray, within_mm: float = 0.6) -> None:
    """Every voxel further than ``within_mm`` from a ball's surface has the label known by hand."""
    sure = (np.abs(depths(template_points(scan, template_to_scan))) > within_mm).all(axis=0)
    expected = true_labels(scan, template_to_scan)
    assert np.array_equal(found.labels.data[sure], expected[sure])
    assert _dice(found.labels.data, expected) > 0.95


@pytest.mark.parametrize(
    ("where", "lies"),
    [
        (grid(), pose()),
        (grid((1.2, 1.2, 5.0)), pose(shift_mm=(4.0, -3.0, 5.0))),
        (grid((1.7, 1.9, 3.0), turn=(14.0, -11.0, 7.0)), pose()),
        (grid((2.0, 2.0, 2.5)), pose(pitch=3.0, scale=1.08)),
    ],
    ids=["isotropic", "thick slices", "oblique", "small turn and scale"],
)
def test_labels_stand_at_their_place_on_any_grid(weights: Path, where: Any, lies: NDArray) -> None:
    scan, brain = head(where, lies)
    found = _segmenter(weights).segment(scan, brain)
    _require_exact(found, scan, lies)
    assert len(found.prediction.passes) == 1
    assert found.prediction.pose is not None
    assert np.abs(found.prediction.pose.scan_to_template @ lies - np.eye(4)).max() < 0.3


def test_a_flipped_storage_gives_the_same_labels(weights: Path) -> None:
    scan, brain = head(grid((2.5, 2.5, 3.0)), pose())
    turned = np.eye(4)
    turned[0, 0], turned[2, 2] = -1.0, -1.0
    turned[:3, 3] = [scan.shape[0] - 1, 0, scan.shape[2] - 1]
    other = Volume(scan.data[::-1, :, ::-1], scan.ijk_to_ras @ turned)
    mask = LabelMap(brain.data[::-1, :, ::-1], other.ijk_to_ras)
    expected = _segmenter(weights).segment(scan, brain).labels.data
    assert np.array_equal(_segmenter(weights).segment(other, mask).labels.data[::-1, :, ::-1], expected)


def test_a_cropped_scan_keeps_the_places_of_what_it_shows(weights: Path) -> None:
    scan, brain = head(grid((2.5, 2.5, 3.0)), pose())
    low = 12
    ijk_to_ras = scan.ijk_to_ras.copy()
    ijk_to_ras[:3, 3] = scan.ras_of(np.array([0, 0, low]))
    cropped, mask = Volume(scan.data[:, :, low:], ijk_to_ras), LabelMap(brain.data[:, :, low:], ijk_to_ras)
    found = _segmenter(weights).segment(cropped, mask)
    _require_exact(found, cropped, pose())


def test_a_turned_head_is_brought_upright_and_segmented_again(weights: Path) -> None:
    lies = pose(pitch=34.0, yaw=-20.0, roll=12.0, shift_mm=(9.0, -6.0, 12.0))
    scan, brain = head(grid((2.0, 2.0, 3.0), margin_mm=30.0), lies)
    found = _segmenter(weights).segment(scan, brain)
    first, second = found.prediction.passes
    assert first.turned_deg == pytest.approx(39.3, abs=0.5)  # of the three turns together
    assert second.turned_deg < 1.0
    assert second.shifted_mm < 1.0
    _require_exact(found, scan, lies)


def test_the_second_pass_is_left_out_within_the_limits(weights: Path) -> None:
    scan, brain = head(grid(), pose(yaw=8.0))
    once = _segmenter(weights, second_pass_degrees=10.0).segment(scan, brain)
    twice = _segmenter(weights, second_pass_degrees=5.0).segment(scan, brain)
    assert (len(once.prediction.passes), len(twice.prediction.passes)) == (1, 2)
    assert _dice(once.labels.data, twice.labels.data) > 0.97


def test_a_mirrored_patient_has_mirrored_labels(weights: Path) -> None:
    scan, brain = head(grid(), pose(yaw=4.0))
    mirrored, mask = scan.with_data(scan.data[::-1]), LabelMap(brain.data[::-1], brain.ijk_to_ras)
    straight = _segmenter(weights).segment(scan, brain).labels.data
    other = _segmenter(weights).segment(mirrored, mask).labels.data[::-1]
    exchanged = np.where(other > 10, other - 10, np.where(other > 0, other + 10, 0))
    assert _dice(exchanged, straight) > 0.97
    assert _dice(other, straight) < 0.01


def test_confidence_is_the_probability_of_the_label(weights: Path) -> None:
    scan, brain = head(grid(), pose())
    found = _segmenter(weights).segment(scan, brain)
    logits = STEEPNESS * depths(template_points(scan, pose()))
    chances = np.exp(np.concatenate([np.zeros((1, *scan.shape)), logits]))
    expected = (chances / chances.sum(axis=0)).max(axis=0)
    # Logits that are interpolated are too low near the middle of a ball, where they have a tip.
    sure = brain.mask & (logits.max(axis=0) < 6.0 * STEEPNESS)
    assert np.abs(found.confidence.data - expected)[sure].max() < 0.15
    assert np.abs(found.confidence.data - expected)[sure].mean() < 0.01
    assert (found.confidence.data[~brain.mask] == 0).all()


def test_temperature_softens_probabilities_and_keeps_labels(weights: Path, tmp_path: Path) -> None:
    scan, brain = head(grid((3.0, 3.0, 3.0)), pose())
    soft = _segmenter(write_weights(tmp_path, output={"temperature": 4.0})).segment(scan, brain)
    sharp = _segmenter(weights).segment(scan, brain)
    assert np.array_equal(soft.labels.data, sharp.labels.data)
    assert soft.evidence.mean_confidence < sharp.evidence.mean_confidence - 0.05


def test_regions_are_measured_and_judged(weights: Path) -> None:
    scan, brain = head(grid(), pose())
    found = _segmenter(weights).segment(scan, brain)
    assert all(ml == pytest.approx(BALL_ML, rel=0.06) for ml in found.evidence.volumes_ml.values())
    assert found.findings == ()
    assert set(found.evidence.confidence) == set(range(1, 21))


def test_flips_agree_with_one_look_at_a_symmetric_head(weights: Path) -> None:
    scan, brain = head(grid(), pose(shift_mm=(3.0, 0.0, 0.0)))
    flipped = _segmenter(weights, flips=True).segment(scan, brain)
    assert _dice(flipped.labels.data, _segmenter(weights).segment(scan, brain).labels.data) > 0.99
    _require_exact(flipped, scan, pose(shift_mm=(3.0, 0.0, 0.0)))


@pytest.mark.parametrize("flips", [False, True])
def test_sided_channels_tell_sides_themselves(tmp_path: Path, flips: bool) -> None:
    weights = write_weights(tmp_path, settings={"sided": True}, labels=SIDED)
    scan, brain = head(grid(), pose())
    _require_exact(_segmenter(weights, flips=flips).segment(scan, brain), scan, pose())


def test_without_coordinates_sides_come_from_the_given_midline(tmp_path: Path) -> None:
    weights = write_weights(tmp_path, settings={"coordinates": False}, coordinates=False)
    scan, brain = head(grid(), pose(shift_mm=(12.0, 0.0, 0.0)))
    found = _segmenter(weights).segment(scan, brain, midline=np.array([1.0, 0.0, 0.0, -12.0]))
    _require_exact(found, scan, pose(shift_mm=(12.0, 0.0, 0.0)))
    assert found.prediction.pose is None


def test_any_points_can_be_read(weights: Path) -> None:
    scan, brain = head(grid(), pose())
    segmenter = _segmenter(weights)
    reader = LabelReader(segmenter.predict(scan, brain), segmenter.manifest.output, np.zeros(4))
    points = np.array([[24.0, -57.0, -8.0], [-24.0, 23.0, 22.0], [0.0, -17.0, 5.5], [500.0, 0.0, 0.0]])
    found = reader.read(points, np.eye(4))
    assert found.labels.tolist() == [11, 10, 0, 0]
    assert found.confidence[:2].min() > 0.99
    assert found.confidence[3] == 0
    assert reader.probability_of(np.array([1, 20, 3, 3], np.uint8), points, np.eye(4))[:3] == pytest.approx(
        [1.0, 1.0, 0.0], abs=1e-3
    )


def test_a_network_whose_coordinates_scatter_is_refused(tmp_path: Path) -> None:
    scan, brain = head(grid((3.0, 3.0, 3.0)), pose())
    weights = write_weights(tmp_path, settings={"noise": 20.0})
    with pytest.raises(InputError, match="template coordinates scatter by") as refused:
        _segmenter(weights).segment(scan, brain)
    assert refused.value.code == "out-of-domain"


def test_half_a_head_is_warned_of_or_refused_by_name(weights: Path) -> None:
    scan, brain = head(grid((3.0, 3.0, 3.0)), pose())
    # The marks in the mid-sagittal plane stay, the left hemisphere is no brain.
    half = LabelMap(brain.mask & (template_points(scan, pose())[..., 0] > -12), brain.ijk_to_ras)
    with pytest.raises(InputError, match="10 of 20 regions are missing: left C, left L"):
        _segmenter(weights).segment(scan, half)


def test_missing_regions_are_named(weights: Path) -> None:
    scan, brain = head(grid((3.0, 3.0, 3.0)), pose())
    points = template_points(scan, pose())
    shown = LabelMap(
        brain.mask & ~((points[..., 0] < -14) & (points[..., 2] > 12) & (points[..., 1] > 13)), brain.ijk_to_ras
    )
    found = _segmenter(weights).segment(scan, shown)
    assert [f.message for f in found.findings if f.code == "region-missing"] == [
        "The network found no voxel of left M6."
    ]


def test_a_mask_on_another_grid_is_refused(weights: Path) -> None:
    scan, _ = head(grid((3.0, 3.0, 3.0)), pose())
    _, brain = head(grid((4.0, 4.0, 4.0)), pose())
    with pytest.raises(GeometryError, match="the brain mask lies on another grid"):
        _segmenter(weights).predict(scan, brain)


def test_channels_that_the_manifest_does_not_name_are_refused(tmp_path: Path) -> None:
    weights = write_weights(tmp_path, coordinates=False)
    with pytest.raises(WeightsError, match="give 14 channels, their manifest names 11"):
        _segmenter(weights).predict(*head(grid((3.0, 3.0, 3.0)), pose()))


def test_values_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    weights = write_weights(tmp_path, settings={"noise": float("inf")})
    with pytest.raises(WeightsError, match="values that are not finite on PyTorch float32 on cpu"):
        _segmenter(weights).predict(*head(grid((3.0, 3.0, 3.0)), pose()))


def test_weights_for_registered_heads_alone_are_refused(tmp_path: Path) -> None:
    weights = write_weights(tmp_path, input={"stages": ["registered"]})
    with pytest.raises(WeightsError, match="take heads that are registered; raw or stripped is expected"):
        _segmenter(weights).predict(*head(grid((3.0, 3.0, 3.0)), pose()))


@pytest.mark.gpu
def test_a_gpu_gives_the_same_labels(weights: Path) -> None:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    scan, brain = head(grid(), pose())
    on_gpu = NetworkSegmenter.load(weights, choose_device("cuda"), InferenceSettings(precision="float32"))
    assert _dice(on_gpu.segment(scan, brain).labels.data, true_labels(scan, pose())) > 0.95
