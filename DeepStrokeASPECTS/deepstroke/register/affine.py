"""Affine registration by normalised cross-correlation (NCC), from several starts.

NCC of the skull-stripped images is maximised by damped Gauss-Newton steps (Levenberg-Marquardt on the difference of
the normalised images), first for a similarity transform and then for all twelve parameters, from coarse to fine.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import grid_sample

from deepstroke.errors import RegistrationError
from deepstroke.frames import Affine
from deepstroke.register.fields import central_gradient
from deepstroke.register.filters import halved
from deepstroke.register.settings import AffineSettings
from deepstroke.register.working_image import WorkingImage

Matrix = NDArray[np.float64]
#: Moments are taken of every so many voxels along each axis.
_STRIDE = 3


@dataclass(frozen=True, eq=False)
class _Level:
    """Both images at one resolution, with what turns mm about the centres into samples.

    Attributes:
        fixed: (N,) intensities.
        known: (N,) 0..1, where the fixed scan's field of view reaches.
        points: (3, N) mm from the fixed centroid, in RAS+ axes.
        moving: (5, I, J, K): intensity, where the field of view doesn't reach, and the gradient per mm along R, A, S.
        moving_centre: RAS+ mm of the moving centroid.
        ras_to_unit: 3 x 4, from RAS+ mm to the coordinates of ``grid_sample``.
    """

    fixed: Tensor
    known: Tensor
    points: Tensor
    moving: Tensor
    moving_centre: Matrix
    ras_to_unit: Tensor


@dataclass(frozen=True, eq=False)
class Pose:
    """A fixed-to-moving affine about the two centroids: y = moving_centre + shift + linear (x - fixed_centre).

    Attributes:
        linear: 3 x 3.
        shift: mm, shape (3,).
        ncc: normalised cross-correlation there, -1..1.
    """

    linear: Matrix
    shift: Matrix = field(default_factory=lambda: np.zeros(3))
    ncc: float = -1.0


def affine_fixed_to_moving(
    fixed: WorkingImage,
    moving: WorkingImage,
    settings: AffineSettings,
    device: torch.device,
    initial: Affine | None = None,
) -> Affine:
    """The affine from fixed RAS+ mm to moving RAS+ mm that maximises NCC; its determinant is positive.

    Args:
        fixed: stripped working image.
        moving: stripped working image.
        settings: starts and steps.
        device: where the images are held.
        initial: a start that replaces the search, fixed RAS+ mm to moving RAS+ mm.

    Raises:
        RegistrationError: no start led to a transform without mirroring.
    """
    (fixed_centre, fixed_axes), (moving_centre, moving_axes) = _moments(fixed), _moments(moving)
    coarse, fine = (
        _level(fixed, moving, halvings, fixed_centre, moving_centre, device)
        for halvings in (settings.coarse_halvings, settings.fine_halvings)
    )
    if initial is None:
        starts = _starts(fixed_axes, moving_axes, settings)
    else:
        starts = iter([Pose(initial[:3, :3], initial[:3, :3] @ fixed_centre + initial[:3, 3] - moving_centre)])
    best = _best_of(coarse, starts, settings)
    best = _climbed(fine, _evaluated(fine, best), np.eye(12), settings.fine_steps, settings.least_gain)
    if np.linalg.det(best.linear) <= 0:
        raise RegistrationError("the affine stage ended mirrored; give an initial transform", code="mirrored")
    affine = np.eye(4)
    affine[:3, :3] = best.linear
    affine[:3, 3] = moving_centre + best.shift - best.linear @ fixed_centre
    return affine


def _best_of(level: _Level, starts: Iterator[Pose], settings: AffineSettings) -> Pose:
    """The best pose reached from the most promising starts, first as a similarity and then as an affine."""
    poses = sorted((_evaluated(level, start) for start in starts), key=lambda pose: -pose.ncc)
    poses = poses[: settings.kept_starts]
    for directions in (_similarity_directions(), np.eye(12)):
        poses = [_climbed(level, pose, directions, settings.coarse_steps, settings.least_gain) for pose in poses]
    return max(poses, key=lambda pose: pose.ncc)


def _similarity_directions() -> Matrix:
    """Directions in the 12 parameters (linear part row by row, then shift) of rotations, one scale, and shifts."""
    directions = np.zeros((12, 7))
    for column, (row, other) in enumerate(((2, 1), (0, 2), (1, 0))):
        directions[3 * row + other, column], directions[3 * other + row, column] = 1.0, -1.0
    directions[[0, 4, 8], 3] = 1.0
    directions[[9, 10, 11], [4, 5, 6]] = 1.0
    return directions


def _moments(image: WorkingImage) -> tuple[Matrix, Matrix]:
    """The brain's centroid in RAS+ mm, and its principal axes as columns, from the longest to the shortest."""
    ijk = np.argwhere(image.mask[::_STRIDE, ::_STRIDE, ::_STRIDE]) * _STRIDE
    points = ijk @ image.ijk_to_ras[:3, :3].T + image.ijk_to_ras[:3, 3]
    _, axes = np.linalg.eigh(np.cov(points.T))
    return points.mean(axis=0), axes[:, ::-1]


