"""Slices lie where they should, and noise, cupping and streaks are as strong as set."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from deepstroke.errors import ConfigError
from deepstroke.frames import shear_degrees
from deepstroke_training.synthesis import AcquisitionSettings
from deepstroke_training.synthesis.acquisition import (
    expose,
    exposure,
    in_circle,
    noise_planes,
    plan_slices,
    slice_heights,
    slice_noise,
    streaks,
    subslice_offsets,
    to_matrix,
)
from deepstroke_training.synthesis.random_fields import generator

CPU = torch.device("cpu")


def test_tilted_slices_rise_towards_the_face_and_move_along_the_table() -> None:
    settings = AcquisitionSettings(matrix=64, pixel_mm=2.0, step_mm=5.0, tilt_degrees=15.0)
    stack = plan_slices(settings, -50.0, 50.0, np.zeros(3))
    assert shear_degrees(stack.ijk_to_ras) == pytest.approx(15.0)
    assert stack.ijk_to_ras[:3, 2] == pytest.approx((0, 0, 5.0 / np.cos(np.radians(15))))
    assert stack.ijk_to_ras[2, 1] > 0
    assert stack.normal @ stack.ijk_to_ras[:3, 2] == pytest.approx(5.0)


def test_a_scan_in_two_parts_changes_its_step_once_and_fits_no_volume() -> None:
    settings = AcquisitionSettings(step_mm=3.0, upper_step_mm=7.0, tilt_degrees=0.0)
    assert slice_heights(settings, -10.0, 0.0, 20.0).tolist() == [-10, -7, -4, -1, 6, 13, 20]
    assert slice_heights(settings, -10.0, -30.0, 5.0).tolist() == [-10, -3, 4]
    assert slice_heights(settings, -10.0, 40.0, -3.0).tolist() == [-10, -7, -4]
    with pytest.raises(ConfigError, match="one step between slices, found 3 and 7 mm"):
        plan_slices(settings, -10.0, 20.0, np.zeros(3))


def test_the_field_of_view_lies_beside_the_head_where_it_is_shifted() -> None:
    settings = AcquisitionSettings(matrix=65, pixel_mm=2.0, field_shift_mm=(10.0, -6.0))
    stack = plan_slices(settings, 0.0, 10.0, np.array([3.0, 4.0, 0.0]))
    assert stack.ijk_to_ras[:3] @ (32, 32, 0, 1) == pytest.approx((13.0, -2.0, 0.0))


def test_a_coarser_stack_covers_the_same_field_of_view() -> None:
    stack = plan_slices(AcquisitionSettings(matrix=64, pixel_mm=0.5), 0.0, 10.0, np.array([3.0, 4.0, 0.0]))
    coarse = stack.coarser(2.0)
    assert coarse.shape == (16, 16, 3)
    edge = np.array([-0.5, -0.5, 0, 1])
    assert coarse.ijk_to_ras @ edge == pytest.approx(stack.ijk_to_ras @ edge)
    assert coarse.points(1, CPU)[:, 0, 0].numpy() == pytest.approx(coarse.ijk_to_ras[:3] @ (0, 0, 1, 1), abs=1e-4)


def test_a_thick_slab_is_sampled_evenly_about_its_middle() -> None:
    assert subslice_offsets(5.0) == pytest.approx([-1.875, -0.625, 0.625, 1.875])
    assert subslice_offsets(0.8) == pytest.approx([0.0])


def test_noise_is_band_passed_as_on_a_scanner_and_weaker_on_coarse_pixels() -> None:
    fine = next(slice_noise(AcquisitionSettings(matrix=256, pixel_mm=0.45), 1, 1, CPU))
    lag_one = float((fine[1:] * fine[:-1]).mean() / fine.var())
    assert float(fine.std()) == pytest.approx(1.0, abs=0.05)
    assert 0.65 < lag_one < 0.8
    coarse = next(slice_noise(AcquisitionSettings(matrix=256, pixel_mm=2.0), 1, 1, CPU))
    assert float(coarse.std()) == pytest.approx(0.6, abs=0.05)


def test_noise_of_all_slices_at_once_is_as_strong_also_on_oblong_pixels() -> None:
    fine = AcquisitionSettings(noise_wavelength_mm=3.0)
    noise = noise_planes(fine, (2, 256, 300), (0.4, 0.5), 1, CPU)
    assert noise.shape == (2, 256, 300)
    assert float(noise.std()) == pytest.approx(1.0, abs=0.05)
    across, along = (float((a * b).mean() / noise.var()) for a, b in (neighbours(noise, 1), neighbours(noise, 2)))
    assert across > along + 0.05, "neighbours 0.4 mm apart are more alike than those 0.5 mm apart"


def neighbours(image: torch.Tensor, axis: int) -> tuple[torch.Tensor, torch.Tensor]:
    return image.narrow(axis, 1, image.shape[axis] - 1), image.narrow(axis, 0, image.shape[axis] - 1)


def test_noise_has_little_power_at_long_waves() -> None:
    noise = next(slice_noise(AcquisitionSettings(matrix=256, pixel_mm=0.45), 1, 2, CPU))
    smoothed = torch.nn.functional.avg_pool2d(torch.randn(1, 1, 512, 512, generator=generator(1, "n", CPU)), 4, 1)
    means = [
        float(torch.nn.functional.avg_pool2d(image / image.std(), 32).std()) for image in (noise[None, None], smoothed)
    ]
    assert means[0] < 0.6 * means[1], "smoothed white noise of the same grain has more"


def test_cupping_brightens_the_rim_of_the_brain_only() -> None:
    axis = torch.linspace(-100, 100, 101)
    brain = ((axis[:, None] ** 2 + axis[None, :] ** 2) < 60**2).float()
    settings = AcquisitionSettings(matrix=101, pixel_mm=2.0, cupping_hu=4.0, streak_hu=0.0, noise_hu=2.0)
    added = exposure(brain * 30.0, brain, settings, 2.0)[0]
    assert float(added[50, 50]) == pytest.approx(0.0, abs=1e-4)
    assert float(added[50, 50 + 29]) > 2.5
    assert float(added[0, 0]) == 0.0


def test_a_dark_band_lies_between_facing_bones_and_not_beside_them() -> None:
    hu = torch.full((101, 101), 30.0)
    hu[20:35, 48:53] = 1800.0
    hu[66:81, 48:53] = 1800.0
    added = streaks(hu, AcquisitionSettings(streak_hu=10.0), 1.0)
    assert float(added[50, 50]) < -1.0
    assert float(added[50, 20]) == 0.0
    assert float(added[5, 50]) == 0.0


def test_slices_together_are_exposed_as_each_alone() -> None:
    hu = torch.full((3, 61, 61), -1000.0)
    hu[1, 10:51, 10:51], hu[1, 10:20, 28:33], hu[1, 40:51, 28:33], hu[2, 20:40, 20:40] = 30.0, 1700.0, 1700.0, 40.0
    brain = (hu > 0).float()
    settings = AcquisitionSettings(cupping_hu=4.0, streak_hu=8.0)
    together = exposure(hu, brain, settings, 2.5)
    alone = torch.stack([exposure(h, b, settings, 2.5) for h, b in zip(hu, brain, strict=True)], dim=1)
    assert float((together - alone).abs().max()) < 1e-4
    assert float(together[0, 1].min()) < -1


def test_nothing_is_reconstructed_outside_the_circle() -> None:
    hu = torch.zeros(33, 33)
    shown = in_circle(expose(hu, torch.zeros(2, 33, 33), torch.zeros(33, 33)))
    assert float(shown[0, 0]) == -1024.0
    assert float(shown[16, 0]) == 0.0


def test_bringing_an_image_to_the_matrix_keeps_its_place() -> None:
    ramp = torch.arange(8.0)[None, :, None].expand(1, 8, 8)
    fine = to_matrix(ramp, (32, 32))[0]
    assert float(fine[16, 5]) == pytest.approx((16 + 0.5) / 4 - 0.5)


def test_impossible_settings_name_every_fault() -> None:
    with pytest.raises(ConfigError, match=r"thickness_mm is 0.3..10, found 20; tilt_degrees is -30..30, found 50"):
        AcquisitionSettings(thickness_mm=20, tilt_degrees=50)
    with pytest.raises(ConfigError, match="bottom_mm must lie below top_mm"):
        AcquisitionSettings(bottom_mm=10, top_mm=0)
