"""A synthetic cohort on disk: volumes, region truth and a table, in the layout of a curated data set."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from deepstroke.errors import ConfigError
from deepstroke.nifti import atomic_path, write_nifti
from deepstroke.progress import Progress, silent
from deepstroke.regions import SIDES
from deepstroke_training.synthesis.dicom_writer import SeriesTags, write_series
from deepstroke_training.synthesis.head import SyntheticCase, SyntheticHead
from deepstroke_training.synthesis.media import HospitalMedia
from deepstroke_training.synthesis.random_fields import numbers, stream_seed
from deepstroke_training.synthesis.sampling import draw_settings
from deepstroke_training.synthesis.settings import AcquisitionSettings, HeadSettings
from deepstroke_training.synthesis.straightening import straightened
from deepstroke_training.synthesis.truth import Truth
from deepstroke_training.synthesis.variety import Variety
from deepstroke_training.synthesis.wide_sampling import leaning_coverage

#: Where a cohort keeps what; the first two are those of a curated data set.
VOLUMES, SEGMENTATIONS, TRUTH, SERIES = "raw_volumes", "raw_segmentation", "truth", "dicom"
#: Further turned, a head leaves the field of view.
MOST_TURN = 45.0


@dataclass(frozen=True)
class CohortMember:
    """One case of a cohort before it is made.

    Attributes:
        name: twelve hexadecimal digits from the cohort's seed and the number.
        seed: of ``SyntheticHead.generate``.
    """

    name: str
    seed: int


def members(n: int, seed: int) -> Iterator[CohortMember]:
    """The cases of a cohort; a longer cohort begins with the same ones."""
    for number in range(n):
        digest = hashlib.sha256(f"deepstroke synthetic {seed}/{number}".encode()).hexdigest()
        yield CohortMember(digest[:12], stream_seed(seed, f"case/{number}") >> 16)


def synthesize(
    out: Path | str,
    n: int,
    seed: int = 0,
    *,
    dicom: bool = False,
    overlays: bool = False,
    dicomdir: bool = False,
    matrix: int | None = None,
    device: str = "cpu",
    variety: Variety = "clinical",
    turn_degrees: float | None = None,
    progress: Progress = silent,
) -> None:
    """Write ``n`` synthetic cases and ``cases.csv``; with media, hospital-like DICOM with its truth aside.

    Writes ``raw_volumes/<case>.nii.gz`` (HU, straightened where the gantry was tilted), ``raw_segmentation/`` (regions
    1..20) and ``truth/lesions|brain|tissue/`` on the same grid. Media lie in ``media/`` and share the scanner's
    coordinates with these; ``truth/media-series.csv`` says what each of their series is.

    Args:
        out: folder, made where it is missing.
        n: number of cases.
        seed: another seed gives another cohort.
        dicom: also write each case's series to ``dicom/<case>/``.
        overlays: write ``media/`` with region outlines as overlay planes in its series (implies ``dicomdir``).
        dicomdir: write ``media/``, as a hospital hands it out: several series a patient and a DICOMDIR.
        matrix: pixels along a row where the scanners' 512 are too many.
        device: where to compute.
        variety: how far the cases go; see ``deepstroke_training.synthesis.variety``.
        turn_degrees: where given, every head is pitched, rolled and turned by up to so much, and scanned as a whole.
        progress: told after each case.

    Raises:
        ConfigError: ``n`` is not positive, heads turn too far, or there is no such variety.
        InputError: the disk refuses, or ``media/`` is there already.
    """
    if n < 1:
        raise ConfigError(f"a cohort has at least one case, found {n}", code="cohort-size")
    if turn_degrees is not None and not 0 <= turn_degrees <= MOST_TURN:
        raise ConfigError(f"heads turn by 0 to {MOST_TURN:g} degrees, found {turn_degrees:g}", code="cohort-turn")
    out = Path(out)
    maker = SyntheticHead(device)
    media = HospitalMedia(maker, overlays=overlays) if overlays or dicomdir else None
    rows = []
    for number, member in enumerate(members(n, seed), start=1):
        case = maker.generate(member.seed, settings_of(member, matrix, variety, turn_degrees))
        rows.append(_write_case(case, member, out, dicom))
        if media is not None:
            media.add(case, member.name)
        progress(number / n, f"case {number} of {n}")
    _write_table(rows, out / "cases.csv")
    if media is not None:
        media.write(out / "media", out / TRUTH / "media-series.csv")


def settings_of(
    member: CohortMember,
    matrix: int | None = None,
    variety: Variety = "clinical",
    turn_degrees: float | None = None,
) -> HeadSettings:
    """Settings of a member, at another matrix over the same field of view, and turned otherwise, where these are given.

    A volume is written for each, so that its slices have the same step everywhere.
    """
    settings = draw_settings(member.seed, variety)
    acquisition = replace(settings.acquisition, upper_step_mm=None)
    if turn_degrees is not None:
        acquisition = _turned(acquisition, member.seed, turn_degrees)
    if matrix is not None:
        pixel_mm = acquisition.pixel_mm * acquisition.matrix / matrix
        render_mm = max(acquisition.render_mm, min(pixel_mm, 4.0))
        acquisition = replace(acquisition, matrix=matrix, pixel_mm=pixel_mm, render_mm=render_mm)
    return replace(settings, acquisition=acquisition)


def _turned(acquisition: AcquisitionSettings, seed: int, most: float) -> AcquisitionSettings:
    """The acquisition of a head that lies anyhow, without gantry tilt, from the skull base to above the vertex."""
    pitch, roll, yaw = numbers(seed, "cohort/turn").uniform(-most, most, 3).tolist()
    bottom, top = leaning_coverage(-85.0, 98.0, pitch, roll)
    return replace(
        acquisition,
        tilt_degrees=0.0,
        pitch_degrees=pitch,
        roll_degrees=roll,
        yaw_degrees=yaw,
        bottom_mm=bottom,
        top_mm=top,
    )


def _write_case(case: SyntheticCase, member: CohortMember, out: Path, dicom: bool) -> dict[str, object]:
    """Write one case's files; its row of the table."""
    name = f"{member.name}.nii.gz"
    write_nifti(straightened(case.volume, order=1, fill=-1024), out / VOLUMES / name)
    truth = case.truth
    maps = {
        SEGMENTATIONS: truth.regions,
        f"{TRUTH}/lesions": truth.lesions,
        f"{TRUTH}/brain": truth.brain,
        f"{TRUTH}/tissue": truth.tissue,
    }
    for folder, labels in maps.items():
        write_nifti(straightened(labels, order=0, fill=0), out / folder / name)
    if dicom:
        acquisition = case.settings.acquisition
        write_series(
            case,
            out / SERIES / member.name,
            SeriesTags(
                member.name, thickness_mm=acquisition.thickness_mm, tilt_degrees=round(acquisition.tilt_degrees, 4)
            ),
        )
    return case_row(case, member.name)


