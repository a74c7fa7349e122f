"""A result out of Slicer: files into a folder, and DICOM objects into the database."""

from __future__ import annotations

import csv
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from deepstroke.errors import InputError
from DeepStrokeASPECTSLib.audit import review_file
from DeepStrokeASPECTSLib.review import Review

#: What each choice of the panel stands for; what a run didn't write is left out.
DICOM_FILES = ("labels.seg.dcm", "report.sr.dcm", "figure.sc.dcm")
NIFTI_FILES = ("ct.nii.gz", "labels.nii.gz", "brain.nii.gz", "confidence.nii.gz")
REPORT_FILES = ("report.html", "report.json", "figure.png")
_MEASURES = ("volume_ml", "mean_hu", "difference_hu", "confidence", "probability")
_COLUMNS = ("region", "side", *_MEASURES, "automatic", "reader")


def export_files(review: Review, folder: Path, names: tuple[str, ...]) -> list[Path]:
    """Copy the named files of the run and write the reader's decisions beside them.

    Args:
        review: the result and the reader's word on it.
        folder: made where it is absent; files of the same names are replaced.
        names: of the run's files.

    Returns:
        What was written.

    Raises:
        InputError: the run's files are gone, or the disk refuses.
    """
    there = [review.result.folder / name for name in names if (review.result.folder / name).is_file()]
    if names and not there:
        raise InputError(_("The run wrote none of these files. Segment again, or choose others."), code="no-files")
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path in there:
            written.append(Path(shutil.copyfile(path, folder / path.name)))
        written += _write_decisions(review, folder)
    except OSError as error:
        raise InputError(f"{folder} can't be written: {error.strerror or error}", code="write") from error
    return written


def _write_decisions(review: Review, folder: Path) -> list[Path]:
    said, trail, table = folder / "aspects-review.json", folder / "audit.jsonl", folder / "regions.csv"
    content = review_file(review.result.reading, review.overrides, review.trail)
    said.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    trail.write_text(review.trail_text(), encoding="utf-8")
    with table.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(_COLUMNS)
        for r in review.result.reading.regions:
            measures = (getattr(r, name) for name in _MEASURES)
            decided = (r.status, review.overrides.get(r.label))
            writer.writerow([r.region.abbreviation, r.side, *measures, *decided])
    return [said, trail, table]


def export_to_database(review: Review, database: Any) -> int:
    """Put the run's DICOM SEG and SR into Slicer's DICOM database.

    Returns:
        How many objects went in.

    Raises:
        InputError: no database is open, or the run has no DICOM objects because its input wasn't DICOM.
    """
    from DICOMLib import DICOMUtils

    if database is None or not database.isOpen:
        raise InputError(_("No DICOM database is open. Open the DICOM module once."), code="no-database")
    there = [review.result.folder / name for name in DICOM_FILES if (review.result.folder / name).is_file()]
    if not there:
        raise InputError(
            _("The volume wasn't loaded from DICOM, so there is no DICOM SEG. Load it from the DICOM database."),
            code="no-dicom-source",
        )
    with tempfile.TemporaryDirectory(prefix="deepstroke-dicom-") as folder:  # The database keeps copies of its own.
        for path in there:
            shutil.copyfile(path, Path(folder) / path.name)
        if not DICOMUtils.importDicom(folder, database, True):
            raise InputError(_("The DICOM database refused the objects; see the error log."), code="no-database")
    return len(there)
