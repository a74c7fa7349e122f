"""Group slices into series, and part what one Series Instance UID mixes: sizes, orientations, repeated scans."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from deepstroke.dicom.header import SliceHeader
from deepstroke.dicom.parsing import parse_header
from deepstroke.dicom.source import FileSource, Opener, open_sources
from deepstroke.dicom.stack import SliceStack, sort_slices, stack_slices
from deepstroke.findings import Finding

Orientation = Literal["axial", "coronal", "sagittal"]
Key = TypeVar("Key")

#: Orientations of one stack may differ by rounding, in every direction cosine.
ORIENTATION_TOLERANCE = 1e-3
PIXEL_SPACING_TOLERANCE_MM = 1e-4
#: Slices closer than this along the normal and in the plane lie at one place.
SAME_PLACE_MM = 0.01

_LOCALIZER_TYPES = {"LOCALIZER", "SCOUT", "TOPOGRAM"}


@dataclass(frozen=True, eq=False)
class SliceGroup:
    """Slices of one series that may form one stack.

    Attributes:
        headers: sorted along the normal where positions and orientation are sound, else as they came.
        part: 0 where the whole series forms one group, else 1, 2, ...
        reasons: faults of the series that were found while grouping and make it unusable.
        findings: what was dealt with while grouping.
    """

    headers: tuple[SliceHeader, ...]
    part: int = 0
    reasons: tuple[Finding, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def has_geometry(self) -> bool:
        """Whether every slice has a position, a sound orientation and a pixel spacing."""
        return all(_has_geometry(header) for header in self.headers)

    @property
    def stack(self) -> SliceStack:
        """The place of the slices; only where ``has_geometry``."""
        return stack_slices(self.headers)

    @property
    def orientation(self) -> Orientation | None:
        """The body plane nearest to the slices."""
        if not self.has_geometry:
            return None
        return orientation_of(self.stack.normal_ras)

    @property
    def is_localizer(self) -> bool:
        """Whether the image type says localizer."""
        return is_localizer(self.headers[0])


def orientation_of(normal: NDArray[np.float64]) -> Orientation:
    """The body plane whose normal is nearest to the given one (patient axes, either sign)."""
    planes: tuple[Orientation, ...] = ("sagittal", "coronal", "axial")
    return planes[int(np.argmax(np.abs(normal)))]


def is_localizer(header: SliceHeader) -> bool:
    """Whether the image type says localizer, scout or topogram."""
    return not _LOCALIZER_TYPES.isdisjoint(header.image_type)


def is_orthonormal(header: SliceHeader) -> bool:
    """Whether the two direction cosines are unit vectors at right angles, within rounding."""
    axes = np.array([header.row_direction, header.column_direction], dtype=np.float64)
    return bool(np.abs(axes @ axes.T - np.eye(2)).max() <= 2 * ORIENTATION_TOLERANCE)


def group_series(headers: Iterable[SliceHeader]) -> list[SliceGroup]:
    """Every series as one group, or as several where its slices can't form one stack."""
    groups: list[SliceGroup] = []
    for slices in _collect(headers, lambda header: header.series_uid).values():
        groups.extend(_split_series(slices))
    return groups


def _split_series(slices: list[SliceHeader]) -> list[SliceGroup]:
    damaged = [header for header in slices if header.damage is not None]
    sound = [header for header in slices if header.damage is None]
    if not sound:
        return [SliceGroup(tuple(slices), reasons=_incomplete(damaged, len(slices)))]
    scouts = [header for header in sound if is_localizer(header)]
    planes = [header for header in sound if not is_localizer(header)]
    parts = [part for alike in _split_geometry(planes) for part in _split_repeats(alike)]
    if scouts:
        parts.append(SliceGroup(tuple(scouts)))
    if len(parts) > 1:
        parts = [_name_part(part, number, len(parts)) for number, part in enumerate(parts, start=1)]
    if damaged:
        reasons = _incomplete(damaged, len(slices))
        parts = [replace(part, reasons=part.reasons + reasons) for part in parts]
    return parts


def _incomplete(damaged: Sequence[SliceHeader], total: int) -> tuple[Finding, ...]:
    first = damaged[0]
    cause = first.damage.message if first.damage else ""
    return (
        Finding(
            "incomplete-series",
            f"{len({h.source for h in damaged})} of {total} slices can't be read, the first is {first.name} ({cause}); "
            "copy the series again",
        ),
    )


def _name_part(part: SliceGroup, number: int, count: int) -> SliceGroup:
    message = (
        f"the series mixes {count} stacks that differ in size, spacing, orientation or scan; this is number {number}"
    )
    return replace(part, part=number, findings=(*part.findings, Finding("split-series", message)))


def _split_geometry(slices: list[SliceHeader]) -> list[list[SliceHeader]]:
    """Slices of equal size, kind, spacing and orientation, the largest group first."""
    alike: list[list[SliceHeader]] = []
    for kind in _collect(slices, _kind).values():
        groups: list[list[SliceHeader]] = []
        for header in kind:
            for group in groups:
                if _same_plane_geometry(group[0], header):
                    group.append(header)
                    break
            else:
                groups.append([header])
        alike.extend(groups)
    return sorted(alike, key=len, reverse=True)