def case_row(case: SyntheticCase, name: str) -> dict[str, object]:
    """One row of ``cases.csv``."""
    truth: Truth = case.truth
    acquisition, anatomy = case.settings.acquisition, case.settings.anatomy
    kinds = [getattr(lesion, "kind", type(lesion).__name__) for lesion in case.settings.pathology.lesions]
    return {
        "case": name,
        "seed": case.seed,
        "slices": case.volume.shape[2],
        "pixel_mm": round(acquisition.pixel_mm, 4),
        "thickness_mm": acquisition.thickness_mm,
        "step_mm": acquisition.step_mm,
        "tilt_degrees": round(acquisition.tilt_degrees, 2),
        "noise_hu": round(acquisition.noise_hu, 2),
        "atrophy": round(anatomy.atrophy, 3),
        "brain_ml": round(truth.brain.volume_ml(), 1),
        "lesion_ml": round(truth.lesions.volume_ml(), 2),
        "lesions": " ".join(kinds),
        **{f"aspects_{side}": truth.aspects(side) for side in SIDES},
        **{f"involved_{side}": " ".join(truth.involved(side)) for side in SIDES},
        "regions_scanned": len(truth.regions.present()),
        "hu_minimum": int(np.min(case.volume.data)),
        "hu_maximum": int(np.max(case.volume.data)),
    }


def _write_table(rows: list[dict[str, object]], path: Path) -> None:
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
