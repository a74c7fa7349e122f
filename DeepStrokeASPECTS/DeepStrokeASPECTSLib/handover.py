"""What a child process is given of a volume, and the command that it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from DeepStrokeASPECTSLib.parameters import Device, Engine, Method
from DeepStrokeSlicerLib.nodes import volume_from_node, write_nrrd
from DeepStrokeSlicerLib.sources import DicomSource


def hand_over(node: Any, source: DicomSource | None, folder: Path) -> Path:
    """Put the input of a run into a folder: the DICOM files where they are at hand, else an NRRD file.

    DICOM keeps uneven steps and makes a DICOM SEG possible; NRRD keeps a sheared matrix, which NIfTI would not.

    Returns:
        What `deepstroke segment` is called with.

    Raises:
        GeometryError: the volume stands under a warping transform and has no DICOM files.
        InputError: the volume is empty, or the disk refuses.
    """
    if source is not None:
        source.link_into(folder / "dicom")
        return folder / "dicom"
    path = folder / "ct.nrrd"
    write_nrrd(volume_from_node(node), path)
    return path


def segment_arguments(path: Path, output: Path, method: Method, engine: Engine, device: Device) -> list[str]:
    """The command line of `deepstroke` for a run."""
    options = {"--output": str(output), "--method": method.value, "--engine": engine.value, "--device": device.value}
    return ["segment", str(path), *(word for option in options.items() for word in option)]


def infarct_arguments(path: Path, output: Path, model: Path, device: Device) -> list[str]:
    """The command line of `deepstroke` for a run that looks for an infarct by a model's weights."""
    options = {"--output": str(output), "--model": str(model), "--device": device.value}
    return ["segment", str(path), *(word for option in options.items() for word in option)]
