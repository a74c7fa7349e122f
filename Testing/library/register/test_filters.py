from __future__ import annotations

import pytest
import torch

from deepstroke.register.filters import box_mean, doubled, gaussian, halved


def impulse() -> torch.Tensor:
    image = torch.zeros(1, 21, 23, 25)
    image[0, 10, 11, 12] = 1.0
    return image


def test_a_box_mean_is_the_mean_of_the_cube() -> None:
    image = torch.rand(2, 9, 8, 10)
    means = box_mean(image, 2)
    assert means.shape == (2, 5, 4, 6)
    torch.testing.assert_close(means[1, 3, 2, 4], image[1, 3:8, 2:7, 4:9].mean())


@pytest.mark.parametrize("sigma", [0.35, 0.7, 0.85, 1.5, 3.0])
def test_a_gaussian_has_the_variance_its_sigma_says(sigma: float) -> None:
    smooth = gaussian(impulse(), sigma)[0]
    assert float(smooth.sum()) == pytest.approx(1.0, abs=0.01)
    for axis, n in enumerate(smooth.shape):
        profile = smooth.sum(dim=[a for a in range(3) if a != axis])
        offsets = torch.arange(n) - n // 2
        assert float((profile * offsets**2).sum()) == pytest.approx(sigma**2, rel=0.06)


def test_zeros_beyond_the_border_pull_the_border_down() -> None:
    smooth = gaussian(torch.ones(1, 20, 20, 20), 2.0)[0]
    assert float(smooth[10, 10, 10]) == pytest.approx(1.0, abs=1e-5)
    assert float(smooth[0, 10, 10]) == pytest.approx(0.6, abs=0.05)


def test_halving_takes_block_means() -> None:
    image = torch.rand(3, 8, 12, 4)
    torch.testing.assert_close(halved(image, 2)[2, 1, 2, 0], image[2, 4:8, 8:12, 0:4].mean())
    assert halved(image, 0) is image


def test_doubling_continues_a_ramp_at_the_new_voxel_centres() -> None:
    i, j, k = torch.meshgrid(*(torch.arange(n, dtype=torch.float32) for n in (5, 6, 7)), indexing="ij")
    ramp = 1.0 * i + 10.0 * j + 100.0 * k
    fine = doubled(ramp[None])[0]
    assert fine.shape == (10, 12, 14)
    # The centre of fine voxel n lies at (n - 0.5) / 2 coarse voxels.
    assert float(fine[4, 5, 6]) == pytest.approx(1.75 + 22.5 + 275.0)
    assert float(fine[0, 0, 0]) == 0.0
