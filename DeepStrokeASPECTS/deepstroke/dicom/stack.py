"""The exact place of every source slice of a series, and sampling of a volume back onto the slices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from deepstroke.dicom.header import SliceHeader
from deepstroke.dicom.source import FileSource, open_sources
from deepstroke.errors import GeometryError
from deepstroke.frames import RAS_TO_LPS, Affine, apply_affine
from deepstroke.volume import Volume

if TYPE_CHECKING:
    import pydicom


@dataclass(frozen=True, eq=False)
class SliceStack:
    """Parallel slices of one size, sorted along their normal, each with its own place in the patient.

    Attributes:
        rows, columns: size of every slice in pixels.
        pixel_spacing_mm: mm between rows, and between columns.
        positions_ras: (slices, 3), RAS+ mm of the centre of each slice's first pixel.
        row_directions_ras: (slices, 3), unit vectors of a rising column index.
        column_directions_ras: (slices, 3), unit vectors of a rising row index.
        sop_instance_uids: of each slice; the same for all frames of one file.
        frame_numbers: of each slice from 1; None where a slice is a file of its own.
        sources: the file of each slice.
    """

    rows: int
    columns: int
    pixel_spacing_mm: tuple[float, float]
    positions_ras: NDArray[np.float64]
    row_directions_ras: NDArray[np.float64]
    column_directions_ras: NDArray[np.float64]
    sop_instance_uids: tuple[str, ...]
    frame_numbers: tuple[int | None, ...]
    sources: tuple[FileSource, ...]

    def __len__(self) -> int:
        return len(self.positions_ras)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number of slices, rows and columns."""
        return len(self), self.rows, self.columns

    @property
    def paths(self) -> tuple[Path, ...]:
        """The file, or the archive, of each slice."""
        return tuple(source.path for source in self.sources)

    @property
    def normal_ras(self) -> NDArray[np.float64]:
        """Unit vector at right angles to the slices, towards rising slice indices."""
        return _unit(np.cross(self.row_directions_ras, self.column_directions_ras).mean(axis=0))

    @property
    def offsets_mm(self) -> NDArray[np.float64]:
        """Distance of each slice from the first along the normal, shape (slices,)."""
        along = self.positions_ras @ self.normal_ras
        return np.asarray(along - along[0], dtype=np.float64)

    @property
    def tilt_deg(self) -> float:
        """Angle between the line through the slices' positions and their normal, 0 for an upright stack.

        It comes from the positions; the tag GantryDetectorTilt has a different sign from vendor to vendor.
        """
        offsets = self.offsets_mm
        if len(self) < 2 or offsets[-1] <= 0:
            return 0.0
        in_plane = self.positions_ras - np.outer(offsets, self.normal_ras)
        drift = np.polyfit(offsets, in_plane, 1)[0]
        return float(np.degrees(np.arctan(np.linalg.norm(drift))))

    def slice_to_ras(self, k: int) -> Affine:
        """4 x 4 affine from (column, row, 0) of source slice k, pixel centres, to RAS+ mm.

        Formula: DICOM PS3.3 C.7.6.2.1.1, equation C.7.6.2.1-1.
        """
        row_step, column_step = self.pixel_spacing_mm
        affine = np.eye(4)
        affine[:3, 0] = self.row_directions_ras[k] * column_step
        affine[:3, 1] = self.column_directions_ras[k] * row_step
        affine[:3, 2] = self.normal_ras
        affine[:3, 3] = self.positions_ras[k]
        return affine

    def pixel_ras(self, k: int) -> NDArray[np.float64]:
        """RAS+ mm of every pixel centre of source slice k, shape (rows, columns, 3)."""
        columns, rows = np.meshgrid(np.arange(self.columns), np.arange(self.rows))
        return apply_affine(self.slice_to_ras(k), np.stack([columns, rows, np.zeros_like(rows)], axis=-1))

    def sample(self, volume: Volume, order: int = 0, outside: float = 0.0) -> NDArray:
        """The values of a volume or label map at every pixel centre of the source slices.

        Args:
            volume: on any grid in RAS+ mm.
            order: 0 takes the nearest voxel (labels), 1 interpolates linearly.
            outside: the value of pixels that lie outside the grid.

        Returns:
            Array (slices, rows, columns), of the volume's type for order 0 and float32 for order 1.
        """
        dtype = volume.data.dtype if order == 0 else np.dtype(np.float32)
        sampled = np.full(self.shape, outside, dtype=dtype)
        for k in range(len(self)):
            matrix = volume.ras_to_ijk @ self.slice_to_ras(k)
            sampled[k] = _sample_plane(volume.data, matrix, sampled[k], order)
        return sampled

    def read_sources(self) -> list[pydicom.Dataset]:
        """The headers of the source files without pixels, one for each file, in slice order.

        They hold patient data: DICOM outputs need it, nothing else may take it.
        """
        import pydicom

        datasets = []
        for _, opener in open_sources(dict.fromkeys(self.sources)):
            with opener() as stream:
                datasets.append(pydicom.dcmread(stream, stop_before_pixels=True, force=True))
        return datasets

    def in_source_order(self, planes: NDArray) -> NDArray:
        """Planes (slices, rows, columns) in the order in which ``read_sources`` and the frames of a file come."""
        if self.frame_numbers[0] is None:
            return planes
        ordered = np.zeros((max(n or 1 for n in self.frame_numbers), *planes.shape[1:]), planes.dtype)
        for plane, number in zip(planes, self.frame_numbers, strict=True):
            ordered[(number or 1) - 1] = plane
        return ordered


