"""The ASPECTS outlines that some series carry as overlay planes (60xx,3000), and where they lie in the patient.

Overlays stand in bits of their own or in unused bits of the pixels; the latter are read from the file as it is, since
transcoding drops them. See PS3.3 C.9.2 (overlay plane), C.9.3 (multi-frame overlay) and PS3.5 8.1.2 (packing).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from deepstroke.dicom.decoding import decode
from deepstroke.dicom.header import SliceHeader
from deepstroke.dicom.overlay_groups import OverlayGroup, OverlaysOfFile, read_overlay_groups
from deepstroke.dicom.records import SeriesRecord
from deepstroke.dicom.source import open_sources
from deepstroke.dicom.stack import SliceStack, sort_slices
from deepstroke.errors import GeometryError
from deepstroke.findings import Finding
from deepstroke.frames import apply_affine
from deepstroke.volume import Volume

#: What each event means for a reader; ``{name}`` is the group, ``{n}`` the slices it was met on, ``{of}`` all slices.
_MESSAGES = {
    "overlay-truncated": "overlay {name} is cut short on {n} of {of} slices; what is missing counts as no outline",
    "overlay-off-origin": "overlay {name} starts off the first pixel on {n} of {of} slices and was placed there",
    "overlay-clipped": "overlay {name} reaches beyond the image on {n} of {of} slices; what lies outside is lost",
    "overlay-impossible": "overlay {name} states an impossible size or place on {n} of {of} slices and was left out",
    "overlay-lost": "overlay {name} is declared in the pixels' bits on {n} of {of} slices, but these hold nothing: "
    "it was lost when the pixels were compressed or rewritten",
    "overlay-beyond-601E": "overlay {name} lies beyond group 601E on {n} of {of} slices, where DICOM has none: unread",
}
#: After these the outline of a slice is known to be incomplete.
_INCOMPLETE = frozenset({"overlay-truncated", "overlay-clipped", "overlay-impossible", "overlay-lost"})


@dataclass(frozen=True, eq=False)
class OverlayPlanes:
    """The overlays of a series.

    Attributes:
        groups: bool (slices, rows, columns) by group, such as ``groups[0x6000]``, in the order of ``stack_slices``.
        incomplete: bool (slices,), where an overlay was cut, clipped, lost or refused.
        findings: what a user of the outlines must know; the image itself is never affected.
    """

    groups: Mapping[int, NDArray[np.bool_]]
    incomplete: NDArray[np.bool_]
    findings: tuple[Finding, ...]

    @property
    def is_empty(self) -> bool:
        """Whether no overlay has any pixel."""
        return not any(planes.any() for planes in self.groups.values())

    def union(self, groups: Sequence[int] | None = None) -> NDArray[np.bool_] | None:
        """Where any of the named groups, or of all, has a pixel; None where there is no overlay."""
        wanted = [planes for group, planes in self.groups.items() if groups is None or group in groups]
        return np.logical_or.reduce(wanted) if wanted else None


def read_overlays(series: SeriesRecord | Sequence[SliceHeader]) -> OverlayPlanes:
    """Read the overlays of a series or of its slices; an overlay that is odd is flagged and never costs the image.

    Pure apart from reading the series' files, each of them once (twice where an overlay lies in the pixels).

    Raises:
        DicomSeriesError: a file can't be read.

    Example:
        >>> planes = read_overlays(choose_series(inspect("study")))  # doctest: +SKIP
        >>> {f"{group:04X}": int(plane.sum()) for group, plane in planes.groups.items()}  # doctest: +SKIP
        {'6000': 18231}
    """
    headers = sort_slices(series.headers if isinstance(series, SeriesRecord) else series)
    planes = _Planes((len(headers), headers[0].rows, headers[0].columns))
    embedded = []
    for index, overlays in _overlays_of(headers):
        for group in overlays.beyond:
            planes.note("overlay-beyond-601E", group, index)
        for overlay in overlays.groups:
            frame = overlay.frame_of(headers[index].frame or 1)
            if frame is None:
                continue
            if not overlay.is_possible:
                planes.note("overlay-impossible", overlay.group, index)
            elif overlay.is_embedded:
                embedded.append((index, overlay))
            else:
                planes.add(overlay, frame, index)
    _add_embedded(planes, embedded, headers)
    return planes.collected()


def overlay_points(
    planes: OverlayPlanes, slices: SliceStack, groups: Sequence[int] | None = None
) -> NDArray[np.float64]:
    """RAS+ mm of every overlay pixel's centre on its own source slice, tilted or not, shape (N, 3).

    Args:
        planes: of the same series as ``slices``.
        slices: the place of each slice.
        groups: only these overlay groups.

    Raises:
        GeometryError: planes and slices have different sizes.
    """
    union = planes.union(groups)
    if union is None:
        return np.empty((0, 3))
    if union.shape != slices.shape:
        raise GeometryError(
            f"overlays of {union.shape} slices, rows and columns don't fit slices of {slices.shape}",
            code="grid-mismatch",
        )
    points = []
    for k in np.flatnonzero(union.any(axis=(1, 2))):
        rows, columns = np.nonzero(union[k])
        points.append(apply_affine(slices.slice_to_ras(int(k)), np.stack([columns, rows, 0 * rows], axis=-1)))
    return np.concatenate(points) if points else np.empty((0, 3))


def point_cloud(points_ras: NDArray, grid: Volume) -> Volume:
    """How many points (N, 3) in RAS+ mm lie in each voxel of a grid, uint16; points outside of it don't count."""
    counts = np.zeros(grid.shape, np.uint16)
    voxels = np.rint(grid.ijk_of(np.asarray(points_ras, dtype=np.float64))).astype(np.intp)
    inside = ((voxels >= 0) & (voxels < grid.shape)).all(axis=1)
    np.add.at(counts, tuple(voxels[inside].T), 1)
    return grid.with_data(counts)


