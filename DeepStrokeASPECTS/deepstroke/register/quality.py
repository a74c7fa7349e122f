"""How good a registration is, in figures, and which figures make it a failure or a warning."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from deepstroke.errors import RegistrationError
from deepstroke.findings import Finding
from deepstroke.frames import apply_affine
from deepstroke.register.transform import DisplacementField, SpatialTransform
from deepstroke.register.working_image import WorkingImage
from deepstroke.volume import LabelMap, Volume

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Half-width in voxels, and variance floor in HU squared, of the LNCC that is reported.
_LNCC_RADIUS, _LNCC_FLOOR = 2, 10.0


@dataclass(frozen=True)
class RegistrationQuality:
    """Figures of one registration, measured on the fixed image's working grid.

    Attributes:
        ncc: normalised cross-correlation of the stripped images over both brains, -1..1.
        lncc: mean signed local NCC within the fixed brain, -1..1.
        mask_dice: Dice of the two brain masks, 0..1.
        jacobian_min: least Jacobian determinant of the deformation within the fixed brain; <= 0 is a fold.
        jacobian_p1: its first percentile.
        affine_scale: determinant of the affine part, how much larger the moving brain is; negative is a mirror.
        rotation_deg: angle of the affine's rotation. Both heads lie in patient axes, so a large one is a head turned
            upside down or back to front, which still overlaps well.
        inverse_error_mean_mm: mean distance there and back, both ways, within the fixed brain.
        inverse_error_p99_mm: its 99th percentile.
    """

    ncc: float
    lncc: float
    mask_dice: float
    jacobian_min: float
    jacobian_p1: float
    affine_scale: float
    rotation_deg: float
    inverse_error_mean_mm: float
    inverse_error_p99_mm: float

    def as_dict(self) -> dict[str, float]:
        """The figures as they stand in ``report.json``."""
        return asdict(self)


@dataclass(frozen=True)
class QualityLimits:
    """Where a figure stops being acceptable: ``least_``/``most_`` raise, ``doubtful_`` warn.

    Attributes are in the units of ``RegistrationQuality``; ``affine_scale`` is judged both ways round. The limits on
    correlation are low, for an average template correlates little with one noisy scan. Measured against the embedded
    atlas: NCC .37 and .47, LNCC .25 and .24 on two real scans laid right; NCC .28 and .40, LNCC .17, .20 on the first
    of them turned upside down and back to front.
    """

    least_ncc: float = 0.25
    doubtful_ncc: float = 0.35
    least_lncc: float = 0.12
    doubtful_lncc: float = 0.22
    least_mask_dice: float = 0.85
    doubtful_mask_dice: float = 0.92
    least_jacobian: float = 0.0
    doubtful_jacobian_p1: float = 0.2
    most_affine_scale: float = 2.5
    most_rotation_deg: float = 75.0
    doubtful_rotation_deg: float = 45.0
    doubtful_inverse_error_mm: float = 0.5
    most_inverse_error_mm: float = 2.0


def measured_quality(transform: SpatialTransform, fixed: WorkingImage, moving: WorkingImage) -> RegistrationQuality:
    """Measure a transform between two working images."""
    import torch

    from deepstroke.register.similarity import lncc

    grid = Volume(fixed.data, fixed.ijk_to_ras)
    warped = transform.apply(Volume(moving.data, moving.ijk_to_ras), grid).data
    warped_mask = transform.apply(LabelMap(moving.mask, moving.ijk_to_ras), grid).mask
    local = lncc(torch.as_tensor(np.stack([fixed.data, warped])), _LNCC_RADIUS, _LNCC_FLOOR).numpy()
    both = (fixed.mask | warped_mask) & fixed.known
    mask = fixed.mask & fixed.known
    jacobian = _deformation_jacobians(transform, fixed)
    errors = np.concatenate([_round_trip_mm(transform, fixed), _round_trip_mm(transform.inverse(), moving)])
    return RegistrationQuality(
        ncc=float(np.corrcoef(fixed.data[both], warped[both])[0, 1]),
        lncc=float(local[mask].mean()),
        mask_dice=_dice(mask, warped_mask & fixed.known),
        jacobian_min=float(jacobian.min()),
        jacobian_p1=float(np.percentile(jacobian, 1)),
        affine_scale=float(np.linalg.det(_affine_part(transform))),
        rotation_deg=_rotation_deg(_affine_part(transform)),
        inverse_error_mean_mm=float(errors.mean()),
        inverse_error_p99_mm=float(np.percentile(errors, 99)),
    )


def judged(quality: RegistrationQuality, limits: QualityLimits) -> tuple[Finding, ...]:
    """The findings that a registration's figures give.

    Raises:
        RegistrationError: a figure is beyond its limit; the message holds it and the limit.
    """
    scale = max(quality.affine_scale, 1 / quality.affine_scale) if quality.affine_scale > 0 else float("inf")
    failures = _shortfalls(
        (
            ("the affine scale", scale, "<=", limits.most_affine_scale),
            ("the head's rotation in degrees", quality.rotation_deg, "<=", limits.most_rotation_deg),
            ("the images' correlation", quality.ncc, ">=", limits.least_ncc),
            ("the local correlation in the brain", quality.lncc, ">=", limits.least_lncc),
            ("the overlap of the brains (Dice)", quality.mask_dice, ">=", limits.least_mask_dice),
            ("the least Jacobian determinant", quality.jacobian_min, ">", limits.least_jacobian),
            ("the inverse error in mm", quality.inverse_error_p99_mm, "<=", limits.most_inverse_error_mm),
        )
    )
    if failures:
        raise RegistrationError(
            "the registration failed: " + "; ".join(failures) + ". Check that both are whole heads in HU and that the "
            "brain masks are right, or give an initial transform",
            code="registration-quality",
        )
    doubts = _shortfalls(
        (
            ("the head's rotation in degrees", quality.rotation_deg, "<=", limits.doubtful_rotation_deg),
            ("the images' correlation", quality.ncc, ">=", limits.doubtful_ncc),
            ("the local correlation in the brain", quality.lncc, ">=", limits.doubtful_lncc),
            ("the overlap of the brains (Dice)", quality.mask_dice, ">=", limits.doubtful_mask_dice),
            ("the first percentile of the Jacobian", quality.jacobian_p1, ">=", limits.doubtful_jacobian_p1),
            ("the inverse error in mm", quality.inverse_error_p99_mm, "<=", limits.doubtful_inverse_error_mm),
        )
    )
    return tuple(Finding("doubtful-registration", f"Look closely at the registration: {doubt}.") for doubt in doubts)


def _shortfalls(checks: tuple[tuple[str, float, str, float], ...]) -> list[str]:
    holds = {">=": np.greater_equal, ">": np.greater, "<=": np.less_equal}
    return [
        f"{name} is {figure:.3g}, expected {sign} {limit:g}"
        for name, figure, sign, limit in checks
        if not holds[sign](figure, limit)
    ]


def _dice(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    total = np.count_nonzero(a) + np.count_nonzero(b)
    return 2.0 * np.count_nonzero(a & b) / total if total else 0.0


def _affine_part(transform: SpatialTransform) -> NDArray[np.float64]:
    """The 3 x 3 matrix of all affine steps together."""
    matrix = np.eye(3)
    for step in transform.steps:
        if not isinstance(step, DisplacementField):
            matrix = step[:3, :3] @ matrix
    return matrix


def _rotation_deg(matrix: NDArray[np.float64]) -> float:
    """Angle of the rotation nearest to a matrix (its polar factor)."""
    u, _, v = np.linalg.svd(matrix)
    return float(np.degrees(np.arccos(np.clip((np.trace(u @ v) - 1) / 2, -1, 1))))


def _deformation_jacobians(transform: SpatialTransform, fixed: WorkingImage) -> NDArray[np.float64]:
    """Jacobian determinants of the map by central differences on the fixed grid, without the affine's share."""
    ijk = np.indices(fixed.shape).reshape(3, -1).T
    mapped = transform.map_points(apply_affine(fixed.ijk_to_ras, ijk)).reshape(*fixed.shape, 3)
    columns = [np.gradient(mapped, axis=axis) for axis in range(3)]
    per_voxel = np.einsum("...r,...r->...", columns[0], np.cross(columns[1], columns[2]))
    return per_voxel / (np.linalg.det(fixed.ijk_to_ras[:3, :3]) * np.linalg.det(_affine_part(transform)))


def _round_trip_mm(transform: SpatialTransform, image: WorkingImage) -> NDArray[np.float64]:
    """Distance of points between the brain's voxels from where they come back to."""
    ijk = np.argwhere(image.mask) + 0.37
    points = apply_affine(image.ijk_to_ras, ijk[:: max(1, len(ijk) // 100_000)])
    return np.linalg.norm(transform.inverse().map_points(transform.map_points(points)) - points, axis=1)
