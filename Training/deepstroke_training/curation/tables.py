"""The tables and contact sheets of a data set, written from the index when all cases are done."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from deepstroke_training.curation.pictures import draw_contact_sheets
from deepstroke_training.curation.storage import QC_FOLDER, VOLUME_FOLDERS, write_table
from deepstroke_training.curation.workspace import Workspace

INDEX_COLUMNS = (
    *("series", "part", "study", "patient", "case", "usable", "reasons", "why", "findings", "modality", "description"),
    *("number", "slices", "rows", "columns", "spacing_mm", "thickness_mm", "tilt_deg", "kernel", "coverage_mm"),
    *("orientation", "contrast", "score", "input"),
)
CASE_COLUMNS = (
    *("case", "patient", "study", "series", "part", "input", "slices", "shape", "spacing_mm", "thickness_mm"),
    *("tilt_deg", "kernel", "brain_ml", "regions", "ncc", "lncc", "mask_dice", "jacobian_min", "jacobian_p1"),
    *("affine_scale", "inverse_error_mean_mm", "inverse_error_p99_mm"),
    *("overlay_points", "overlay_first_mm", "overlay_final_mm", "overlay_final_p95_mm", "findings", "review"),
)
QUARANTINE_COLUMNS = ("stage", "case", "series", "part", "patient", "study", "code", "why")
LOSS_COLUMNS = ("file", "series", "code")


def write_tables(workspace: Workspace) -> None:
    """Write ``cases.csv``, ``index.csv``, ``quarantine.csv``, ``losses.csv`` and the contact sheets.

    The names of lost files stand in ``losses.csv`` of the private folder; the data set has salted hashes of them.

    Raises:
        InputError: the disk refuses.
    """
    dataset, index = workspace.dataset, workspace.index
    write_table(dataset / "index.csv", INDEX_COLUMNS, index.rows("index"))
    write_table(dataset / "quarantine.csv", QUARANTINE_COLUMNS, index.rows("quarantine"))
    write_table(dataset / "losses.csv", LOSS_COLUMNS, _hidden_losses(workspace))
    write_table(workspace.private / "losses.csv", ("file", "code", "message"), _named_losses(workspace))
    for stale in (dataset / QC_FOLDER).glob("contact_sheet_*.png"):
        stale.unlink()
    strips = (dataset / QC_FOLDER / f"{row['case']}.png" for row in index.rows("sheets"))
    draw_contact_sheets(strips, dataset / QC_FOLDER)
    write_table(dataset / "cases.csv", CASE_COLUMNS, index.rows("cases"))


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
