"""Distribution of intensities as the Image Biomarker Standardisation Initiative (IBSI) defines it.

Source: Zwanenburg et al., Radiology 295 (2020) 328-338; definitions in the IBSI reference manual, arXiv:1612.07003,
sections 3.3 (statistics) and 3.4 (histogram). Names are the manual's.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def intensity_statistics(values: NDArray[np.float64]) -> dict[str, float]:
    """Statistics of intensities, shape (voxels,).

    Skewness and excess kurtosis of a constant sample are 0, and ratios over 0 are 0, as the manual asks.
    """
    mean, median = float(values.mean()), float(np.median(values))
    p10, p25, p75, p90 = np.percentile(values, [10, 25, 75, 90]).tolist()
    variance = float(np.mean((values - mean) ** 2))
    middle = values[(values >= p10) & (values <= p90)]
    return {
        "mean": mean,
        "variance": variance,
        "skewness": _moment(values, mean, variance, 3),
        "kurtosis": _moment(values, mean, variance, 4) - 3.0 if variance > 0 else 0.0,
        "median": median,
        "minimum": float(values.min()),
        "p10": p10,
        "p90": p90,
        "maximum": float(values.max()),
        "interquartile_range": p75 - p25,
        "range": float(np.ptp(values)),
        "mean_absolute_deviation": float(np.abs(values - mean).mean()),
        "robust_mean_absolute_deviation": float(np.abs(middle - middle.mean()).mean()),
        "median_absolute_deviation": float(np.abs(values - median).mean()),
        "coefficient_of_variation": float(np.sqrt(variance) / mean) if mean else 0.0,
        "quartile_coefficient_of_dispersion": (p75 - p25) / (p75 + p25) if p75 + p25 else 0.0,
        "energy": float(np.sum(values**2)),
        "root_mean_square": float(np.sqrt(np.mean(values**2))),
    }


def histogram_features(levels: NDArray[np.int64]) -> dict[str, float]:
    """Entropy (bits) and uniformity of grey levels, shape (voxels,)."""
    shares = np.bincount(levels) / levels.size
    shares = shares[shares > 0]
    return {"entropy": float(-(shares * np.log2(shares)).sum()), "uniformity": float((shares**2).sum())}


def _moment(values: NDArray[np.float64], mean: float, variance: float, order: int) -> float:
    return float(np.mean((values - mean) ** order) / variance ** (order / 2)) if variance > 0 else 0.0