class _Planes:
    """Collects the planes of each group and counts what was odd."""

    def __init__(self, shape: tuple[int, int, int]) -> None:
        self._shape = shape
        self._planes: dict[int, NDArray[np.bool_]] = {}
        self._events: Counter[tuple[str, int]] = Counter()
        self._incomplete = np.zeros(shape[0], bool)

    def plane(self, group: int, index: int) -> NDArray[np.bool_]:
        """One slice (rows, columns) of a group, to be filled in."""
        planes: NDArray[np.bool_] = self._planes.setdefault(group, np.zeros(self._shape, bool))
        return np.asarray(planes[index])

    def note(self, code: str, group: int, index: int) -> None:
        """Count an event on a slice."""
        self._events[code, group] += 1
        self._incomplete[index] |= code in _INCOMPLETE

    def add(self, overlay: OverlayGroup, frame: int, index: int) -> None:
        """Place an overlay that has data of its own."""
        bits, whole = overlay.unpacked(frame)
        if not whole:
            self.note("overlay-truncated", overlay.group, index)
        if overlay.origin != (1, 1):
            self.note("overlay-off-origin", overlay.group, index)
        if _place(bits, overlay.origin, self.plane(overlay.group, index)):
            self.note("overlay-clipped", overlay.group, index)

    def collected(self) -> OverlayPlanes:
        """What was collected."""
        findings = [
            Finding(code, _MESSAGES[code].format(name=f"{group:04X}", n=n, of=self._shape[0]))
            for (code, group), n in sorted(self._events.items())
        ]
        return OverlayPlanes(dict(sorted(self._planes.items())), self._incomplete, tuple(findings))


def _overlays_of(headers: Sequence[SliceHeader]) -> Iterator[tuple[int, OverlaysOfFile]]:
    """Each slice's index and its file's overlays; every file is opened once, in its archive's order."""
    numbered = sorted(enumerate(headers), key=lambda pair: pair[1].source.sort_key)
    wanted = {source: list(slices) for source, slices in groupby(numbered, key=lambda pair: pair[1].source)}
    for source, opener in open_sources(wanted):
        with opener() as stream:
            overlays = read_overlay_groups(stream, str(source))
        yield from ((index, overlays) for index, _ in wanted[source])


def _place(bits: NDArray[np.bool_], origin: tuple[int, int], plane: NDArray[np.bool_]) -> bool:
    """Mark the bits on an image whose row and column ``origin`` (from 1) is their first; whether any fell outside."""
    rows, columns = np.nonzero(bits)
    rows, columns = rows + origin[0] - 1, columns + origin[1] - 1
    inside = (rows >= 0) & (rows < plane.shape[0]) & (columns >= 0) & (columns < plane.shape[1])
    plane[rows[inside], columns[inside]] = True
    return not bool(inside.all())


def _add_embedded(
    planes: _Planes, embedded: Sequence[tuple[int, OverlayGroup]], headers: Sequence[SliceHeader]
) -> None:
    """Take overlays out of the bits of the pixels, as these are stored."""
    indices = list(dict.fromkeys(index for index, _ in embedded))
    found = set()
    for position, cells in decode([headers[index] for index in indices], whole_cells=True):
        for overlay in (overlay for index, overlay in embedded if index == indices[position]):
            bits = ((cells >> overlay.bit) & 1).astype(bool)
            planes.plane(overlay.group, indices[position])[bits] = True
            found |= {overlay.group} if bits.any() else set()
    for index, overlay in embedded:
        if overlay.group not in found:
            planes.note("overlay-lost", overlay.group, index)
