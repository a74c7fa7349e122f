"""First-order, shape and GLCM features against the reference values of the IBSI digital phantom.

Phantom and values: Zwanenburg et al., the IBSI reference manual, arXiv:1612.07003, chapter 5 (CC BY 4.0): 5 x 4 x 4
voxels of 2 mm, of which 74 belong to the region.
"""

from __future__ import annotations

import numpy as np
import pytest

from deepstroke.scoring.cooccurrence import DIRECTIONS, cooccurrence_features, cooccurrences
from deepstroke.scoring.first_order import histogram_features, intensity_statistics
from deepstroke.scoring.shape import shape_features

#: Slices from z = 1 to 4, rows y, columns x; 0 lies outside the region.
PHANTOM = np.array(
    [
        [[1, 4, 4, 1, 1], [1, 4, 6, 1, 1], [4, 1, 6, 4, 1], [4, 4, 6, 4, 1]],
        [[1, 4, 4, 1, 1], [1, 1, 6, 1, 1], [0, 1, 3, 1, 1], [4, 4, 6, 1, 1]],
        [[1, 4, 4, 0, 0], [1, 1, 1, 1, 1], [1, 1, 0, 1, 1], [1, 1, 6, 1, 1]],
        [[1, 4, 4, 0, 0], [1, 1, 1, 1, 1], [1, 1, 1, 1, 1], [1, 1, 6, 1, 1]],
    ]
).transpose(2, 1, 0)
SPACING_MM = (2.0, 2.0, 2.0)
REGION = PHANTOM > 0

STATISTICS = {
    "mean": 2.15,
    "variance": 3.05,
    "skewness": 1.08,
    "kurtosis": -0.355,
    "median": 1.0,
    "minimum": 1.0,
    "p10": 1.0,
    "p90": 4.0,
    "maximum": 6.0,
    "interquartile_range": 3.0,
    "range": 5.0,
    "mean_absolute_deviation": 1.55,
    "robust_mean_absolute_deviation": 1.11,
    "median_absolute_deviation": 1.15,
    "coefficient_of_variation": 0.812,
    "quartile_coefficient_of_dispersion": 0.6,
    "energy": 567.0,
    "root_mean_square": 2.77,
}
SHAPE = {
    "voxel_volume": 592.0,
    "major_axis_length": 11.4,
    "minor_axis_length": 9.31,
    "least_axis_length": 8.54,
    "elongation": 0.816,
    "flatness": 0.749,
    "centre_of_mass_shift": 0.672,
}
#: 3D, all directions merged.
COOCCURRENCE = {
    "joint_maximum": 0.509,
    "joint_average": 2.15,
    "joint_variance": 3.13,
    "joint_entropy": 2.57,
    "difference_entropy": 1.64,
    "sum_entropy": 2.11,
    "angular_second_moment": 0.291,
    "contrast": 5.12,
    "dissimilarity": 1.38,
    "inverse_difference": 0.688,
    "inverse_difference_moment": 0.631,
    "correlation": 0.183,
    "autocorrelation": 5.19,
    "cluster_tendency": 7.41,
    "cluster_shade": 17.4,
    "cluster_prominence": 147.0,
}


def as_published(value: float, reference: float) -> bool:
    """Whether a value rounds to the reference, which the manual gives with three digits."""
    digits = 2 - int(np.floor(np.log10(abs(reference))))
    return abs(value - reference) <= 0.5000001 * 10.0**-digits


def test_the_phantom_holds_what_the_manual_says() -> None:
    assert PHANTOM.shape == (5, 4, 4)
    assert np.count_nonzero(REGION) == 74


@pytest.mark.parametrize(("name", "reference"), STATISTICS.items())
def test_statistics(name: str, reference: float) -> None:
    found = intensity_statistics(PHANTOM[REGION].astype(np.float64))
    assert as_published(found[name], reference), found[name]


def test_histogram() -> None:
    found = histogram_features(PHANTOM[REGION])
    assert as_published(found["entropy"], 1.27)
    assert as_published(found["uniformity"], 0.512)


@pytest.mark.parametrize(("name", "reference"), SHAPE.items())
def test_shape(name: str, reference: float) -> None:
    found = shape_features(REGION, SPACING_MM, PHANTOM)
    assert as_published(found[name], reference), found[name]


@pytest.mark.parametrize(("name", "reference"), COOCCURRENCE.items())
def test_cooccurrence(name: str, reference: float) -> None:
    found = cooccurrence_features(cooccurrences(PHANTOM, 6))
    assert as_published(found[name], reference), found[name]


def test_thirteen_directions_of_which_none_is_opposite_to_another() -> None:
    assert len(DIRECTIONS) == 13
    assert not {tuple(-c for c in d) for d in DIRECTIONS} & set(DIRECTIONS)


def test_an_even_region_has_no_spread_and_no_nan() -> None:
    found = intensity_statistics(np.full(20, 30.0))
    assert (found["variance"], found["skewness"], found["kurtosis"]) == (0.0, 0.0, 0.0)
    even = cooccurrence_features(cooccurrences(np.full((3, 3, 3), 2), 4))
    assert (even["joint_maximum"], even["contrast"], even["correlation"]) == (1.0, 0.0, 1.0)


def test_a_single_voxel_has_no_neighbours() -> None:
    assert cooccurrences(np.ones((1, 1, 1), np.int64), 2).sum() == 0
    assert shape_features(np.ones((1, 1, 1), bool), SPACING_MM)["voxel_volume"] == 8.0
