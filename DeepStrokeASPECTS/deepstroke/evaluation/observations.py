"""What statistics take as input: finite numbers, one for each case, checked before anything is computed."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deepstroke.errors import InputError


def as_numbers(values: ArrayLike, what: str, least: int = 1) -> NDArray[np.float64]:
    """A sample of finite numbers, shape (cases,).

    Raises:
        InputError: it has more than one axis, fewer than ``least`` values, or one that isn't a finite number.
    """
    try:
        numbers = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{what}: numbers are expected ({error})", code="sample") from error
    if numbers.ndim != 1:
        raise InputError(f"{what}: one number a case is expected, found shape {numbers.shape}", code="sample")
    if numbers.size < least:
        raise InputError(f"{what}: at least {least} cases are needed, found {numbers.size}", code="sample-size")
    return require_finite(numbers, what)


def require_finite(numbers: NDArray[np.float64], what: str) -> NDArray[np.float64]:
    """The numbers themselves.

    Raises:
        InputError: some are not finite.
    """
    faulty = np.count_nonzero(~np.isfinite(numbers))
    if faulty:
        raise InputError(
            f"{what}: {faulty} of {numbers.size} values are missing or infinite; leave these cases out", code="sample"
        )
    return numbers


def as_pairs(
    first: ArrayLike, second: ArrayLike, what: tuple[str, str], least: int = 2
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Two samples of finite numbers on the same cases.

    Raises:
        InputError: one is faulty, or their lengths differ.
    """
    one, other = as_numbers(first, what[0], least), as_numbers(second, what[1], least)
    require_same_length(one, other, what)
    return one, other


def require_same_length(first: NDArray, second: NDArray, what: tuple[str, str]) -> None:
    """Raise InputError unless both hold as many cases."""
    if len(first) != len(second):
        raise InputError(
            f"{what[0]} and {what[1]} must be of the same cases, found {len(first)} and {len(second)}",
            code="sample-size",
        )


def as_outcomes(values: ArrayLike, what: str) -> NDArray[np.bool_]:
    """A sample of outcomes that are true or false, given as booleans or as 0 and 1, shape (cases,).

    Raises:
        InputError: another value occurs.
    """
    numbers = as_numbers(values, what)
    others = np.setdiff1d(numbers, (0.0, 1.0))
    if others.size:
        raise InputError(f"{what}: only 0 and 1 are expected, found {others[0]:g}", code="sample")
    return numbers == 1.0
