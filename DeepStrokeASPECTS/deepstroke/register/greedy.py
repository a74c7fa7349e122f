"""The engine ``greedy``: picsl-greedy, a peer to measure the engine ``fast`` against."""

from __future__ import annotations

import os
from io import StringIO
from typing import Any

import numpy as np

from deepstroke.errors import RegistrationError
from deepstroke.frames import Affine
from deepstroke.progress import Progress
from deepstroke.register.peers import itk_image, peer_transform, require_package
from deepstroke.register.transform import SpatialTransform
from deepstroke.register.working_image import WorkingImage

#: The settings that did best for head CT at 2 mm: NCC of radius 2, three levels.
DEFORMABLE = "-m NCC 2x2x2 -n 100x100x40 -s 1.732vox 0.7071vox -e 0.5"


def greedy_transform(
    fixed: WorkingImage,
    moving: WorkingImage,
    initial: Affine | None,
    progress: Progress,
    deformable: str = DEFORMABLE,
) -> SpatialTransform:
    """Register two working images with greedy; the transform is not judged yet.

    Args:
        fixed, moving: stripped heads.
        initial: 4 x 4 affine, fixed RAS+ mm to moving RAS+ mm; first moments are matched without one.
        progress: told which step runs.
        deformable: greedy's options of the deformable step.

    Raises:
        MissingDependencyError: picsl-greedy isn't installed.
        RegistrationError: greedy failed; the message holds what it said.
    """
    require_package("picsl_greedy", "bench", "greedy")
    from picsl_greedy import Greedy3D

    threads = os.environ.get("OMP_NUM_THREADS", str(os.cpu_count() or 1))
    greedy = Greedy3D()
    said = StringIO()  # greedy prints every iteration; nobody needs it

    def run(command: str, **images: Any) -> None:
        greedy.execute(command, out=said, **images)

    images: dict[str, Any] = {"F": itk_image(fixed), "M": itk_image(moving)}
    common = f"-d 3 -i F M -V 0 -threads {threads}"
    try:
        progress(0.0, "greedy: affine")
        if initial is None:
            # Moments and affine in one call would silently skip the affine.
            run(f"{common} -moments 1 -o S", **images, S=None)
            images = {}
        else:
            images["S"] = np.asarray(initial)
        # Greedy's random jitter of the samples let one affine in four end centimetres off on small grids.
        run(f"{common} -ia S -a -dof 12 -m NCC 2x2x2 -n 100x50x0 -jitter 0 -o A", A=None, **images)
        progress(0.2, "greedy: deformable")
        run(f"{common} -it A {deformable} -o W -oinv V -wp 0", W=None, V=None)
    except RuntimeError as error:
        raise RegistrationError(f"greedy failed: {error}; the engine 'fast' needs no greedy", code="greedy") from error
    return peer_transform(greedy["W"], greedy["V"], np.asarray(greedy["A"]), "greedy")