def _rotation(axis: int, degrees: float) -> Matrix:
    from scipy.spatial.transform import Rotation

    return np.asarray(Rotation.from_rotvec(np.deg2rad(degrees) * np.eye(3)[axis]).as_matrix())


def _starts(fixed_axes: Matrix, moving_axes: Matrix, settings: AffineSettings) -> Iterator[Pose]:
    """First moments with the axes as they are and turned, then second moments with every proper choice of signs."""
    yield Pose(np.eye(3))
    turns = zip((0, 1, 2), (settings.pitch_degrees, settings.roll_degrees, settings.yaw_degrees), strict=True)
    for axis, degrees in turns:
        yield from (Pose(_rotation(axis, d)) for d in degrees)
    for signs in product((1.0, -1.0), repeat=3):
        turn = moving_axes @ np.diag(signs) @ fixed_axes.T
        if np.linalg.det(turn) > 0:
            yield Pose(turn)


def _level(
    fixed: WorkingImage,
    moving: WorkingImage,
    halvings: int,
    fixed_centre: Matrix,
    moving_centre: Matrix,
    device: torch.device,
) -> _Level:
    fixed_image, fixed_to_ras = _shrunk(fixed, halvings, device)
    # The moving image may be finer than the fixed one: bring it to about the same voxels.
    ratio = np.linalg.norm(fixed.ijk_to_ras[:3, 0]) / np.linalg.norm(moving.ijk_to_ras[:3, 0])
    moving_image, moving_to_ras = _shrunk(moving, halvings + round(np.log2(ratio)), device)
    per_voxel = central_gradient(moving_image[:1])[0].flip(0)
    per_mm = torch.as_tensor(np.linalg.inv(moving_to_ras[:3, :3]).T, dtype=torch.float32, device=device)
    gradient = torch.einsum("rv,vijk->rijk", per_mm, per_voxel)
    channels = torch.cat([moving_image, gradient])
    ticks = [torch.arange(n, dtype=torch.float32, device=device) for n in fixed_image.shape[1:]]
    ijk = torch.stack(torch.meshgrid(*ticks, indexing="ij")).view(3, -1)
    linear = torch.as_tensor(fixed_to_ras[:3, :3], dtype=torch.float32, device=device)
    offset = torch.as_tensor(fixed_to_ras[:3, 3] - fixed_centre, dtype=torch.float32, device=device)
    intensity, unknown = fixed_image.reshape(2, -1)
    to_unit = _ras_to_unit(moving_to_ras, channels)
    return _Level(intensity, 1 - unknown, linear @ ijk + offset[:, None], channels, moving_centre, to_unit)


def _shrunk(image: WorkingImage, halvings: int, device: torch.device) -> tuple[Tensor, Affine]:
    """Intensity and unknown share as a (2, I, J, K) tensor of block means, and the affine of the blocks."""
    pair = torch.as_tensor(np.stack([image.data, (~image.known).astype(np.float32)]), device=device)
    factor = 2**halvings
    pads = [-n % factor for n in pair.shape[1:]]
    pair = torch.nn.functional.pad(pair, [p for n in reversed(pads) for p in (0, n)])
    affine = image.ijk_to_ras.copy()
    affine[:3, 3] += affine[:3, :3] @ np.full(3, (factor - 1) / 2)
    affine[:3, :3] *= factor
    return halved(pair, halvings), affine


