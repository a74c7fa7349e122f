"""Cases of the comparison: planes of symmetry, tissue, and AISD's files."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from deepstroke.errors import ConfigError, InputError
from deepstroke.networks import InPlanePose
from deepstroke_training.asymmetry.cases import (
    StrokeBatch,
    StrokeCase,
    averaged,
    fitted_midplane,
    midplane_of,
    read_aisd,
    resized,
    shown,
    synthetic_strokes,
)
from deepstroke_training.asymmetry.settings import AsymmetrySettings


def test_a_plane_is_found_where_it_was_put_and_a_pose_has_the_same() -> None:
    angle, offset = math.radians(10), 6.0
    grid = (np.indices((20, 24, 10)) - np.array([9.5, 11.5, 4.5]).reshape(3, 1, 1, 1)) * 3.0
    template_x = 0.9 * (math.cos(angle) * grid[0] + math.sin(angle) * grid[1] - offset)
    found = fitted_midplane(template_x, np.ones(template_x.shape, bool), 3.0)
    assert found == pytest.approx((angle, offset))
    along = torch.tensor([[math.cos(angle), math.sin(angle)]]) * offset / 3.0
    slid = along + 5 * torch.tensor([[-math.sin(angle), math.cos(angle)]])
    for translation in (along, slid):
        pose = InPlanePose.of(torch.tensor([angle]), translation)
        assert midplane_of(pose, 3.0)[0] == pytest.approx((angle, offset), abs=1e-5)


def test_density_within_the_window_is_shown_of_the_brain_alone() -> None:
    hu = np.array([[[-50.0, 0, 40, 80, 200, 40]]])
    brain = np.array([[[True, True, True, True, True, False]]])
    assert shown(hu, brain).ravel().tolist() == [0, 0, 0.5, 1, 1, 0]


def test_blocks_become_their_means() -> None:
    volume = np.zeros((4, 2, 6))
    volume[2:, :, :2] = 8.0
    volume[0, 0, 5] = 4.0
    coarse = averaged(volume, 2)
    assert coarse.tolist() == [[[0, 0, 0.5]], [[8, 0, 0]]]
    np.testing.assert_array_equal(averaged(volume, 1), volume)


def test_tissue_leaves_lesions_out() -> None:
    tissue = np.zeros((4, 4, 4), np.uint8)
    tissue[0], tissue[1], tissue[2] = 1, 2, 3
    lesion = np.zeros_like(tissue)
    lesion[0] = 1
    batch = StrokeBatch.of([StrokeCase(tissue.astype(np.float32), lesion, tissue, (1, 1, 1))])
    maps = batch.tissue_maps()
    assert (maps.grey.sum().item(), maps.white.sum().item(), maps.csf.sum().item()) == (0, 16, 16)
    assert maps.white[0, 0, 1].min() == 1


def test_resizing_keeps_the_middle_and_the_size_in_mm() -> None:
    image = np.zeros((100, 100, 20), np.float32)
    image[40:60, 45:55, 8:12] = 1
    found = resized(image, (2.4, 2.4, 5.0))
    assert found.shape == (256, 256, 40)
    inside = np.argwhere(found > 0.5)
    np.testing.assert_allclose(inside.mean(0), (127.5, 127.5, 19.5))
    assert (np.ptp(inside, axis=0) + 1).tolist() == [40, 20, 4]


def test_a_missing_aisd_says_what_is_expected_and_where_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"image, mask, spacing\.csv is missing; .*github\.com/GriffinLiang/AISD"):
        read_aisd(tmp_path, 1)


def test_aisd_is_turned_to_right_and_front(tmp_path: Path) -> None:
    pytest.importorskip("ants")
    picture, mark = np.zeros((40, 40), np.uint8), np.zeros((40, 40), np.uint8)
    picture[4:36, 6:34], picture[10:30, 12:28], picture[16:24, 16:24] = 120, 90, 20
    mark[5:12, 7:14] = 3  # in front, on the left of the picture, which is the patient's right
    for kind, pixels in (("image", picture), ("mask", mark)):
        (tmp_path / kind / "scan").mkdir(parents=True)
        for number in range(6):
            Image.fromarray(pixels).save(tmp_path / kind / "scan" / f"{number:03}.png")
    (tmp_path / "spacing.csv").write_text("scan,i,j,k\nscan,4.8,4.8,5\n")
    (case,) = read_aisd(tmp_path, 1)
    middle = np.argwhere(case.lesion).mean(0) - 127.5
    assert middle[0] > 20
    assert middle[1] > 20
    with pytest.raises(InputError, match="lists 1 scans, the settings want 2"):
        read_aisd(tmp_path, 2)


def test_presets_differ_in_rate_and_batch_and_faults_are_told_together() -> None:
    assert (AsymmetrySettings().learning_rate, AsymmetrySettings().alignment_batch) == (1e-3, 6)
    reference = AsymmetrySettings("reference")
    assert (reference.learning_rate, reference.alignment_batch) == (1e-4, 40)
    with pytest.raises(ConfigError) as caught:
        AsymmetrySettings(test_cases=1, methods=("vnet",), shape=(8, 32, 32))  # type: ignore[arg-type]
    assert [line.split(":")[0] for line in str(caught.value).splitlines()] == ["test_cases", "methods", "shape"]


@pytest.mark.slow
def test_every_synthetic_stroke_has_an_infarct_within_its_brain() -> None:
    settings = AsymmetrySettings(spacing_mm=8.0, shape=(24, 28, 20), supersampling=2)
    cases = synthetic_strokes(settings, 2)
    assert len(cases) == 2
    for case in cases:
        lesion = case.lesion > 0
        assert lesion.any()
        assert (case.tissue[lesion] > 0).all()
        assert case.image.shape == settings.shape
        assert 0 <= case.image.min() < case.image.max() <= 1
        assert case.midplane is not None
        assert abs(np.degrees(case.midplane[0])) < 30
    np.testing.assert_array_equal(synthetic_strokes(settings, 1)[0].image, cases[0].image)
