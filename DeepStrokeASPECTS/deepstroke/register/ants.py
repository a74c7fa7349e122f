"""The engine ``ants``: antspyx in a child process, never in the caller's own (its ITK clashes with 3D Slicer's)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Literal

import numpy as np

from deepstroke.errors import RegistrationError
from deepstroke.frames import RAS_TO_LPS, Affine
from deepstroke.progress import Progress
from deepstroke.register.peers import itk_image, peer_transform, require_package
from deepstroke.register.transform import SpatialTransform
from deepstroke.register.transform_files import affine_from_itk
from deepstroke.register.working_image import WorkingImage

AntsPreset = Literal["syn", "syncc", "aggressive"]

#: Arguments of ``ants.registration``. ``syn`` is ANTs' default with mutual information; ``syncc`` takes
#: cross-correlation in windows of radius 2 with the field smoothed a little, which a noisy CT needs; ``aggressive`` is
#: the published choice, radius 4 and many iterations.
PRESETS: dict[AntsPreset, dict[str, Any]] = {
    "syn": {"type_of_transform": "SyN"},
    "syncc": {
        "type_of_transform": "SyN",
        "syn_metric": "CC",
        "syn_sampling": 2,
        "reg_iterations": [100, 100, 40],
        "total_sigma": 0.5,
    },
    "aggressive": {
        "type_of_transform": "SyNAggro",
        "syn_metric": "CC",
        "syn_sampling": 4,
        "reg_iterations": [100, 100, 70, 40],
        "total_sigma": 0.5,
    },
}
#: A registration that takes longer has hung; the slowest preset takes some ten minutes.
TIMEOUT_S = 3600.0
_LAST_LINES = 5


def ants_transform(
    fixed: WorkingImage, moving: WorkingImage, initial: Affine | None, preset: AntsPreset, progress: Progress
) -> SpatialTransform:
    """Register two working images with ANTs; the transform is not judged yet.

    Args:
        fixed, moving: stripped heads.
        initial: 4 x 4 affine, fixed RAS+ mm to moving RAS+ mm; centres of mass are laid on each other without one.
        preset: of ``PRESETS``.
        progress: told that ANTs runs; it says nothing in between.

    Raises:
        MissingDependencyError: antspyx isn't installed.
        RegistrationError: the child process failed; the message holds the end of what it said.
    """
    import SimpleITK

    require_package("ants", "ants", "ants")
    with tempfile.TemporaryDirectory(prefix="deepstroke-ants-") as name:
        folder = Path(name)
        SimpleITK.WriteImage(itk_image(fixed), str(folder / "fixed.nii"))
        SimpleITK.WriteImage(itk_image(moving), str(folder / "moving.nii"))
        if initial is not None:
            _write_affine(initial, folder / "initial.mat")
        (folder / "arguments.json").write_text(json.dumps(PRESETS[preset]))
        progress(0.0, f"ANTs {preset}, which may take minutes")
        _run_worker(folder)
        warp, inverse_warp = (SimpleITK.ReadImage(str(folder / f"{n}.nii.gz")) for n in ("warp", "inverse-warp"))
        affine = affine_from_itk(SimpleITK.ReadTransform(str(folder / "affine.mat")).Downcast())
        return peer_transform(warp, inverse_warp, affine, f"ants {preset}")


def _write_affine(fixed_to_moving: Affine, path: Path) -> None:
    import SimpleITK

    lps = RAS_TO_LPS @ np.asarray(fixed_to_moving) @ RAS_TO_LPS
    affine = SimpleITK.AffineTransform(3)
    affine.SetMatrix(lps[:3, :3].ravel().tolist())
    affine.SetTranslation(lps[:3, 3].tolist())
    SimpleITK.WriteTransform(affine, str(path))


def _run_worker(folder: Path) -> None:
    """Run the child process to its end; should this one die first, the pipe closes and the child cleans up and ends."""
    package_parent = str(Path(__file__).resolve().parents[2])
    environment = {key: value for key, value in os.environ.items() if key != "ITK_AUTOLOAD_PATH"}
    environment["PYTHONPATH"] = os.pathsep.join([package_parent, *filter(None, [environment.get("PYTHONPATH")])])
    environment["TMPDIR"] = str(folder)
    command = [sys.executable, "-m", "deepstroke.register.ants_worker", str(folder)]
    reading, writing = os.pipe()
    try:
        done = subprocess.run(
            command,
            env=environment,
            stdin=reading,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
            errors="replace",
        )
    except subprocess.TimeoutExpired as error:
        raise RegistrationError(f"ANTs was stopped after {TIMEOUT_S:.0f} s without a result", code="ants") from error
    finally:
        os.close(reading)
        os.close(writing)
    if done.returncode != 0:
        last = " | ".join((done.stderr or done.stdout).strip().splitlines()[-_LAST_LINES:]) or "it said nothing"
        raise RegistrationError(
            f"ANTs failed with status {done.returncode}: {last}; the engine 'fast' needs no ANTs", code="ants"
        )
