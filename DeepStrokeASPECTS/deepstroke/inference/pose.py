"""Where a head lies and how it is turned: the affine that fits a network's template coordinates best."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepstroke.errors import InputError
from deepstroke.frames import Affine, apply_affine
from deepstroke.inference.preparation import grid_about
from deepstroke.preprocess.resampling import Grid

#: Template RAS+ mm of the middle of the intracranial space: a network's grid is about this point of a head.
HEAD_CENTRE_MM = (0.0, -17.0, 5.5)
#: Share of the points that a fit keeps: those that fit best. The others, near lesions or beyond the brain, don't pull.
_KEPT_SHARE = 0.7
_LEAST_POINTS, _MOST_POINTS = 200, 30_000
_ROUNDS = 10


@dataclass(frozen=True, eq=False)
class Pose:
    """A head's place, size and turn.

    Attributes:
        scan_to_template: 4 x 4 affine, RAS+ mm to RAS+ mm.
        residual_mm: median distance of the predicted template points from where this affine takes theirs.
    """

    scan_to_template: Affine
    residual_mm: float

    @property
    def scale(self) -> float:
        """How much larger the template is than the head, as a volume ratio."""
        return float(np.linalg.det(self.scan_to_template[:3, :3]))

    @property
    def rotation(self) -> NDArray[np.float64]:
        """3 x 3, the turn alone: scan axes to template axes."""
        left, _, right = np.linalg.svd(self.scan_to_template[:3, :3])
        return np.asarray(left @ right)

    @property
    def centre_ras(self) -> NDArray[np.float64]:
        """RAS+ mm in the scan of the head's centre."""
        return apply_affine(np.linalg.inv(self.scan_to_template), HEAD_CENTRE_MM)

    @property
    def midline(self) -> NDArray[np.float64]:
        """(4,): its product with (x, y, z, 1) in RAS+ mm of the scan is the template's x, above 0 on the right."""
        return self.scan_to_template[0]

    def turn_from(self, grid: Grid) -> float:
        """Degrees by which the head is turned against a grid's axes."""
        axes = grid.ijk_to_ras[:3, :3] / np.linalg.norm(grid.ijk_to_ras[:3, :3], axis=0)
        cosine = (np.trace(self.rotation @ axes) - 1.0) / 2.0
        return float(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))))

    def shift_from(self, grid: Grid) -> float:
        """Distance in mm of the head's centre from the grid's middle."""
        middle = apply_affine(grid.ijk_to_ras, (np.array(grid.shape) - 1) / 2.0)
        return float(np.linalg.norm(self.centre_ras - middle))

    def canonical_grid(self, spacing_mm: float, shape: tuple[int, int, int]) -> Grid:
        """A grid about the head's centre along the template's axes, in which the head stands upright."""
        return grid_about(self.centre_ras, self.rotation.T, spacing_mm, shape)


def fit_pose(ras: NDArray, template_mm: NDArray) -> Pose:
    """The affine that takes points to their predicted template coordinates, by trimmed least squares.

    In turns the affine is fitted to the 70 % of the points that it takes nearest to their targets, until these stay the
    same (Rousseeuw and Van Driessen 2006, doi:10.1007/s10618-005-0024-4, the concentration step).

    Args:
        ras: (N, 3) RAS+ mm in the scan.
        template_mm: (N, 3) where a network sees them in the template, RAS+ mm.

    Raises:
        InputError: there are too few points, or the fit mirrors the head or makes it flat (code ``no-pose``).
    """
    if len(ras) < _LEAST_POINTS:
        raise InputError(f"{len(ras)} voxels of brain are too few to tell how the head lies", code="no-pose")
    chosen = np.linspace(0, len(ras) - 1, min(len(ras), _MOST_POINTS)).astype(np.intp)
    points, targets = np.asarray(ras, np.float64)[chosen], np.asarray(template_mm, np.float64)[chosen]
    affine, errors = _trimmed_fit(points, targets)
    if not np.isfinite(affine).all() or np.linalg.det(affine[:3, :3]) <= 1e-3:
        raise InputError(
            "the network sees the head mirrored or flat: not a head, or left and right of the file are exchanged",
            code="no-pose",
        )
    return Pose(affine, float(np.median(errors)))


def _trimmed_fit(points: NDArray[np.float64], targets: NDArray[np.float64]) -> tuple[Affine, NDArray[np.float64]]:
    """The affine, and the distance in mm of every target from where it takes its point."""
    kept = np.ones(len(points), dtype=bool)
    for _ in range(_ROUNDS):
        affine = _least_squares(points[kept], targets[kept])
        errors = np.linalg.norm(apply_affine(affine, points) - targets, axis=1)
        nearest = errors <= np.quantile(errors, _KEPT_SHARE)
        if np.array_equal(nearest, kept):
            break
        kept = nearest
    return affine, errors


def _least_squares(points: NDArray[np.float64], targets: NDArray[np.float64]) -> Affine:
    """The affine in closed form, from the centred points' covariance."""
    middle, aim = points.mean(axis=0), targets.mean(axis=0)
    centred = points - middle
    linear = np.linalg.pinv(centred.T @ centred) @ centred.T @ (targets - aim)
    affine = np.eye(4)
    affine[:3, :3] = linear.T
    affine[:3, 3] = aim - linear.T @ middle
    return affine
