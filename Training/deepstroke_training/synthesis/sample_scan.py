"""The sample scan of the demonstration: a synthetic tilted NCCT series with an early infarct, and its truth."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from deepstroke import atlas
from deepstroke.dicom import read_series
from deepstroke.nifti import atomic_path, write_json, write_nifti
from deepstroke.regions import SIDES
from deepstroke.resources import sha256_of
from deepstroke.volume import LabelMap
from deepstroke_training import atlas_authoring
from deepstroke_training.synthesis.dicom_writer import SeriesTags, write_series
from deepstroke_training.synthesis.head import SyntheticCase, SyntheticHead
from deepstroke_training.synthesis.settings import (
    AcquisitionSettings,
    AcuteInfarct,
    AnatomySettings,
    HeadSettings,
    PathologySettings,
)
from deepstroke_training.synthesis.truth import Truth

SAMPLE_SEED = 16
SAMPLE_SETTINGS = HeadSettings(
    anatomy=AnatomySettings(atrophy=0.5, ventricle_mm=1.5, leukoaraiosis_hu=3.0),
    pathology=PathologySettings((AcuteInfarct("left", ("M2", "I"), drop_hu=9.0),)),
    acquisition=AcquisitionSettings(tilt_degrees=12.0, pitch_degrees=14.0, roll_degrees=2.0, top_mm=98.0, noise_hu=3.0),
)
#: Where the parts lie inside the sample scan's folder.
SERIES_FOLDER, TRUTH_FOLDER = "series", "truth"

_README = """\
# SampleScan: a synthetic head CT

No person was scanned: `deepstroke-train sample-scan` computes this series from the MNI152 tissue maps
and invented anatomy. It is for demonstration and tests only.

- `series/`: non-contrast CT, {slices} slices of 5 mm with 12 degrees of gantry tilt, JPEG-LS lossless. There is an
  early infarct in the left M2 and insula (ASPECTS left {left}, right {right}).
- `truth/`: regions (1..10 left, 11..20 right), lesions (1 = acute infarct) and brain on the straightened grid
  that `deepstroke` reads the series onto.
- `manifest.json`: seed, settings and sha256 of every file.
- `NOTICE.txt`: the notice that goes with whatever is derived from MNI152.
"""


def make_sample_scan(folder: Path | str) -> None:
    """Make the sample scan: ``series/*.dcm``, ``truth/*.nii.gz``, ``manifest.json`` and ``README.md``.

    Args:
        folder: made where it is missing; files of an earlier sample scan in it are replaced.

    Raises:
        InputError: the disk refuses.
    """
    folder = Path(folder)
    maker = SyntheticHead()
    case = maker.generate(SAMPLE_SEED, SAMPLE_SETTINGS)
    files = _write_series(case, folder / SERIES_FOLDER)
    grid = read_series(folder / SERIES_FOLDER)
    truth = maker.truth_on(grid, SAMPLE_SEED, SAMPLE_SETTINGS)
    files += _write_truth(truth, folder / TRUTH_FOLDER)
    scores = {side: case.truth.aspects(side) for side in SIDES}
    _write_text(folder / "README.md", _README.format(slices=case.volume.shape[2], **scores))
    _write_text(folder / "NOTICE.txt", resources.files(atlas_authoring).joinpath("NOTICE.txt").read_text("utf-8"))
    write_json(_manifest(case, scores, files, folder), folder / "manifest.json")


def atlas_fingerprint() -> dict[str, str]:
    """Name and version of the embedded atlas and the sha256 of its labels, on which the sample scan depends."""
    embedded = atlas.load()
    digest = hashlib.sha256(np.ascontiguousarray(embedded.labels.data).tobytes()).hexdigest()
    return {"name": embedded.name, "version": embedded.version, "labels_sha256": digest}


def _write_text(path: Path, text: str) -> None:
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _write_series(case: SyntheticCase, folder: Path) -> list[Path]:
    for stale in folder.glob("*.dcm"):
        stale.unlink()
    acquisition = SAMPLE_SETTINGS.acquisition
    tags = SeriesTags(
        patient_id="DEEPSTROKE-SAMPLE",
        description="SYNTHETIC head NCCT 5.0 mm",
        thickness_mm=acquisition.thickness_mm,
        tilt_degrees=acquisition.tilt_degrees,
        syntax="jpeg-ls",
    )
    return write_series(case, folder, tags)


def _write_truth(truth: Truth, folder: Path) -> list[Path]:
    maps: dict[str, LabelMap] = {"labels": truth.regions, "lesions": truth.lesions, "brain": truth.brain}
    paths = []
    for name, labels in maps.items():
        paths.append(folder / f"{name}.nii.gz")
        write_nifti(labels, paths[-1])
    return paths


def _manifest(case: SyntheticCase, scores: dict[Any, int], files: list[Path], folder: Path) -> dict[str, Any]:
    involvement = case.truth.involvement()
    return {
        "what": "synthetic non-contrast head CT; no person was scanned",
        "made_by": "deepstroke-train sample-scan",
        "atlas": atlas_fingerprint(),
        "seed": case.seed,
        "settings": asdict(case.settings),
        "aspects": scores,
        "involvement": {str(label): round(part, 3) for label, part in involvement.items() if part >= 0.01},
        "sha256": {path.relative_to(folder).as_posix(): sha256_of(path) for path in files},
    }
