"""Which grey levels lie beside which: the grey level co-occurrence matrix (GLCM) and features of it.

Source: Haralick, Shanmugam and Dinstein, IEEE Trans SMC 3 (1973) 610-621, as the IBSI reference manual defines them,
arXiv:1612.07003, section 3.6: in 3D, at a distance of one voxel, both ways, all 13 directions merged in one matrix.
"""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

#: One of each two opposite directions to the 26 neighbours.
DIRECTIONS: tuple[tuple[int, int, int], ...] = tuple(d for d in product((-1, 0, 1), repeat=3) if d > (0, 0, 0))  # type: ignore[misc]


def cooccurrences(levels: NDArray[np.integer], count: int) -> NDArray[np.float64]:
    """The merged, symmetric GLCM as shares that sum to 1, shape (count, count); all 0 where no two voxels touch.

    Args:
        levels: (i, j, k) grey levels 1..count in the region, 0 outside it.
        count: number of grey levels.
    """
    matrix = np.zeros((count + 1) ** 2, dtype=np.float64)
    for direction in DIRECTIONS:
        here, there = _shifted(levels, direction)
        pairs = here.astype(np.int64) * (count + 1) + there
        matrix += np.bincount(pairs.ravel(), minlength=matrix.size)
    inner = matrix.reshape(count + 1, count + 1)[1:, 1:]
    inner = inner + inner.T
    return np.asarray(inner / max(inner.sum(), 1.0))


def cooccurrence_features(shares: NDArray[np.float64]) -> dict[str, float]:
    """Features of a GLCM of shares, shape (levels, levels); names are the manual's."""
    levels = np.arange(1, len(shares) + 1, dtype=np.float64)
    i, j = levels[:, None], levels[None, :]
    marginal = shares.sum(axis=1)
    mean = float((levels * marginal).sum())
    variance = float(((levels - mean) ** 2 * marginal).sum())
    difference, total = _by(np.abs(i - j), shares), _by(i + j, shares)
    covariance = float(((i - mean) * (j - mean) * shares).sum())
    return {
        "joint_maximum": float(shares.max()),
        "joint_average": mean,
        "joint_variance": variance,
        "joint_entropy": _entropy(shares.ravel()),
        "difference_entropy": _entropy(difference),
        "sum_entropy": _entropy(total),
        "angular_second_moment": float((shares**2).sum()),
        "contrast": float(((i - j) ** 2 * shares).sum()),
        "dissimilarity": float((np.abs(i - j) * shares).sum()),
        "inverse_difference": float((shares / (1.0 + np.abs(i - j))).sum()),
        "inverse_difference_moment": float((shares / (1.0 + (i - j) ** 2)).sum()),
        "correlation": covariance / variance if variance > 0 else 1.0,
        "autocorrelation": float((i * j * shares).sum()),
        "cluster_tendency": float(((i + j - 2 * mean) ** 2 * shares).sum()),
        "cluster_shade": float(((i + j - 2 * mean) ** 3 * shares).sum()),
        "cluster_prominence": float(((i + j - 2 * mean) ** 4 * shares).sum()),
    }


def _shifted(levels: NDArray, direction: tuple[int, int, int]) -> tuple[NDArray, NDArray]:
    """The part of an array that has a neighbour in a direction, and these neighbours."""
    here = tuple(slice(max(0, -d), n - max(0, d)) for d, n in zip(direction, levels.shape, strict=True))
    there = tuple(slice(max(0, d), n - max(0, -d)) for d, n in zip(direction, levels.shape, strict=True))
    return levels[here], levels[there]


def _by(values: NDArray[np.float64], shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shares summed over equal values."""
    return np.asarray(np.bincount(values.astype(np.int64).ravel(), shares.ravel()), dtype=np.float64)


def _entropy(shares: NDArray[np.float64]) -> float:
    positive = shares[shares > 0]
    return float(-(positive * np.log2(positive)).sum())
