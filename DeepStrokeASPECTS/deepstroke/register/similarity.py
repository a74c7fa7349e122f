"""Local normalised cross-correlation (LNCC) of two images, and which way it rises.

With local means m, variances v (plus a floor) and covariance c in the cube around a voxel, the signed LNCC there is
c / sqrt(v_a v_b). As in Avants et al., Medical Image Analysis 12 (2008) 26, the slope with the intensity b(x) is
taken of the cube centred at x alone: ((a - m_a) - (b - m_b) c / v_b) / sqrt(v_a v_b). The signed form, unlike the
squared one, doesn't let dark match bright.
"""

from __future__ import annotations

import torch
from torch import Tensor

from deepstroke.register.filters import box_mean


def lncc(pair: Tensor, radius: int, variance_floor: float) -> Tensor:
    """Signed LNCC (I, J, K) of a pair of images (2, I, J, K) in HU, which are 0 beyond the border.

    Args:
        pair: both images on one grid.
        radius: the cubes' half-width, voxels.
        variance_floor: added to both variances, HU squared; it keeps noise in flat places from counting.
    """
    value, _, _, _ = _local_statistics(pair, radius, variance_floor)
    return value


def lncc_slopes(pair: Tensor, radius: int, variance_floor: float) -> Tensor:
    """How the signed LNCC at each voxel changes with each image's intensity there, (2, I, J, K) per HU."""
    value, means, variances, scale = _local_statistics(pair, radius, variance_floor)
    centred = pair - means
    return torch.addcmul(centred.flip(0) * scale, centred / variances, value, value=-1)


def _local_statistics(pair: Tensor, radius: int, variance_floor: float) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Signed LNCC (I, J, K), means and variances (2, I, J, K), and 1 / sqrt(v_a v_b) (I, J, K)."""
    padded = pair.new_zeros((5, *(n + 2 * radius for n in pair.shape[1:])))
    i, j, k = (slice(radius, radius + n) for n in pair.shape[1:])
    moments = padded[:, i, j, k]
    moments[:2] = pair
    torch.mul(pair, pair, out=moments[2:4])
    torch.mul(pair[0], pair[1], out=moments[4])
    moments = box_mean(padded, radius)
    means, squares, product = moments[:2], moments[2:4], moments[4]
    variances = squares.addcmul_(means, means, value=-1).clamp_(min=0).add_(variance_floor)
    covariance = product.addcmul_(means[0], means[1], value=-1)
    scale = (variances[0] * variances[1]).rsqrt_()
    return covariance * scale, means, variances, scale
