"""What ``segment`` leaves in a folder, and the record of a scan that was refused."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from deepstroke.asymmetry_maps import ASYMMETRY_MAPS
from deepstroke.dicom.sc import write_secondary_capture
from deepstroke.dicom.seg import Algorithm, write_segmentation
from deepstroke.dicom.sr import write_structured_report
from deepstroke.errors import DeepStrokeError, InputError
from deepstroke.findings import Finding
from deepstroke.nifti import write_json, write_nifti
from deepstroke.progress import Progress, silent
from deepstroke.report.contents import Report, hash_outputs
from deepstroke.report.figures import Caption, draw_figure
from deepstroke.report.html import write_html
from deepstroke.stages import peak_memory_mb
from deepstroke.statements import assessment_of
from deepstroke.volume import Volume

if TYPE_CHECKING:
    from deepstroke.pipeline import Result

REJECTED = "rejected.json"
#: Probabilities are written in this many steps, which packs far better than all of their digits.
CONFIDENCE_STEPS = 256
#: Everything a run may leave; an earlier run's files are removed first, so that no two patients ever mix.
OUTPUT_NAMES = (
    "ct.nii.gz",
    "labels.nii.gz",
    "brain.nii.gz",
    "confidence.nii.gz",
    "labels-atlas.nii.gz",
    "labels-unet.nii.gz",
    "labels.seg.dcm",
    "report.sr.dcm",
    "figure.sc.dcm",
    "transform.h5",
    "transform-inverse.h5",
    "figure.png",
    "infarct.nii.gz",
    "lesion-probability.nii.gz",
    *(f"maps/{each.file}.nii.gz" for each in ASYMMETRY_MAPS),
    "infarct.json",
    "report.html",
    "report.json",
    REJECTED,
)


def clear_outputs(folder: Path) -> None:
    """Remove what an earlier run left in the folder; other files stay.

    Raises:
        InputError: the folder is a file, or a file can't be removed.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in OUTPUT_NAMES:
            (folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"{folder} can't be written: {error.strerror or error}", code="write") from error


def record_rejection(error: DeepStrokeError, path: Path, folder: Path) -> None:
    """Leave ``rejected.json`` with the code and the message of a refusal, and no result beside it."""
    clear_outputs(folder)
    record = {
        "created": datetime.now(timezone.utc).astimezone().isoformat(timespec="seconds"),
        "path": str(path),
        "code": error.code,
        "message": str(error),
    }
    write_json(record, folder / REJECTED)


def save_result(result: Result, folder: Path, progress: Progress = silent, *, with_transform: bool = False) -> Report:
    """Write all outputs of one result, each complete or absent, ``report.json`` last.

    Args:
        result: of ``segment``.
        folder: made where it is absent.
        progress: told how far the work is.
        with_transform: also write ``transform.h5`` and its inverse for ITK, ANTs and Slicer (some 30 MB each).

    Returns:
        The report as written, with the time that writing took and the sha256 of every file.

    Raises:
        InputError: the disk refuses; the message names the file.
    """
    clear_outputs(folder)
    began = time.perf_counter()
    progress(0.0, "writing volumes")
    write_nifti(in_whole_hu(result.ct), folder / "ct.nii.gz")
    write_nifti(result.labels, folder / "labels.nii.gz")
    write_nifti(result.brain, folder / "brain.nii.gz")
    _write_network_volumes(result, folder)
    findings = result.report.findings
    if with_transform and result.transform is not None:
        result.transform.save(folder / "transform.h5")
    elif with_transform:
        findings += (Finding("no-transform", "Nothing was registered, so there is no transform to save."),)
    progress(0.4, "drawing")
    draw_figure(result.ct, result.labels, folder / "figure.png", caption_of(result.report))
    progress(0.5, "writing DICOM")
    _write_dicom(replace(result, report=replace(result.report, findings=findings)), folder)
    written = [folder / name for name in OUTPUT_NAMES if (folder / name).exists()]
    seconds = round(time.perf_counter() - began, 3)
    report = replace(
        result.report,
        findings=findings,
        outputs=hash_outputs(written),
        timings_s={**result.report.timings_s, "write": seconds},
        peak_memory_mb=peak_memory_mb(),
    )
    progress(0.85, "writing the report")
    write_html(report, result.ct, result.labels, folder / "report.html")
    write_json(report.as_dict(), folder / "report.json")
    progress(1.0, "done")
    return report


def in_whole_hu(ct: Volume) -> Volume:
    """The scan as it is written: whole HU, which pack far better than fractions."""
    return ct.with_data(np.rint(np.clip(ct.data, -32768, 32767)).astype(np.int16))


def caption_of(report: Report) -> Caption:
    """What the pictures say about the making of a result."""
    atlas = None if report.atlas is None else f"{report.atlas['name']} {report.atlas['version']}"
    network = None if report.network is None else f"Network {report.network['weights']}"
    registration = f"Atlas registration ({report.engine})"
    if report.method == "unet":
        return Caption(str(network), atlas)
    if report.method == "both":
        led, other = (network, registration) if report.leader == "unet" else (registration, network)
        return Caption(f"{led}, compared with {other}", atlas)
    return Caption(registration, atlas)


def _write_network_volumes(result: Result, folder: Path) -> None:
    if result.confidence is not None:
        steps = np.rint(result.confidence.data * CONFIDENCE_STEPS) / np.float32(CONFIDENCE_STEPS)
        write_nifti(result.confidence.with_data(steps), folder / "confidence.nii.gz")
    if result.other_labels is not None:
        other = "atlas" if result.report.leader == "unet" else "unet"
        write_nifti(result.other_labels, folder / f"labels-{other}.nii.gz")


def _write_dicom(result: Result, folder: Path) -> None:
    """SEG, SR and Secondary Capture in the study of the source; nothing where the input was no DICOM."""
    if result.slices is None or result.slice_labels is None:
        return
    report, sources = result.report, result.slices.read_sources()
    algorithm = _algorithm(report)
    segmentation = folder / "labels.seg.dcm"
    write_segmentation(sources, result.slices.in_source_order(result.slice_labels), segmentation, algorithm=algorithm)
    if report.regions:
        write_structured_report(sources, segmentation, assessment_of(report, algorithm), folder / "report.sr.dcm")
    write_secondary_capture(sources, folder / "figure.png", folder / "figure.sc.dcm")


def _algorithm(report: Report) -> Algorithm:
    """What made the labels, with the settings that matter."""
    by_network = report.leader == "unet"
    parameters: dict[str, str] = {"method": report.method}
    if not by_network:
        parameters["engine"] = str(report.engine)
    if report.atlas is not None:
        parameters["atlas"] = f"{report.atlas['name']} {report.atlas['version']}"
    if report.network is not None:
        parameters["weights"] = str(report.network["weights"])
    return Algorithm("network" if by_network else "atlas", parameters=parameters)
