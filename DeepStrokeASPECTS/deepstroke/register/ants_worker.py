"""The child process of the engine ``ants``: reads images from a folder, registers them, leaves the transforms there."""

from __future__ import annotations

import json
import os
import shutil
import sys
import threading
from pathlib import Path
from typing import Any

#: Seed of ANTs' random sampling, so that the same input gives the same result on one thread.
_SEED = 1


def main(folder: Path) -> None:
    """Register ``moving.nii`` to ``fixed.nii`` with the arguments in ``arguments.json``.

    Leaves ``warp.nii.gz``, ``inverse-warp.nii.gz`` and ``affine.mat``: points of the fixed image pass the warp first.
    """
    import ants

    arguments: dict[str, Any] = json.loads((folder / "arguments.json").read_text())
    if "reg_iterations" in arguments:
        arguments["reg_iterations"] = tuple(arguments["reg_iterations"])
    initial = folder / "initial.mat"
    result = ants.registration(
        fixed=ants.image_read(str(folder / "fixed.nii")),
        moving=ants.image_read(str(folder / "moving.nii")),
        initial_transform=[str(initial)] if initial.exists() else None,
        outprefix=str(folder / "result-"),
        random_seed=_SEED,
        **arguments,
    )
    warp, affine = result["fwdtransforms"]
    inverse_warp = next(path for path in result["invtransforms"] if path.endswith(".nii.gz"))
    for source, name in ((warp, "warp.nii.gz"), (inverse_warp, "inverse-warp.nii.gz"), (affine, "affine.mat")):
        shutil.move(source, folder / name)


def _end_with_parent(folder: Path) -> None:
    """Wait until the parent's end of the pipe closes; then remove the folder and end."""
    os.read(sys.stdin.fileno(), 1)
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(1)


if __name__ == "__main__":
    working_folder = Path(sys.argv[1])
    threading.Thread(target=_end_with_parent, args=(working_folder,), daemon=True).start()
    main(working_folder)
