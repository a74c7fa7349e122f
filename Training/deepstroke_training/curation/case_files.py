"""What a case leaves on the disk: its volumes, its picture and its row."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from deepstroke.findings import Finding
from deepstroke_training.curation.curated import CuratedCase
from deepstroke_training.curation.pictures import draw_case
from deepstroke_training.curation.quality import flags
from deepstroke_training.curation.settings import ReviewLimits
from deepstroke_training.curation.storage import QC_FOLDER, WrittenFile, require_space, write_checked, written


def write_case(
    case: CuratedCase, name: str, dataset: Path, reserve_mb: float, review: tuple[str, ...]
) -> tuple[WrittenFile, ...]:
    """Write a case's volumes, each read back, and its picture.

    Raises:
        InputError: the disk is full or broken; every file is complete or absent.
    """
    volumes = case.volumes()
    dataset.mkdir(parents=True, exist_ok=True)
    require_space(dataset, sum(volume.data.nbytes for volume in volumes.values()) / 1e6, reserve_mb)
    files = [write_checked(volume, dataset, f"{folder}/{name}.nii.gz") for folder, volume in volumes.items()]
    picture = f"{QC_FOLDER}/{name}.png"
    points = None if case.overlay is None else case.overlay.points
    draw_case(
        case.raw,
        case.raw_labels,
        case.registered,
        case.registered_labels,
        _caption(name, case, review),
        dataset / picture,
        points,
    )
    return (*files, written(dataset, picture))


def review_flags(case: CuratedCase, noticed: Iterable[str], limits: ReviewLimits) -> tuple[str, ...]:
    """Why a person should look at a case, from its figures and from the codes noticed while indexing and curating."""
    return flags(case.quality, (*case.findings, *(Finding(code, "") for code in noticed)), limits)


def figures_of(case: CuratedCase, noticed: Iterable[str], review: tuple[str, ...]) -> dict[str, Any]:
    """The case's columns of ``cases.csv``."""
    return {
        "shape": list(case.raw.shape),
        "spacing_mm": [round(step, 5) for step in case.raw.spacing_mm],
        **case.quality.as_dict(),
        "findings": sorted({finding.code for finding in case.findings} | set(noticed)),
        "review": list(review),
    }


def _caption(name: str, case: CuratedCase, review: tuple[str, ...]) -> tuple[str, str]:
    figures, overlay = case.quality.registration, case.quality.overlay
    facts = (
        f"{name}   NCC {figures.ncc:.3f}   LNCC {figures.lncc:.3f}   brains' Dice {figures.mask_dice:.3f}   "
        f"least Jacobian {figures.jacobian_min:.2f}   inverse error {figures.inverse_error_p99_mm:.2f} mm"
    )
    if overlay is not None:
        facts += f"   overlay {overlay.first_mm:.1f} -> {overlay.final_mm:.1f} mm"
    return facts, "look at: " + ", ".join(review) if review else ""
