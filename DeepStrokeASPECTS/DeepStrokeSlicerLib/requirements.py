"""What the library needs in Slicer's Python, and how it gets there: online, or from a folder of wheels.

Nothing is installed but on a click. Versions are lower bounds, so that other extensions' packages stay.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from deepstroke.errors import InputError, MissingDependencyError

Processor = Literal["auto", "cpu"]
REQUESTER = "DeepStroke"
#: pydicom 3 and highdicom are made for this Python and later. Slicer 5.8 brings 3.9.
LEAST_PYTHON = (3, 10)
TORCH = "torch"
CHECKSUMS = "SHA256SUMS"
#: MB on the disk, measured on Linux; what isn't named here takes less than 2 MB.
SIZES_MB = {
    "torch": 760,
    "SimpleITK": 276,
    "openvino": 185,
    "scipy": 147,
    "numpy": 72,
    "python-gdcm": 45,
    "matplotlib": 36,
    "highdicom": 27,
    "pillow": 22,
    "pydicom": 14,
    "nibabel": 12,
    "pyjpegls": 8,
    "pylibjpeg-openjpeg": 7,
}
SMALL_MB = 2
#: The CUDA build with NVIDIA's libraries, about.
TORCH_CUDA_MB = 6000


@dataclass(frozen=True)
class Missing:
    """A package that is absent or too old.

    Attributes:
        requirement: such as ``"torch>=2.4"``.
        found: the version that is there; None where none is.
    """

    requirement: str
    found: str | None

    @property
    def name(self) -> str:
        """The package's name."""
        return _split(self.requirement)[0]


def require_python(version: tuple[int, int] = sys.version_info[:2]) -> None:
    """Refuse a Python that the packages aren't made for, before anything is downloaded.

    Raises:
        MissingDependencyError: it is too old.
    """
    if version < LEAST_PYTHON:
        found, least = (".".join(map(str, numbers)) for numbers in (version, LEAST_PYTHON))
        raise MissingDependencyError(
            f"This Slicer brings Python {found}, DeepStroke needs {least} or later: take Slicer 5.10 or later",
            code="python",
        )


def load_requirements(path: Path) -> list[str]:
    """The lines of a requirements file without comments."""
    lines = (line.partition("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line]


def missing_packages(requirements: Sequence[str]) -> list[Missing]:
    """Those of the requirements that aren't met in this Python."""
    found = ((requirement, _installed(_split(requirement)[0])) for requirement in requirements)
    return [Missing(r, version) for r, version in found if version is None or _older(version, _split(r)[1])]


def _split(requirement: str) -> tuple[str, str]:
    name, _, least = requirement.partition(">=")
    return name.strip(), least.strip()


def _installed(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _older(version: str, least: str) -> bool:
    return _numbers(version) < _numbers(least)


def _numbers(version: str) -> tuple[int, ...]:
    parts = version.partition("+")[0].split(".")
    digits = ("".join(c for c in part if c.isdigit()) for part in parts[:3])
    return tuple(int(part or 0) for part in digits)


def size_mb(missing: Sequence[Missing], processor: Processor) -> int:
    """About how much the packages take on the disk."""
    cuda = processor == "auto" and has_nvidia_driver()
    sizes = {**SIZES_MB, **({TORCH: TORCH_CUDA_MB} if cuda else {})}
    return sum(sizes.get(package.name, SMALL_MB) for package in missing)


def has_nvidia_driver() -> bool:
    """Whether an NVIDIA driver is here, so that a CUDA build of PyTorch is of use."""
    return shutil.which("nvidia-smi") is not None


def verify_wheelhouse(folder: Path) -> None:
    """Compare every wheel of a folder with its SHA256SUMS file, as ``sha256sum *.whl > SHA256SUMS`` writes it.

    Raises:
        InputError: the list is missing, a wheel isn't on it, or a wheel is another one; the message names it.
    """
    listing = folder / CHECKSUMS
    if not listing.is_file():
        raise InputError(
            f"{folder} holds no {CHECKSUMS}; make it where the wheels come from: sha256sum *.whl > {CHECKSUMS}",
            code="sha256",
        )
    pairs = (line.split() for line in listing.read_text(encoding="utf-8").splitlines() if line.strip())
    sums = {name.lstrip("*"): digest.lower() for digest, name in pairs}
    for wheel in sorted(folder.glob("*.whl")):
        if wheel.name not in sums:
            raise InputError(f"{wheel.name} isn't on the list {listing}; remove it or list it", code="sha256")
        if hashlib.sha256(wheel.read_bytes()).hexdigest() != sums[wheel.name]:
            raise InputError(f"{wheel.name} is altered or damaged (sha256); copy it again", code="sha256")


def install(
    missing: Sequence[Missing],
    processor: Processor = "auto",
    wheelhouse: Path | None = None,
    installer: Callable[..., Any] | None = None,
) -> None:
    """Install packages into Slicer's Python; Slicer shows its own progress.

    Args:
        missing: what to install.
        processor: ``"cpu"`` forces PyTorch's CPU build; ``"auto"`` takes what fits the driver.
        wheelhouse: a folder of wheels instead of the internet.
        installer: called with a list of pip's arguments; Slicer's own if not given.

    Raises:
        InputError: a wheel isn't what its list says.
        MissingDependencyError: this Python is too old, or the user declined PyTorch.
    """
    require_python()
    pip = installer or _slicer_pip()
    requirements = [package.requirement for package in missing]
    if wheelhouse is not None:
        verify_wheelhouse(wheelhouse)
        pip(["--no-index", "--find-links", str(wheelhouse), *requirements])
        return
    torch = [requirement for requirement in requirements if _split(requirement)[0] == TORCH]
    others = [requirement for requirement in requirements if requirement not in torch]
    if torch:
        _install_torch(torch[0], processor, pip)
    if others:
        pip(others)


def _slicer_pip() -> Callable[..., Any]:
    """Slicer's pip: with its progress dialog where it has one (from 5.11)."""
    import slicer

    try:
        from slicer import packaging
    except ImportError:
        return slicer.util.pip_install
    return lambda arguments: packaging.pip_install(arguments, requester=REQUESTER)


def _install_torch(requirement: str, processor: Processor, pip: Callable[..., Any]) -> None:
    """By the PyTorch extension, which knows what build fits the driver; by pip where it isn't installed."""
    try:
        import PyTorchUtils
    except ImportError:
        pip([requirement])
        return
    backend = "cpu" if processor == "cpu" else None
    least = f">={_split(requirement)[1]}"
    logic = PyTorchUtils.PyTorchUtilsLogic()
    if logic.installTorch(forceComputationBackend=backend, torchVersionRequirement=least) is None:
        raise MissingDependencyError("PyTorch was not installed; nothing can be segmented without it", code="torch")