def _ras_to_unit(ijk_to_ras: Affine, image: Tensor) -> Tensor:
    """3 x 4 from RAS+ mm to ``grid_sample`` coordinates (rows k, j, i; ``align_corners=False``)."""
    sizes = np.array(image.shape[1:], dtype=np.float64)
    ijk_to_unit = np.diag([*(2 / sizes), 1.0])
    ijk_to_unit[:3, 3] = 1 / sizes - 1
    ras_to_unit = (ijk_to_unit @ np.linalg.inv(ijk_to_ras))[[2, 1, 0]]
    return torch.as_tensor(ras_to_unit, dtype=torch.float32, device=image.device)


def _sampled(level: _Level, pose: Pose, channels: int) -> Tensor:
    """The first moving channels at the fixed points under a pose, (channels, N)."""
    matrix = np.concatenate([pose.linear, (level.moving_centre + pose.shift)[:, None]], axis=1)
    mapping = torch.as_tensor(matrix, dtype=torch.float32, device=level.points.device)
    to_unit = level.ras_to_unit[:, :3] @ mapping
    to_unit[:, 3] += level.ras_to_unit[:, 3]
    places = (to_unit[:, :3] @ level.points + to_unit[:, 3:]).T.view(1, 1, 1, -1, 3)
    return grid_sample(level.moving[None, :channels], places, align_corners=False).view(-1, level.points.shape[1])


@dataclass(frozen=True, eq=False)
class _Correlation:
    """Both images at the fixed points, weighted, centred and of unit norm, and their NCC."""

    fixed: Tensor
    moving: Tensor
    weights: Tensor
    moving_norm: float
    ncc: float


def _correlation(level: _Level, warped: Tensor) -> _Correlation:
    """From the moving intensity and unknown share at the fixed points, (2 or more, N)."""
    weights = level.known * (1 - warped[1])
    total, root = weights.sum(), weights.sqrt()
    centred = [(image - (image @ weights) / total) * root for image in (level.fixed, warped[0])]
    norms = [float(image.norm()) + 1e-6 for image in centred]
    fixed, moving = (image / norm for image, norm in zip(centred, norms, strict=True))
    return _Correlation(fixed, moving, weights, norms[1], float(fixed @ moving))


def _evaluated(level: _Level, pose: Pose) -> Pose:
    return Pose(pose.linear, pose.shift, _correlation(level, _sampled(level, pose, 2)).ncc)


def _climbed(level: _Level, pose: Pose, directions: Matrix, steps: int, least_gain: float) -> Pose:
    """Levenberg-Marquardt ascent of the NCC along the given directions of the twelve parameters."""
    damping = 1e-3
    for _ in range(steps):
        hessian, slope = _normal_equations(level, pose, directions)
        while True:
            update = directions @ np.linalg.solve(hessian + damping * np.diag(np.diag(hessian)), slope)
            trial = Pose((np.eye(3) + update[:9].reshape(3, 3) / 50.0) @ pose.linear, pose.shift + update[9:])
            trial = _evaluated(level, trial)
            if trial.ncc > pose.ncc or damping > 1e3:
                break
            damping *= 10
        if trial.ncc <= pose.ncc:
            return pose
        gain, pose, damping = trial.ncc - pose.ncc, trial, max(damping / 10, 1e-6)
        if gain < least_gain:
            return pose
    return pose


def _normal_equations(level: _Level, pose: Pose, directions: Matrix) -> tuple[Matrix, Matrix]:
    """Gauss-Newton matrix and slope of the NCC by the parameters (linear part in 1/50, shift in mm)."""
    sampled = _sampled(level, pose, 5)
    match = _correlation(level, sampled)
    linear = torch.as_tensor(pose.linear / 50.0, dtype=torch.float32, device=sampled.device)
    by_linear = sampled[2:, None] * (linear @ level.points)[None]
    jacobian = torch.cat([by_linear.view(9, -1), sampled[2:]])
    jacobian = torch.as_tensor(directions.T, dtype=torch.float32, device=sampled.device) @ jacobian
    mean = jacobian @ match.weights / match.weights.sum()
    jacobian = (jacobian - mean[:, None]) * (match.weights.sqrt() / match.moving_norm)
    jacobian -= (jacobian @ match.moving)[:, None] * match.moving
    hessian = (jacobian @ jacobian.T).double().cpu().numpy()
    return hessian + 1e-12 * np.eye(len(hessian)), (jacobian @ match.fixed).double().cpu().numpy()
