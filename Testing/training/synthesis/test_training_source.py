"""Training samples repeat, keep sides, and their template coordinates lead back to the regions."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from deepstroke import atlas
from deepstroke_training.synthesis import (
    AcquisitionSettings,
    AcuteInfarct,
    HeadSettings,
    PathologySettings,
    SyntheticHead,
    TrainingSample,
    TrainingSource,
)


@pytest.fixture(scope="module")
def source(maker: SyntheticHead) -> TrainingSource:
    return TrainingSource(length=3, spacing_mm=3.0, shape=(56, 68, 56), template=maker.template)


@pytest.fixture(scope="module")
def sample(source: TrainingSource) -> TrainingSample:
    tilted = AcquisitionSettings(tilt_degrees=15, pitch_degrees=12, yaw_degrees=8, shift_mm=(5, 0, -5))
    infarct = PathologySettings((AcuteInfarct("left", ("M2", "M5"), drop_hu=9),))
    return source.make(11, HeadSettings(acquisition=tilted, pathology=infarct))


def test_an_index_gives_the_same_bits_twice(source: TrainingSource) -> None:
    once, twice = source[1], source[1]
    assert torch.equal(once.image, twice.image)
    assert torch.equal(once.regions, twice.regions)
    assert len(source) == 3
    with pytest.raises(IndexError, match="sample 3 of 3"):
        source[3]


def test_a_sample_holds_a_head_on_the_asked_grid(sample: TrainingSample) -> None:
    assert sample.image.shape == (1, 56, 68, 56)
    assert sample.image.dtype == torch.float32
    assert 1100 < float(sample.brain.sum()) * 0.027 < 1700
    inside = sample.image[0][sample.brain & sample.scanned]
    assert 25 < float(inside.median()) < 40
    assert sorted(sample.regions.unique().tolist()) == list(range(21))


def test_sides_are_the_patients(sample: TrainingSample) -> None:
    template_x = sample.template_mm[0]
    left, right = sample.regions.float().where(sample.regions <= 10, 0) > 0, sample.regions > 10
    assert float(template_x[left].max()) < 1
    assert float(template_x[right].min()) > -1
    assert float(template_x[sample.lesions == 1].mean()) < -30
    scanner_x = sample.ijk_to_ras[0, 0] * np.argwhere(left.numpy())[:, 0] + sample.ijk_to_ras[0, 3]
    assert scanner_x.mean() < -20


def test_template_coordinates_point_to_the_atlas_region(sample: TrainingSample) -> None:
    labels = atlas.load().labels
    voxels = torch.nonzero(sample.regions)
    points = sample.template_mm[:, voxels[:, 0], voxels[:, 1], voxels[:, 2]].T.numpy()
    i, j, k = np.rint(labels.ijk_of(points)).astype(int).T
    found = labels.data[i, j, k]
    asked = sample.regions[voxels[:, 0], voxels[:, 1], voxels[:, 2]].numpy()
    assert (found == asked).mean() > 0.97


def test_what_no_slice_covers_is_marked(source: TrainingSource) -> None:
    cut = source.make(5, HeadSettings(acquisition=AcquisitionSettings(bottom_mm=-20)))
    unseen = cut.brain & ~cut.scanned
    assert int(unseen.sum()) * 0.027 > 100
    assert float(cut.image[0][unseen].max()) == -1024
