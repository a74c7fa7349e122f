"""What made a run: code, packages, hardware, command."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import torch

import deepstroke
from deepstroke.devices import choose_device

_PACKAGES = ("torch", "lightning", "monai", "torchmetrics", "numpy", "scipy", "nibabel", "safetensors")


def describe_start() -> dict[str, Any]:
    """One start of a run, as JSON: when, by which command, with which code and packages, on which machine.

    Names of machine and user are not in it.
    """
    return {
        "started": datetime.now(timezone.utc).astimezone().isoformat(timespec="seconds"),
        "command": [_program(), *sys.argv[1:]],
        "git_revision": git_revision(),
        "versions": versions(),
        "hardware": hardware(),
    }


def _program() -> str:
    """The command's name also where Python was told the module."""
    name = Path(sys.argv[0]).name
    return "deepstroke-train" if name == "cli.py" else name


def versions() -> dict[str, str]:
    """Versions of Python, the project and the packages that shape a result."""
    found = {"python": platform.python_version(), "deepstroke": deepstroke.__version__}
    for name in _PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def git_revision() -> str:
    """The revision that the code is at, with ``-dirty`` where files were changed since; ``"unknown"`` outside git."""
    here = Path(__file__).resolve()
    tracked = _git(here.parent, "ls-files", "--error-unmatch", here.name)
    # An installed copy may lie in somebody else's repository, whose revision says nothing.
    return _git(here.parent, "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*") if tracked else "unknown"


def _git(folder: Path, *arguments: str) -> str:
    """What git prints; nothing where it fails or isn't there."""
    command = ["git", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def hardware() -> dict[str, Any]:
    """Processors of this machine."""
    gpus = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    return {
        "cpu": choose_device("cpu").description,
        "threads": torch.get_num_threads(),
        "gpus": gpus,
        "cuda": torch.version.cuda,
        "system": f"{platform.system()} {platform.machine()}",
        "processes": int(os.environ.get("WORLD_SIZE", "1")),
    }
