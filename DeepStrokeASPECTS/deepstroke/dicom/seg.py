"""DICOM Segmentation objects: the sided ASPECTS regions on the source slices, never resampled.

Every frame stands exactly where its source slice stands, so tilted and unevenly spaced stacks keep their geometry.
Segment numbers are the labels 1..20 of a sided label map. A label that is absent keeps its number and its
description and has no frame, so a number means the same region in every file.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from deepstroke import __version__
from deepstroke.dicom.seg_segments import Algorithm, describe_segment, label_of_segment, private_scheme, segment_name
from deepstroke.dicom.seg_sources import Source, SourceImages, multi_frame_planes, read_sources
from deepstroke.errors import ConfigError, DeepStrokeError, GeometryError, InputError
from deepstroke.nifti import atomic_path
from deepstroke.regions import REGIONS, SIDED_REGIONS

if TYPE_CHECKING:
    import highdicom
    import pydicom

__all__ = [
    "Algorithm",
    "SegmentationType",
    "StoredSegmentation",
    "check_segmentation",
    "read_segmentation",
    "write_segmentation",
]

SegmentationType = Literal["BINARY", "LABELMAP"]

#: A frame's corners may lie this far from its source slice's before the file is refused.
PLACEMENT_TOLERANCE_MM = 0.5


@dataclass(frozen=True, eq=False)
class StoredSegmentation:
    """What a DICOM Segmentation of ASPECTS regions holds.

    Attributes:
        labels: uint8 (slices, rows, columns), sided labels 0..20, a slice for every source image in their order.
        source_uids: SOP Instance UIDs of the source images (one for a multi-frame source).
    """

    labels: NDArray[np.uint8]
    source_uids: tuple[str, ...]


def write_segmentation(
    sources: Sequence[Source],
    labels: NDArray[np.uint8],
    path: str | os.PathLike[str],
    *,
    algorithm: Algorithm,
    segmentation_type: SegmentationType = "BINARY",
    series_number: int = 900,
) -> None:
    """Write sided ASPECTS labels as a DICOM Segmentation on the source slices, then read it back and check it.

    The file is complete and checked, or absent. Of the source's patient and study attributes only those that DICOM
    requires are copied.

    Args:
        sources: the slices of one series as files or datasets (pixels aren't needed), or one multi-frame image.
        labels: uint8 (slices, rows, columns), 0..20, ``labels[n]`` pixel for pixel on ``sources[n]`` (or frame n).
        path: the file to write.
        algorithm: what made the labels.
        segmentation_type: ``"BINARY"``, which every viewer reads, or ``"LABELMAP"`` with JPEG-LS, which is far
            smaller and which few viewers read yet.
        series_number: of the new series.

    Raises:
        InputError: the labels or the sources can't be used; the message says why.
        GeometryError: frames wouldn't lie on their source slices, or left and right are exchanged.
        ConfigError: an unknown segmentation type.
        DeepStrokeError: the file read back differs from what was written.

    Example:
        >>> write_segmentation(sorted(folder.glob("*.dcm")), labels, "labels.seg.dcm",
        ...                    algorithm=Algorithm("atlas", parameters={"engine": "fast"}))  # doctest: +SKIP
    """
    if segmentation_type not in ("BINARY", "LABELMAP"):
        raise ConfigError(f"a segmentation type is BINARY or LABELMAP, found {segmentation_type}", code="seg-type")
    images = read_sources(sources)
    _require_labels(labels, images)
    segmentation = _build(images, labels, algorithm, segmentation_type, series_number)
    with atomic_path(path) as temporary:
        segmentation.save_as(temporary)
        _check_file(temporary, images, labels)


def read_segmentation(path: str | os.PathLike[str], *, source_frames: int | None = None) -> StoredSegmentation:
    """Read the ASPECTS regions of a DICOM Segmentation, each known by its code and side, not by its number.

    Args:
        path: the file.
        source_frames: number of frames of a multi-frame source, which the file doesn't tell; without it the slices
            end with the last frame that holds a label.

    Raises:
        InputError: the file isn't a DICOM Segmentation, or its segments overlap or aren't sided ASPECTS regions.
    """
    return _stored(_open(Path(path)), Path(path), source_frames)


def check_segmentation(path: str | os.PathLike[str], sources: Sequence[Source], labels: NDArray[np.uint8]) -> None:
    """Raise unless a file says just these labels: meaning, pixels, place on the source slices, and side.

    Args:
        path: a DICOM Segmentation of ASPECTS regions.
        sources: the slices of its source series in the order of the labels.
        labels: uint8 (slices, rows, columns), 0..20.

    Raises:
        InputError: the file isn't such a segmentation.
        GeometryError: a frame is off its source slice, or left and right are exchanged.
        DeepStrokeError: a segment's number, name, code and side disagree, or the labels differ.
    """
    _check_file(Path(path), read_sources(sources), labels)


def _require_labels(labels: NDArray, images: SourceImages) -> None:
    if labels.dtype != np.uint8 or labels.shape != images.shape:
        raise InputError(
            f"labels on the source slices are uint8 of shape {images.shape} (slices, rows, columns), "
            f"found {labels.dtype} of shape {labels.shape}",
            code="seg-labels",
        )
    if labels.max() > len(SIDED_REGIONS):
        raise InputError(f"sided labels are 0..{len(SIDED_REGIONS)}, found {labels.max()}", code="seg-labels")
    if not labels.any():
        raise InputError("no slice holds a label, so there is nothing to write", code="seg-empty")


def _build(
    images: SourceImages,
    labels: NDArray[np.uint8],
    algorithm: Algorithm,
    segmentation_type: SegmentationType,
    series_number: int,
) -> highdicom.seg.Segmentation:
    import highdicom
    from pydicom.uid import ExplicitVRLittleEndian, JPEGLSLossless, generate_uid

    numbers = range(1, len(SIDED_REGIONS) + 1)
    segmentation = highdicom.seg.Segmentation(
        source_images=images.headers,
        pixel_array=labels,
        segmentation_type=segmentation_type,
        segment_descriptions=[describe_segment(number, images.series_uid, algorithm) for number in numbers],
        series_instance_uid=generate_uid(),
        series_number=series_number,
        sop_instance_uid=generate_uid(),
        instance_number=1,
        manufacturer="DeepStroke",
        manufacturer_model_name="deepstroke",
        software_versions=__version__,
        device_serial_number=__version__,
        transfer_syntax_uid=JPEGLSLossless if segmentation_type == "LABELMAP" else ExplicitVRLittleEndian,
        content_label="ASPECTS",
        content_description="ASPECTS regions. Research use only.",
        content_qualification="RESEARCH",
        series_description="DeepStroke ASPECTS regions (research use only)",
        coding_schemes=[private_scheme()],
    )
    segmentation.update(images.identity)
    return segmentation


def _open(path: Path) -> highdicom.seg.Segmentation:
    import highdicom
    from pydicom.errors import InvalidDicomError

    try:
        return highdicom.seg.segread(path)
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file", code="missing-file") from error
    except (InvalidDicomError, AttributeError, KeyError, TypeError, ValueError, OSError) as error:
        raise InputError(f"{path}: not a readable DICOM Segmentation ({error})", code="not-a-seg") from error


def _stored(segmentation: highdicom.seg.Segmentation, path: Path, source_frames: int | None) -> StoredSegmentation:
    label_of = np.zeros(1 + max(int(s.SegmentNumber) for s in segmentation.SegmentSequence), np.uint8)
    for segment in _regions(segmentation):
        label_of[segment.SegmentNumber] = label_of_segment(segment)
    try:
        uids = tuple(str(image.ReferencedSOPInstanceUID) for image in _referenced_images(segmentation))
        numbers = _segment_numbers(segmentation, uids, source_frames or _last_referenced_frame(segmentation))
    except (RuntimeError, ValueError, KeyError, AttributeError, IndexError) as error:
        raise InputError(
            f"{path}: the frames can't be laid on the source slices without overlap ({error})", code="seg-frames"
        ) from error
    return StoredSegmentation(label_of[numbers], uids)


def _regions(segmentation: highdicom.seg.Segmentation) -> list[pydicom.Dataset]:
    """The described segments without number 0, the background of a LABELMAP."""
    return [segment for segment in segmentation.SegmentSequence if segment.SegmentNumber > 0]


def _referenced_images(segmentation: highdicom.seg.Segmentation) -> Sequence[pydicom.Dataset]:
    """The source images in the order in which they were given."""
    return segmentation.ReferencedSeriesSequence[0].ReferencedInstanceSequence


def _source_of(frame: pydicom.Dataset) -> tuple[str, int | None]:
    """SOP Instance UID of the source of one frame, and its frame number in a multi-frame source."""
    source = frame.DerivationImageSequence[0].SourceImageSequence[0]
    number = source.get("ReferencedFrameNumber")
    return str(source.ReferencedSOPInstanceUID), None if number is None else int(number)


def _last_referenced_frame(segmentation: highdicom.seg.Segmentation) -> int | None:
    """The highest referenced frame of a multi-frame source; None for single-frame sources."""
    sources = [_source_of(frame) for frame in segmentation.PerFrameFunctionalGroupsSequence]
    return max((number for _uid, number in sources if number is not None), default=None)


def _segment_numbers(
    segmentation: highdicom.seg.Segmentation, uids: Sequence[str], source_frames: int | None
) -> NDArray[np.integer]:
    """Segment numbers (slices, rows, columns) in the order of the source slices."""
    options: dict[str, Any] = {"combine_segments": True, "assert_missing_frames_are_empty": True}
    if source_frames is None:
        return segmentation.get_pixels_by_source_instance(uids, **options)
    return segmentation.get_pixels_by_source_frame(uids[0], range(1, source_frames + 1), **options)


def _check_file(path: Path, images: SourceImages, labels: NDArray[np.uint8]) -> None:
    """Raise unless the written file says what it was given: meaning, pixels, place and side."""
    segmentation = _open(path)
    for segment in _regions(segmentation):
        label = label_of_segment(segment)
        if (segment.SegmentNumber, segment.SegmentLabel) != (label, segment_name(label)):
            raise DeepStrokeError(
                f"segment {segment.SegmentNumber}, {segment.SegmentLabel}, carries the code of {segment_name(label)}",
                code="seg-meaning",
            )
    stored = _stored(segmentation, path, images.n_frames)
    if stored.source_uids != images.uids or not np.array_equal(stored.labels, labels):
        raise DeepStrokeError("the segmentation read back differs from what was written", code="seg-readback")
    _check_placement(segmentation, images)
    _check_sides(stored.labels, images)


def _check_placement(segmentation: highdicom.seg.Segmentation, images: SourceImages) -> None:
    """Raise unless every frame's corners lie on its source slice's."""
    _slices, rows, columns = images.shape
    corners = np.array([[c, r, 0, 1] for c in (0, columns - 1) for r in (0, rows - 1)], dtype=np.float64).T
    slice_of = {uid: n for n, uid in enumerate(images.uids)}
    sources = [_source_of(frame) for frame in segmentation.PerFrameFunctionalGroupsSequence]
    order = [slice_of[uid] if number is None else number - 1 for uid, number in sources]
    difference = (multi_frame_planes(segmentation) - images.index_to_lps[order]) @ corners
    worst = float(np.linalg.norm(difference[:, :3], axis=1).max())
    if worst > PLACEMENT_TOLERANCE_MM:
        raise GeometryError(
            f"a frame would lie {worst:.2f} mm off its source slice (limit {PLACEMENT_TOLERANCE_MM} mm); "
            "the source slices don't share one orientation and pixel spacing",
            code="seg-placement",
        )


def _check_sides(labels: NDArray[np.uint8], images: SourceImages) -> None:
    """Raise unless every left region lies on the patient's left (LPS +x) of its right partner."""
    centroids = _centroids(labels, images)
    for region in REGIONS:
        left, right = (centroids[region.label(side), 0] for side in ("left", "right"))
        if left <= right:  # false where a side is absent, for its centroid is not a number
            raise GeometryError(
                f"the left {region.abbreviation} lies {right - left:.1f} mm on the patient's right of the right one; "
                "the labels are mirrored against the scan",
                code="seg-side",
            )


def _centroids(labels: NDArray[np.uint8], images: SourceImages) -> NDArray[np.float64]:
    """Mean LPS+ mm of each label, shape (21, 3); not a number where a label is absent."""
    sums = np.zeros((len(SIDED_REGIONS) + 1, 4))
    for frame, index_to_lps in zip(labels, images.index_to_lps, strict=True):
        row, column = np.nonzero(frame)
        points = index_to_lps @ np.stack([column, row, np.zeros_like(row), np.ones_like(row)])
        for axis in range(4):
            sums[:, axis] += np.bincount(frame[row, column], weights=points[axis], minlength=len(sums))
    with np.errstate(invalid="ignore"):
        return sums[:, :3] / sums[:, 3:]
