"""Training samples repeat, keep sides, and their template coordinates lead back to the regions."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage

from deepstroke import atlas
from deepstroke.errors import ConfigError
from deepstroke.frames import apply_affine
from deepstroke_training.synthesis import (
    AcquisitionSettings,
    AcuteInfarct,
    HeadSettings,
    PathologySettings,
    SyntheticHead,
    TrainingSample,
    TrainingSource,
)
from deepstroke_training.synthesis.variety import Variety


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


def test_fine_and_coarse_samples_of_a_seed_show_the_same_head(maker: SyntheticHead) -> None:
    """Every other voxel of the fine grid is one of the coarse grid."""
    quiet = AcquisitionSettings(noise_hu=0.0, tilt_degrees=10, yaw_degrees=10, thickness_mm=4.0, step_mm=4.0)
    infarct = PathologySettings((AcuteInfarct("right", ("M2", "L"), drop_hu=8, swelling_mm=2),))
    settings = HeadSettings(acquisition=quiet, pathology=infarct)
    coarse, fine = (
        TrainingSource(1, spacing_mm=step, shape=shape, jitter_mm=0.0, template=maker.template).make(4, settings)
        for step, shape in ((4.0, (39, 47, 39)), (2.0, (77, 93, 77)))
    )
    assert np.allclose(coarse.ijk_to_ras[:3, 3], fine.ijk_to_ras[:3, 3])
    every = (slice(None, None, 2),) * 3
    assert float((coarse.template_mm - fine.template_mm[:, ::2, ::2, ::2]).abs().mean()) < 0.05
    for name in ("regions", "lesions", "brain"):
        ours, theirs = getattr(coarse, name), getattr(fine, name)[every]
        assert float((ours == theirs).float().mean()) > 0.985
        assert float((ours == theirs)[(ours > 0) & (theirs > 0)].float().mean()) > 0.98
    inside = (coarse.brain & coarse.scanned) & (fine.brain & fine.scanned)[every]
    difference = (coarse.image[0] - fine.image[0][every])[inside].clamp(-40, 40)
    assert float(difference.abs().median()) < 2.0
    assert (
        float(np.corrcoef(coarse.image[0][inside].clamp(0, 80), fine.image[0][every][inside].clamp(0, 80))[0, 1]) > 0.8
    )


def test_a_sample_is_what_the_scan_of_its_head_shows(maker: SyntheticHead) -> None:
    """The scanner's own slices, straightened by hand: the same tissue stands at the same place."""
    acquisition = AcquisitionSettings(
        matrix=92, pixel_mm=2.5, render_mm=2.5, noise_hu=0.0, cupping_hu=0.0, streak_hu=0.0, head_rest=False
    )
    settings = HeadSettings(acquisition=acquisition, pathology=PathologySettings((AcuteInfarct("left", ("M5",)),)))
    case = maker.generate(6, settings)
    sample = TrainingSource(1, spacing_mm=2.5, shape=(64, 76, 64), jitter_mm=0.0, template=maker.template).make(
        6, settings
    )
    shown = case.regions
    voxels = torch.nonzero((sample.regions > 0) & sample.scanned).numpy()
    found = np.rint(shown.ijk_of(apply_affine(sample.ijk_to_ras, voxels))).astype(int)
    asked = sample.regions.numpy()[tuple(voxels.T)]
    assert (shown.data[tuple(found.T)] == asked).mean() > 0.9
    seen, scan = (
        ndimage.gaussian_filter(np.clip(hu, 0, 80.0), s)
        for hu, s in ((sample.image[0].numpy(), 1.0), (case.volume.data, (1.0, 1.0, 0.5)))
    )

    # Away from bone, which a thick slice spreads.
    deep = np.argwhere(ndimage.binary_erosion((sample.brain & sample.scanned).numpy(), iterations=4))

    def alike(*shift_mm: float) -> float:
        at = case.volume.ijk_of(apply_affine(sample.ijk_to_ras, deep) + shift_mm)
        return float(np.corrcoef(seen[tuple(deep.T)], ndimage.map_coordinates(scan, at.T, order=1))[0, 1])

    here = alike(0, 0, 0)
    assert here > 0.85
    assert all(alike(*shift) < here - 0.03 for shift in (3 * np.eye(3)).tolist() + (-3 * np.eye(3)).tolist())


@pytest.mark.parametrize("variety", ["wide", "held-out"])
def test_varied_samples_are_heads_with_their_truth(maker: SyntheticHead, variety: Variety) -> None:
    source = TrainingSource(5, spacing_mm=4.0, shape=(46, 52, 46), template=maker.template, variety=variety)
    plain = TrainingSource(5, spacing_mm=4.0, shape=(46, 52, 46), template=maker.template)
    for index in range(5):
        sample = source[index]
        assert sample.seed == plain[index].seed
        inside = sample.image[0][sample.brain & sample.scanned & (sample.regions > 0) & (sample.lesions == 0)]
        assert 15 < float(inside.median()) < 55
        assert bool(torch.isfinite(sample.image).all())
        assert float(sample.image[0][~sample.scanned].max()) == -1024
        left, right = (
            sample.template_mm[0][m] for m in ((sample.regions > 0) & (sample.regions < 11), sample.regions > 10)
        )
        assert float(left.max()) < 1
        assert float(right.min()) > -1
    assert not torch.equal(source[0].image, plain[0].image)
    assert torch.equal(source[0].image, source[0].image)


def test_an_unknown_variety_is_refused(maker: SyntheticHead) -> None:
    with pytest.raises(ConfigError, match="one of clinical, wide, held-out, found 'odd'"):
        TrainingSource(1, template=maker.template, variety="odd")  # type: ignore[arg-type]


@pytest.mark.gpu
def test_a_gpu_repeats_its_samples_without_the_processor(maker: SyntheticHead) -> None:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    source = TrainingSource(2, device="cuda", template=maker.template, variety="wide")
    once, twice = source[1], source[1]
    assert once.image.device.type == "cuda"
    assert torch.equal(once.image, twice.image)
    assert torch.equal(once.regions, twice.regions)
