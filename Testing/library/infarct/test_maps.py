"""The maps of a network as volumes: what they hold, and where they lie in the patient."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from deepstroke.errors import InputError
from deepstroke.infarct.maps import disentangled
from deepstroke.networks import AsymmetryDisentanglementNetwork
from deepstroke.volume import Volume


def test_maps_belong_together_and_an_image_of_hu_is_refused() -> None:
    torch.manual_seed(0)
    image = Volume(np.random.default_rng(0).random((16, 16, 16), np.float32), np.eye(4))
    maps = disentangled(AsymmetryDisentanglementNetwork(base_channels=8), image)
    assert set(maps) == {"x", "a", "p", "q", "x-hat", "x-tilde", "lesion-probability"}
    np.testing.assert_allclose(maps["a"].data, maps["p"].data + maps["q"].data, atol=1e-5)
    with pytest.raises(InputError, match=r"within 0\.\.1"):
        disentangled(AsymmetryDisentanglementNetwork(base_channels=8), image.with_data(image.data * 80))


def turning(angle_deg: float, along_i: float, along_j: float, voxels: int) -> AsymmetryDisentanglementNetwork:
    """An ADN that always finds this pose: an angle, and a translation in voxels."""
    network = AsymmetryDisentanglementNetwork(base_channels=8)
    regress, limits = network.alignment.regress, network.alignment.limits
    numbers = torch.zeros(6)
    numbers[2] = math.atanh(angle_deg / network.alignment.rotation_deg)
    for n, (shift, limit) in enumerate(zip((along_i, along_j), limits, strict=True)):
        numbers[3 + n] = math.atanh(shift / (limit * voxels))
    nn.init.zeros_(regress.weight)
    with torch.no_grad():
        regress.bias.copy_(numbers)
    return network


@pytest.mark.parametrize("pose", [(0.0, 0.0, 0.0), (20.0, 3.0, -2.0), (-35.0, -1.5, 4.0)])
def test_maps_lie_where_they_belong_in_the_patient(pose: tuple[float, float, float]) -> None:
    affine = np.diag([3.0, 3.0, 5.0, 1.0])
    affine[:3, 3] = -40.0, 12.0, 7.0
    data = np.zeros((32, 32, 16), np.float32)
    data[18:22, 9:13, 6:9] = 1.0
    image = Volume(data, affine)
    aligned = disentangled(turning(*pose, voxels=32), image)["x"]
    assert (aligned.data.shape, aligned.spacing_mm) == (image.data.shape, pytest.approx(image.spacing_mm))
    np.testing.assert_allclose(_centre(aligned), _centre(image), atol=0.3)
    moved = np.linalg.norm(_centre(Volume(aligned.data, affine)) - _centre(image))
    assert (moved > 5.0) == (pose[0] != 0), "the pose moves the head within the grid"


def _centre(volume: Volume) -> np.ndarray:
    """Mean place in RAS+ mm, weighted by the values."""
    places = volume.ras_of(np.moveaxis(np.indices(volume.shape), 0, -1))
    return (places * volume.data[..., None]).sum(axis=(0, 1, 2)) / volume.data.sum()