def _kind(header: SliceHeader) -> tuple[object, ...]:
    return (
        header.modality,
        header.sop_class,
        header.rows,
        header.columns,
        header.frame_of_reference,
        _has_geometry(header),
    )


def _same_plane_geometry(a: SliceHeader, b: SliceHeader) -> bool:
    if not _has_geometry(a):
        return True
    return _close(a.row_direction, b.row_direction, ORIENTATION_TOLERANCE) and (
        _close(a.column_direction, b.column_direction, ORIENTATION_TOLERANCE)
        and _close(a.pixel_spacing, b.pixel_spacing, PIXEL_SPACING_TOLERANCE_MM)
    )


def _close(a: Sequence[float] | None, b: Sequence[float] | None, tolerance: float) -> bool:
    return bool(np.abs(np.subtract(a or (), b or ())).max(initial=0.0) <= tolerance)


def _has_geometry(header: SliceHeader) -> bool:
    if header.position is None or header.row_direction is None or header.column_direction is None:
        return False
    spacing = header.pixel_spacing
    return spacing is not None and min(spacing) > 0 and is_orthonormal(header)


def _split_repeats(slices: list[SliceHeader]) -> list[SliceGroup]:
    """Drop exact copies; part scans that were repeated at the same places; refuse what can't be told apart."""
    if not _has_geometry(slices[0]):
        return [SliceGroup(tuple(slices))]
    ordered = sort_slices(slices)
    places = _places(ordered)
    if all(len(place) == 1 for place in places):
        return [SliceGroup(tuple(ordered))]
    places = [_without_copies(place) for place in places]
    kept = [header for place in places for header in place]
    copies = len(slices) - len(kept)
    findings = (Finding("duplicates-removed", f"{copies} exact copies of slices were left out"),) if copies else ()
    if all(len(place) == 1 for place in places):
        return [SliceGroup(tuple(kept), findings=findings)]
    scans = _split_scans(kept, max(map(len, places)))
    if scans is None:
        twice = sum(len(place) > 1 for place in places)
        example = next(place for place in places if len(place) > 1)
        reason = Finding(
            "same-position",
            f"{twice} places hold several slices with different pixels and nothing tells them apart, such as "
            f"{example[0].name} and {example[1].name}; export one scan at a time",
        )
        return [SliceGroup(tuple(kept), reasons=(reason,), findings=findings)]
    return [SliceGroup(tuple(scan), findings=findings) for scan in scans]


def _places(ordered: list[SliceHeader]) -> list[list[SliceHeader]]:
    """Neighbours in the sorted list that lie at one place."""
    places: list[list[SliceHeader]] = []
    for header in ordered:
        if places and places[-1][0].same_place(header, SAME_PLACE_MM):
            places[-1].append(header)
        else:
            places.append([header])
    return places


def _without_copies(place: list[SliceHeader]) -> list[SliceHeader]:
    """One slice of each set with equal pixels."""
    if len(place) == 1:
        return place
    hashes = {source: _pixel_hash(source, opener) for source, opener in open_sources({h.source for h in place})}
    return list({(hashes[h.source], h.frame): h for h in reversed(place)}.values())[::-1]


def _pixel_hash(source: FileSource, opener: Opener) -> str:
    with opener() as stream:
        pixels = parse_header(stream, str(source)).pixels
        stream.seek(pixels.offset if pixels else 0)
        return hashlib.sha256(stream.read()).hexdigest()


_SCAN_KEYS: tuple[Callable[[SliceHeader], object], ...] = (
    lambda h: h.kernel,
    lambda h: h.image_type,
    lambda h: h.acquisition_number,
    lambda h: h.temporal_position,
    lambda h: h.contrast_agent,
    lambda h: h.kvp,
    lambda h: h.thickness,
    lambda h: h.acquisition_time,
)


def _split_scans(slices: list[SliceHeader], repeats: int) -> list[list[SliceHeader]] | None:
    """The scans that one attribute tells apart: as many as there are repeats, each with every place once."""
    for key in _SCAN_KEYS:
        scans = list(_collect(slices, key).values())
        if len(scans) == repeats and all(len(_places(scan)) == len(scan) for scan in scans):
            return scans
    return _split_consecutive(slices, repeats)


def _split_consecutive(slices: list[SliceHeader], repeats: int) -> list[list[SliceHeader]] | None:
    """Scans of equal length whose instance numbers follow one after the other."""
    numbers = [header.instance_number for header in slices]
    if None in numbers or len(set(numbers)) < len(numbers) or len(slices) % repeats:
        return None
    ordered = sorted(slices, key=lambda header: header.instance_number or 0)
    size = len(slices) // repeats
    scans = [sort_slices(ordered[n * size : (n + 1) * size]) for n in range(repeats)]
    return scans if all(len(_places(scan)) == size for scan in scans) else None


def _collect(slices: Iterable[SliceHeader], key: Callable[[SliceHeader], Key]) -> dict[Key, list[SliceHeader]]:
    groups: dict[Key, list[SliceHeader]] = {}
    for header in slices:
        groups.setdefault(key(header), []).append(header)
    return groups
