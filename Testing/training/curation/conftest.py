"""A medium with two usable heads and everything that is no case, and the data set that an unbroken run makes of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from deepstroke.volume import LabelMap
from deepstroke_training.curation import CurationReport, CurationSettings, coarse_registration, curate_media
from phantoms_media import PATIENT_NAME, head, series_of, write_medium

SHIFTS_MM = ((4.0, -6.0, 3.0), (-5.0, 2.0, -4.0))


@dataclass(frozen=True)
class Curated:
    """A finished run: its medium, salt, data set, what it reported, and the true regions of its cases."""

    medium: Path
    salt: Path
    dataset: Path
    report: CurationReport
    truths: tuple[LabelMap, ...]


@pytest.fixture(scope="session")
def settings() -> CurationSettings:
    """Settings that register in seconds."""
    return CurationSettings(registration=coarse_registration(), reserve_mb=0.0)


@pytest.fixture(scope="session")
def medium(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two heads, the first with outlines; a scout; an enhanced series; a lost file; a text; two files exchanged."""
    heads = [head(shift, seed) for seed, shift in enumerate(SHIFTS_MM)]
    scout = ("ORIGINAL", "PRIMARY", "LOCALIZER")
    series = [
        series_of(heads[0][0], 1, regions=heads[0][1]),
        series_of(heads[0][0], 1, 1, description=f"scout of {PATIENT_NAME}", image_type=scout)[:2],
        series_of(heads[0][0], 1, 3, description="SYNTHETIC CTA", contrast="Made-up agent")[:12],
        series_of(heads[1][0], 2),
    ]
    folder = write_medium(tmp_path_factory.mktemp("media") / "Geheim_Patientin", series, dicomdir=True)
    files = folder / "DICOM"
    (files / "SE00002" / "IM00002").unlink()
    (folder / "READ.ME").write_text("This is no DICOM. " * 20)
    first, second = files / "SE00001" / "IM00003", files / "SE00003" / "IM00003"
    content = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(content)
    return folder


@pytest.fixture(scope="session")
def salt_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A salt that every run uses, so that names are the same."""
    path = tmp_path_factory.mktemp("salt") / "salt.txt"
    path.write_text("a salt for tests, long enough\n")
    return path


@pytest.fixture(scope="session")
def curated(
    tmp_path_factory: pytest.TempPathFactory, medium: Path, salt_file: Path, settings: CurationSettings
) -> Curated:
    """The medium curated by one worker without interruption."""
    dataset = tmp_path_factory.mktemp("curated") / "dataset"
    report = curate_media([medium], dataset, settings, workers=1, salt_file=salt_file)
    truths = tuple(head(shift, seed)[1] for seed, shift in enumerate(SHIFTS_MM))
    return Curated(medium, salt_file, dataset, report, truths)


@pytest.fixture(scope="session")
def digests() -> Callable[[Path], dict[str, str]]:
    """A function that gives the sha256 of every file below a folder."""

    def digest(folder: Path) -> dict[str, str]:
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}

    return digest
