"""The maps of an Asymmetry Disentanglement Network as volumes."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from deepstroke.errors import InputError
from deepstroke.frames import Affine
from deepstroke.networks import AsymmetryDisentanglementNetwork
from deepstroke.volume import Volume

#: Names of the maps' files, by those of ``AsymmetryMaps``.
MAP_FILES = {
    "aligned": "x",
    "total": "a",
    "pathological": "p",
    "intrinsic": "q",
    "salient": "x-hat",
    "compensated": "x-tilde",
    "segmentation": "lesion-probability",
}
#: The one that lies on the image's own grid.
PROBABILITY = "lesion-probability"


def disentangled(network: AsymmetryDisentanglementNetwork, image: Volume) -> dict[str, Volume]:
    """The maps of a skull-stripped image, by the names of their files.

    Args:
        network: on the CPU or a GPU.
        image: 0..1 on an isotropic grid in the slices, i being left-right.

    Returns:
        X, A, P, Q, X_hat and X_tilde on the aligned grid, each voxel with its true place in the image's RAS+ mm; and
        the lesion's probability on the image's own grid.

    Raises:
        InputError: the image isn't within 0..1.
        ConfigError: it is too small for the network.
    """
    data: NDArray[np.float32] = image.data.astype(np.float32)
    if data.min() < 0 or data.max() > 1:
        raise InputError(f"the image must lie within 0..1, found {data.min():g} to {data.max():g}", code="image-range")
    device = next(network.parameters()).device
    with torch.inference_mode():
        maps = network.eval().disentangle(torch.from_numpy(data)[None, None].to(device))
    arrays = {file: getattr(maps, name)[0, 0].cpu().numpy() for name, file in MAP_FILES.items()}
    aligned = _aligned_to_ras(image, maps.pose.aligned_to_input[0].cpu().numpy())
    return {
        file: image.with_data(data) if file == PROBABILITY else Volume(data, aligned) for file, data in arrays.items()
    }


def _aligned_to_ras(image: Volume, aligned_to_input: Affine) -> Affine:
    """Voxels of the aligned grid to RAS+ mm; the matrix is of voxels from the centre of the volume."""
    from_centre = np.eye(4)
    from_centre[:3, 3] = (np.array(image.shape) - 1) / 2
    return np.asarray(image.ijk_to_ras @ from_centre @ aligned_to_input @ np.linalg.inv(from_centre))
