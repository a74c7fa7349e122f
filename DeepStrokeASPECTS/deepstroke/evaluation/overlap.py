"""Overlap of binary masks and label maps."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deepstroke.errors import InputError

#: Voxels that are counted at a time.
_BLOCK = 1 << 18


def _as_masks(prediction: ArrayLike, truth: ArrayLike) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    predicted, true = np.asarray(prediction), np.asarray(truth)
    if predicted.shape != true.shape:
        raise InputError(f"masks of different shapes {predicted.shape} and {true.shape}", code="grid-mismatch")
    return predicted > 0, true > 0


def dice(prediction: ArrayLike, truth: ArrayLike) -> float:
    """Dice's coefficient 2 |P and T| / (|P| + |T|) of two masks of one shape, 0..1; nan where both are empty.

    Source: Dice, Ecology 26 (1945) 297-302.
    """
    predicted, true = _as_masks(prediction, truth)
    size = np.count_nonzero(predicted) + np.count_nonzero(true)
    return 2.0 * np.count_nonzero(predicted & true) / size if size else float("nan")


def sensitivity(prediction: ArrayLike, truth: ArrayLike) -> float:
    """Share of the true mask, or of the positive cases, that was found, |P and T| / |T|, 0..1.

    Raises:
        InputError: the shapes differ, or nothing is true.
    """
    predicted, true = _as_masks(prediction, truth)
    positives = np.count_nonzero(true)
    if not positives:
        raise InputError("nothing is positive in the truth, so there is no sensitivity", code="one-class")
    return np.count_nonzero(predicted & true) / positives


def specificity(prediction: ArrayLike, truth: ArrayLike) -> float:
    """Share of the true background, or of the negative cases, that was left alone, 0..1.

    Raises:
        InputError: the shapes differ, or everything is true.
    """
    predicted, true = _as_masks(prediction, truth)
    negatives = true.size - np.count_nonzero(true)
    if not negatives:
        raise InputError("nothing is negative in the truth, so there is no specificity", code="one-class")
    return np.count_nonzero(~predicted & ~true) / negatives


def generalized_dice(prediction: ArrayLike, truth: ArrayLike, labels: list[int]) -> float:
    """Generalised Dice over ``labels``, each weighted by 1 / |T|^2 so that small regions count; 0..1.

    Labels that the truth lacks are left out.

    Source: Sudre et al., DLMIA 2017, with weights of the squared reference volume.

    Raises:
        InputError: the shapes differ, or no label occurs in the truth.
    """
    predicted, true = np.asarray(prediction), np.asarray(truth)
    if predicted.shape != true.shape:
        raise InputError(f"label maps of different shapes {predicted.shape} and {true.shape}", code="grid-mismatch")
    overlap = size = 0.0
    for label in labels:
        of_truth = np.count_nonzero(true == label)
        if of_truth:
            overlap += np.count_nonzero((predicted == label) & (true == label)) / of_truth**2
            size += (np.count_nonzero(predicted == label) + of_truth) / of_truth**2
    if not size:
        raise InputError(f"none of the labels {labels} occurs in the reference", code="label-absent")
    return 2.0 * overlap / size


def joint_counts(prediction: ArrayLike, truth: ArrayLike) -> tuple[list[int], NDArray[np.int64]]:
    """How many voxels hold each pair of labels, in one pass over the maps.

    Args:
        prediction: whole numbers >= 0.
        truth: the same, of the same shape.

    Returns:
        The labels that occur in either map, with 0 first, and the counts (predicted, true) in their order.

    Raises:
        InputError: the shapes differ.
    """
    predicted, true = np.asarray(prediction), np.asarray(truth)
    if predicted.shape != true.shape:
        raise InputError(f"label maps of different shapes {predicted.shape} and {true.shape}", code="grid-mismatch")
    labels = np.union1d(np.union1d(np.unique(predicted), np.unique(true)), [0]).astype(np.int64)
    n, (rows, columns) = labels.size, (predicted.ravel(), true.ravel())
    counts = np.zeros(n * n, np.int64)
    for start in range(0, rows.size, _BLOCK):  # Indices take 16 bytes a voxel.
        part = slice(start, start + _BLOCK)
        pairs = np.searchsorted(labels, rows[part]) * n + np.searchsorted(labels, columns[part])
        counts += np.bincount(pairs, minlength=n * n)
    return labels.tolist(), counts.reshape(n, n)
