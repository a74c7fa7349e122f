"""Images and label maps with their place in the patient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from deepstroke.errors import GeometryError, InputError
from deepstroke.frames import Affine, apply_affine, as_affine, is_orthogonal, reorient_to_ras, spacing_of

VolumeT = TypeVar("VolumeT", bound="Volume")


@dataclass(frozen=True, eq=False)
class Volume:
    """A three-dimensional image with its place in the patient.

    Attributes:
        data: array indexed (i, j, k); Hounsfield units for CT.
        ijk_to_ras: 4 x 4 affine from voxel indices (voxel centres) to RAS+ mm.

    Raises:
        InputError: the data is not a non-empty three-dimensional numeric array.
        GeometryError: the affine is not valid.

    Example:
        >>> Volume(np.zeros((4, 5, 6), np.float32), np.diag([1.0, 1.0, 5.0, 1.0])).spacing_mm
        (1.0, 1.0, 5.0)
    """

    data: NDArray
    ijk_to_ras: Affine

    def __post_init__(self) -> None:
        data = np.asarray(self.data)
        if data.ndim != 3 or data.size == 0:
            raise InputError(f"a volume needs three non-empty axes, found shape {data.shape}", code="volume-shape")
        if data.dtype.kind not in "fiub":
            raise InputError(f"a volume holds numbers, found {data.dtype}", code="volume-type")
        object.__setattr__(self, "data", data)
        object.__setattr__(self, "ijk_to_ras", as_affine(self.ijk_to_ras))

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number of voxels along i, j and k."""
        ni, nj, nk = self.data.shape
        return ni, nj, nk

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Voxel size in mm along i, j and k."""
        return spacing_of(self.ijk_to_ras)

    @property
    def voxel_ml(self) -> float:
        """Volume of one voxel in millilitres."""
        return float(abs(np.linalg.det(self.ijk_to_ras[:3, :3])) / 1000.0)

    @property
    def ras_to_ijk(self) -> Affine:
        """4 x 4 affine from RAS+ mm to voxel indices."""
        return as_affine(np.linalg.inv(self.ijk_to_ras))

    @property
    def is_orthogonal(self) -> bool:
        """Whether the voxel axes are at right angles (a gantry-tilted stack read as is would not be)."""
        return is_orthogonal(self.ijk_to_ras)

    def ras_of(self, ijk: NDArray) -> NDArray[np.float64]:
        """RAS+ mm of voxel indices of shape (..., 3)."""
        return apply_affine(self.ijk_to_ras, ijk)

    def ijk_of(self, ras: NDArray) -> NDArray[np.float64]:
        """Fractional voxel indices of RAS+ mm points of shape (..., 3)."""
        return apply_affine(self.ras_to_ijk, ras)

    def same_grid(self, other: Volume, tolerance_mm: float = 1e-3) -> bool:
        """Whether both lie on one grid: equal shape, and no corner further apart than the tolerance."""
        if self.shape != other.shape:
            return False
        ends = np.array([[0, 0, 0], *np.diag(np.array(self.shape) - 1)], dtype=np.float64)
        return bool(np.abs(self.ras_of(ends) - other.ras_of(ends)).max() <= tolerance_mm)

    def require_same_grid(self, other: Volume, what: str) -> None:
        """Raise GeometryError, naming ``what``, unless both lie on one grid."""
        if not self.same_grid(other):
            raise GeometryError(
                f"{what} lies on another grid: shape {other.shape} and spacing {other.spacing_mm} mm "
                f"against {self.shape} and {self.spacing_mm} mm",
                code="grid-mismatch",
            )

    def reoriented_to_ras(self: VolumeT) -> VolumeT:
        """The same voxels with axes permuted and flipped to point nearest to right, anterior, superior."""
        data, affine = reorient_to_ras(self.data, self.ijk_to_ras)
        return type(self)(np.ascontiguousarray(data), affine)

    def with_data(self, data: NDArray) -> Volume:
        """Another image on this grid."""
        self._require_shape(data)
        return Volume(np.asarray(data), self.ijk_to_ras)

    def with_labels(self, labels: NDArray) -> LabelMap:
        """A label map on this grid."""
        self._require_shape(labels)
        return LabelMap(np.asarray(labels), self.ijk_to_ras)

    def _require_shape(self, data: NDArray) -> None:
        if np.shape(data) != self.shape:
            raise GeometryError(
                f"an array of shape {np.shape(data)} doesn't fit the grid {self.shape}", code="grid-mismatch"
            )


@dataclass(frozen=True, eq=False)
class LabelMap(Volume):
    """Integer labels on a grid; 0 is background. A binary mask is a label map of 0 and 1.

    Raises:
        InputError: the data holds values that are not whole numbers >= 0.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        data = self.data
        if data.dtype.kind == "f":
            rounded = np.rint(data)
            if not np.array_equal(rounded, data):
                raise InputError("a label map holds whole numbers, found fractions", code="label-fraction")
            if np.abs(data).max() >= 2**31:
                raise InputError("a label map holds a value that is not finite or beyond 2^31", code="label-range")
            data = rounded.astype(np.int32)
        if data.dtype.kind == "i" and data.size and data.min() < 0:
            raise InputError(f"labels start at 0, found {data.min()}", code="label-negative")
        if data.dtype.kind == "b" or (data.dtype.itemsize > 1 and data.max() < 256):
            data = data.astype(np.uint8)
        object.__setattr__(self, "data", data)

    @property
    def mask(self) -> NDArray[np.bool_]:
        """Where any label is."""
        return self.data > 0

    def present(self) -> list[int]:
        """The labels that occur, without background, in rising order."""
        return [int(v) for v in np.unique(self.data) if v]

    def volume_ml(self, label: int | None = None) -> float:
        """Millilitres of one label, or of all labels together."""
        count = np.count_nonzero(self.data == label if label is not None else self.data)
        return float(count * self.voxel_ml)
