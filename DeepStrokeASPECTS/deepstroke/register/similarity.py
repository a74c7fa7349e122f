"""Local normalised cross-correlation (LNCC) of two images, and how it changes with each of them.

With local means m, variances v (with a floor) and covariance c in a cube around each voxel, the signed LNCC is
c / sqrt(v_a v_b). Its sum changes with the intensity b(x) by the box mean of
``(a - m_a) / sqrt(v_a v_b) - c (b - m_b) / (v_b sqrt(v_a v_b))`` over the cubes that hold x; see Avants et al.,
Medical Image Analysis 12 (2008) 26, and Cachier et al., CVIU 89 (2003) 272. The signed form doesn't let dark match
bright, as the squared one does.
"""

from __future__ import annotations

import torch
from torch import Tensor

from deepstroke.register.filters import box_mean


def lncc(a: Tensor, b: Tensor, radius: int, variance_floor: float) -> Tensor:
    """Signed LNCC of two (1, I, J, K) images in HU; the floor is in HU squared."""
    _, _, _, scale, _, _, covariance = _local_statistics(a, b, radius, variance_floor)
    return covariance * scale


def lncc_slopes(a: Tensor, b: Tensor, radius: int, variance_floor: float) -> tuple[Tensor, Tensor, Tensor]:
    """The signed LNCC, and the change of its sum with each intensity of a and of b; all (1, I, J, K)."""
    mean_a, mean_b, _, scale, variance_a, variance_b, covariance = _local_statistics(a, b, radius, variance_floor)
    value = covariance * scale
    by_a, by_b = value / variance_a, value / variance_b
    terms = [scale, by_a, by_b, scale * mean_a - by_b * mean_b, scale * mean_b - by_a * mean_a]
    scale, by_a, by_b, rest_b, rest_a = box_mean(torch.cat(terms), radius).split(1)
    return value, b * scale - a * by_a - rest_a, a * scale - b * by_b - rest_b


def _local_statistics(a: Tensor, b: Tensor, radius: int, variance_floor: float) -> tuple[Tensor, ...]:
    mean_a, mean_b, aa, bb, ab = box_mean(torch.cat([a, b, a * a, b * b, a * b]), radius).split(1)
    variance_a = (aa - mean_a * mean_a).clamp_(min=0).add_(variance_floor)
    variance_b = (bb - mean_b * mean_b).clamp_(min=0).add_(variance_floor)
    scale = (variance_a * variance_b).rsqrt_()
    return mean_a, mean_b, ab, scale, variance_a, variance_b, ab - mean_a * mean_b
