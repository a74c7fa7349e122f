"""``deepstroke doctor``: what is installed, what is missing, and how to get it."""

from __future__ import annotations

import argparse
import importlib.metadata
import platform
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from deepstroke import __version__
from deepstroke.commands.console import show, table
from deepstroke.errors import DeepStrokeError
from deepstroke.nifti import write_json

Status = Literal["ok", "optional", "missing"]

#: (package, what it serves, how to get it)
_REQUIRED = (
    ("numpy", "arrays"),
    ("scipy", "morphology and interpolation"),
    ("torch", "registration and networks"),
    ("nibabel", "NIfTI"),
    ("pynrrd", "NRRD"),
    ("SimpleITK", "transform files"),
    ("pydicom", "DICOM"),
    ("highdicom", "DICOM SEG"),
    ("python-gdcm", "compressed DICOM"),
    ("pylibjpeg-openjpeg", "JPEG 2000"),
    ("pylibjpeg-rle", "RLE"),
    ("pyjpegls", "JPEG-LS"),
    ("matplotlib", "figures"),
    ("Jinja2", "report.html"),
)
_OPTIONAL = (
    ("openvino", "networks on the CPU, two to five times faster", "pip install openvino"),
    ("antspyx", "the ants engine", 'pip install "deepstroke[ants]"'),
    ("nilearn", "rebuilding the atlas and the synthetic heads", 'pip install "deepstroke[train]"'),
    ("picsl_greedy", "the greedy peer in the registration benchmark", 'pip install "deepstroke[bench]"'),
)
_LEAST_MEMORY_GB = 4.0


@dataclass(frozen=True)
class Check:
    """One line of the diagnosis: what was looked at, what was found, and the remedy if it falls short."""

    what: str
    status: Status
    found: str
    remedy: str = ""


def add_parser(commands: argparse._SubParsersAction, common: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser = commands.add_parser(
        "doctor", parents=[common], help="check the installation: what is missing and how to get it"
    )
    parser.add_argument("--json", metavar="F", type=Path, help="also write the diagnosis to this file")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the diagnosis; the status is 1 if something that every job needs is missing."""
    checks = diagnose()
    show(table(["", "what", "found", "remedy"], [[c.status, c.what, c.found, c.remedy] for c in checks]))
    if arguments.json:
        write_json([vars(check) for check in checks], arguments.json)
    return 1 if any(check.status == "missing" for check in checks) else 0


def diagnose() -> list[Check]:
    """Look at Python, packages, processors, memory, atlases and weights."""
    required = [_package(name, serves, 'pip install "deepstroke"', needed=True) for name, serves in _REQUIRED]
    optional = [_package(name, serves, remedy, needed=False) for name, serves, remedy in _OPTIONAL]
    return [
        Check("DeepStroke", "ok", __version__),
        _python(),
        *required,
        *optional,
        _guarded("CUDA", _cuda),
        _guarded("memory", _memory),
        _guarded("atlas", _atlas),
        *_weights(),
    ]


def _guarded(what: str, check: Callable[[], Check]) -> Check:
    try:
        return check()
    except (DeepStrokeError, ImportError, OSError) as error:
        return Check(what, "missing", f"{type(error).__name__}: {error}", "reinstall DeepStroke")


def _python() -> Check:
    fits = sys.version_info >= (3, 10)
    found = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    return Check("Python", "ok" if fits else "missing", found, "" if fits else "install Python 3.10, 3.11 or 3.12")


def _package(name: str, serves: str, remedy: str, *, needed: bool) -> Check:
    try:
        return Check(f"{name} ({serves})", "ok", importlib.metadata.version(name))
    except importlib.metadata.PackageNotFoundError:
        return Check(f"{name} ({serves})", "missing" if needed else "optional", "not installed", remedy)


def _cuda() -> Check:
    import torch

    if torch.cuda.is_available():
        names = ", ".join(torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count()))
        return Check("CUDA", "ok", f"{names} (PyTorch's CUDA {torch.version.cuda})")
    if torch.version.cuda is None and shutil.which("nvidia-smi"):
        remedy = "this PyTorch is a CPU build; install a CUDA build to use the GPU"
        return Check("CUDA", "optional", "a GPU is there, PyTorch can't use it", remedy)
    return Check("CUDA", "optional", "no GPU; the CPU does the work")


def _memory() -> Check:
    import psutil

    free = psutil.virtual_memory().available / 1e9
    short = free < _LEAST_MEMORY_GB
    return Check(
        "memory", "optional" if short else "ok", f"{free:.1f} GB free", "close other programs" if short else ""
    )


def _atlas() -> Check:
    from deepstroke.atlas import load

    atlas = load()
    return Check("embedded atlas", "ok", f"{atlas.name}, files match their sha256")


def _weights() -> list[Check]:
    """One line for all weights that are here; damaged ones are needed by nobody but must not pass unseen."""
    from deepstroke.inference.store import available, weights_folders

    try:
        entries = available(check=True)
    except DeepStrokeError as error:
        return [Check("network weights", "optional", str(error), "reinstall DeepStroke")]
    if not entries:
        where = " or ".join(str(folder) for folder, _ in weights_folders())
        return [Check("network weights", "optional", "none", f"put NAME.safetensors and NAME.json into {where}")]
    return [
        Check(f"network weights {entry.name}", "missing", str(entry.fault), "get both files again, or remove them")
        if entry.state == "damaged"
        else Check(f"network weights {entry.name}", "ok", f"{entry.describe()}, the file matches its sha256")
        for entry in entries
    ]
