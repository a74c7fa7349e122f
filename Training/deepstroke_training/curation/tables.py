"""The tables and contact sheets of a data set, written from the index when all cases are done."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from deepstroke.atlas.aggregate import OverlaySum
from deepstroke.nifti import read_volume
from deepstroke_training.curation.pictures import draw_contact_sheets
from deepstroke_training.curation.stages import sum_of
from deepstroke_training.curation.storage import QC_FOLDER, VOLUME_FOLDERS, write_checked, write_table
from deepstroke_training.curation.workspace import Workspace

INDEX_COLUMNS = (
    *("series", "part", "study", "patient", "case", "usable", "reasons", "why", "findings", "modality"),
    *("number", "slices", "rows", "columns", "spacing_mm", "thickness_mm", "tilt_deg", "kernel", "coverage_mm"),
    *("orientation", "contrast", "score", "input"),
)
CASE_COLUMNS = (
    *("case", "patient", "study", "series", "part", "input", "slices", "shape", "spacing_mm", "thickness_mm"),
    *("tilt_deg", "kernel", "brain_ml", "regions", "ncc", "lncc", "mask_dice", "jacobian_min", "jacobian_p1"),
    *("affine_scale", "rotation_deg", "inverse_error_mean_mm", "inverse_error_p99_mm"),
    *("overlay_points", "overlay_first_mm", "overlay_final_mm", "overlay_final_p95_mm", "findings", "review"),
)
QUARANTINE_COLUMNS = ("stage", "case", "series", "part", "patient", "study", "code", "why")
LOSS_COLUMNS = ("file", "series", "code")


def write_index_tables(workspace: Workspace) -> None:
    """Write ``index.csv``, ``quarantine.csv`` and ``losses.csv``.

    The names of lost files stand in ``losses.csv`` of the private folder; the data set has salted hashes of them.

    Raises:
        InputError: the disk refuses.
    """
    dataset, index = workspace.dataset, workspace.index
    write_table(dataset / "index.csv", INDEX_COLUMNS, index.rows("index"))
    write_table(dataset / "quarantine.csv", QUARANTINE_COLUMNS, index.rows("quarantine"))
    write_table(dataset / "losses.csv", LOSS_COLUMNS, _hidden_losses(workspace))
    write_table(workspace.private / "losses.csv", ("file", "code", "message"), _named_losses(workspace))


def write_case_tables(workspace: Workspace) -> None:
    """Write ``cases.csv`` and the contact sheets, on which the cases to look at come first.

    Raises:
        InputError: the disk refuses.
    """
    dataset, index = workspace.dataset, workspace.index
    for stale in (dataset / QC_FOLDER).glob("contact_sheet_*.png"):
        stale.unlink()
    strips = (dataset / QC_FOLDER / f"{row['case']}.png" for row in index.rows("sheets"))
    draw_contact_sheets(strips, dataset / QC_FOLDER)
    write_table(dataset / "cases.csv", CASE_COLUMNS, index.rows("cases"))


def write_mean_overlay(workspace: Workspace) -> None:
    """Add up the overlays of all cases, one after the other, and write ``mean_overlay/density.nii.gz``.

    It is what an annotator draws a new atlas on; there is none where no case carries an overlay.

    Raises:
        InputError: the disk refuses.
    """
    total: OverlaySum | None = None
    for row in workspace.index.rows("cases"):
        path = workspace.dataset / "registered_overlays" / f"{row['case']}.nii.gz"
        if row.get("overlay_points"):
            carried = sum_of(read_volume(path))
            total = carried if total is None else total.plus(carried)
    if total is not None:
        mean = total.mean()
        write_checked(mean.density, workspace.dataset, "mean_overlay/density.nii.gz")
        write_checked(mean.coverage, workspace.dataset, "mean_overlay/coverage.nii.gz")


def count_unlisted(workspace: Workspace) -> int:
    """How many volumes lie in the data set that ``cases.csv`` doesn't list, from media that were not given again."""
    count = 0
    for name in VOLUME_FOLDERS:
        folder = workspace.dataset / name
        for entry in os.scandir(folder) if folder.is_dir() else ():
            count += not workspace.index.has_row("cases", entry.name.split(".")[0])
    return count


def _named_losses(workspace: Workspace) -> Iterator[dict[str, Any]]:
    for path, code, message, _ in workspace.index.losses():
        yield {"file": path, "code": code, "message": message}


def _hidden_losses(workspace: Workspace) -> Iterator[dict[str, Any]]:
    """Losses sorted by hash; whatever names a file stays out."""
    for path, code, _, series in workspace.index.losses():
        name = workspace.salt.name("file", path)
        workspace.index.put_row("losses", f"{name} {code}", {"file": name, "series": series, "code": code})
    yield from workspace.index.rows("losses")