def stack_slices(headers: Sequence[SliceHeader]) -> SliceStack:
    """Sort slices of one size, spacing and orientation along their normal.

    Raises:
        GeometryError: a slice lacks its position, orientation or pixel spacing.
    """
    for header in headers:
        if None in (header.position, header.row_direction, header.column_direction, header.pixel_spacing):
            raise GeometryError(f"{header.name}: position, orientation or pixel spacing is missing", code="no-geometry")
    headers = sort_slices(headers)
    to_ras = RAS_TO_LPS[:3, :3]
    return SliceStack(
        rows=headers[0].rows,
        columns=headers[0].columns,
        pixel_spacing_mm=headers[0].pixel_spacing or (0.0, 0.0),
        positions_ras=np.array([h.position for h in headers], dtype=np.float64) @ to_ras,
        row_directions_ras=_unit(np.array([h.row_direction for h in headers], dtype=np.float64) @ to_ras),
        column_directions_ras=_unit(np.array([h.column_direction for h in headers], dtype=np.float64) @ to_ras),
        sop_instance_uids=tuple(h.sop_uid for h in headers),
        frame_numbers=tuple(h.frame for h in headers),
        sources=tuple(h.source for h in headers),
    )


def sort_slices(headers: Sequence[SliceHeader]) -> list[SliceHeader]:
    """Slices in rising order along the common normal; those at one place keep their order."""
    normals = np.cross([h.row_direction for h in headers], [h.column_direction for h in headers])
    along = np.array([h.position for h in headers], dtype=np.float64) @ _unit(normals.mean(axis=0))
    return [headers[n] for n in np.argsort(along, kind="stable")]


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True))


def _sample_plane(data: NDArray, matrix: Affine, plane: NDArray, order: int) -> NDArray:
    """Fill a plane (rows, columns) with the data at ``matrix @ (column, row, 0, 1)``; pixels outside keep theirs."""
    rows, columns = np.arange(plane.shape[0])[:, None], np.arange(plane.shape[1])[None]
    ijk = [matrix[axis, 0] * columns + matrix[axis, 1] * rows + matrix[axis, 3] for axis in range(3)]
    inside = np.ones(plane.shape, bool)
    for axis, size in enumerate(data.shape):
        inside &= (ijk[axis] > -0.5) & (ijk[axis] < size - 0.5)
    points = np.stack([coordinate[inside] for coordinate in ijk])
    filled = plane.copy()
    if order == 0:
        filled[inside] = data[tuple(np.rint(points).astype(np.intp))]
    else:
        from scipy.ndimage import map_coordinates

        filled[inside] = map_coordinates(data.astype(np.float32, copy=False), points, order=order, mode="nearest")
    return filled
