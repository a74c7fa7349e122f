"""The synthetic sample scan, loaded with one click or from the Sample Data module."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import vtk
from slicer.i18n import tr as _

import slicer
from deepstroke.errors import InputError
from deepstroke.resources import require_sha256, resources_folder
from DeepStrokeSlicerLib.sources import FOLDER_ATTRIBUTE, INSTANCE_UIDS

SAMPLE_NAME = "DeepStrokeSampleScan"


def sample_folder() -> Path:
    """The folder of the sample scan's series, whose files are compared with their sha256.

    Raises:
        InputError: a file is missing or altered.
    """
    root = resources_folder() / "SampleScan"
    manifest = json.loads((root / "manifest.json").read_text(encoding="utf-8"))
    for name, digest in manifest["sha256"].items():
        if name.startswith("series/"):
            require_sha256(root / name, digest)
    return root / "series"


def load_sample(source: Any = None) -> Any:
    """Load the sample scan into the scene; the Sample Data module calls it with its source."""
    return load_series(sample_folder(), _("Sample scan (synthetic)"))


def load_series(folder: Path, name: str) -> Any:
    """Load a folder that holds one DICOM series by Slicer's reader, without the DICOM database.

    Raises:
        InputError: Slicer can't read it.
    """
    files = sorted(str(path) for path in folder.iterdir() if path.is_file())
    listing = vtk.vtkStringArray()
    for file in files:
        listing.InsertNextValue(file)
    node = slicer.modules.volumes.logic().AddArchetypeScalarVolume(files[0], name, 0, listing)
    if node is None:
        raise InputError(f"{folder} can't be loaded as a DICOM series", code="dicom-series")
    node.SetAttribute(INSTANCE_UIDS, " ".join(_instance_uid(file) for file in files))
    node.SetAttribute(FOLDER_ATTRIBUTE, str(folder))
    return node


def _instance_uid(file: str) -> str:
    import pydicom

    return str(pydicom.dcmread(file, stop_before_pixels=True, specific_tags=["SOPInstanceUID"]).SOPInstanceUID)


def register_sample(icons: Path) -> None:
    """Offer the sample scan in the Sample Data module."""
    import SampleData

    SampleData.SampleDataLogic.registerCustomSampleDataSource(
        category="DeepStroke",
        sampleName=SAMPLE_NAME,
        uris=[],
        fileNames=[],
        nodeNames=[SAMPLE_NAME],
        thumbnailFileName=str(icons / f"{SAMPLE_NAME}.png"),
        customDownloader=load_sample,
    )
