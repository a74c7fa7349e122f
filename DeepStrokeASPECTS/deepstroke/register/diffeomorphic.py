"""Symmetric diffeomorphic registration by local cross-correlation, greedy and from coarse to fine.

Both images, on one grid, are pulled to a half-way space by two displacement fields. In each iteration the slopes of
the signed LNCC with both images are smoothed, scaled to a set length and composed into the fields, which are smoothed
a little too: the scheme of section 3 of "DeepStroke - ASPECTS Regions Segmentation", after Avants et al., Medical
Image Analysis 12 (2008) 26, with the compositive updates of Yushkevich's greedy.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from deepstroke.progress import Progress
from deepstroke.register.fields import central_gradient, composed, resized, shape_of, warp
from deepstroke.register.filters import gaussian, halved
from deepstroke.register.settings import DiffeomorphicSettings
from deepstroke.register.similarity import lncc_slopes


@dataclass(frozen=True, eq=False)
class PreparedPair:
    """Two images on one grid, ready for the deformable stage.

    Attributes:
        fixed: (1, I, J, K) HU.
        moving: (1, I, J, K) HU, the moving image after the affine.
        pull: (1, I, J, K) 0..1, where the images may pull: near the brain, and known in both scans.
    """

    fixed: Tensor
    moving: Tensor
    pull: Tensor


def halfway_fields(pair: PreparedPair, settings: DiffeomorphicSettings, progress: Progress) -> tuple[Tensor, Tensor]:
    """The fields from the half-way space to the fixed and to the moving image, voxels, channels k, j, i."""
    to_fixed = to_moving = pair.fixed.new_zeros((3, *(n >> settings.halvings[0] for n in shape_of(pair.fixed))))
    work = [n * 8.0**-h for n, h in zip(settings.iterations, settings.halvings, strict=True)]
    for level, (halvings, iterations) in enumerate(zip(settings.halvings, settings.iterations, strict=True)):
        finer = (halved(image, halvings) for image in (pair.fixed, pair.moving, pair.pull))
        scaled = PreparedPair(*finer)
        shape = shape_of(scaled.fixed)
        to_fixed, to_moving = resized(to_fixed, shape), resized(to_moving, shape)
        for iteration in range(iterations):
            step = settings.step * (1 - settings.step_decay * iteration / iterations) / 2
            to_fixed, to_moving = _updated(scaled, to_fixed, to_moving, step, settings)
            if iteration % 10 == 0:
                done = sum(work[:level]) + work[level] * iteration / iterations
                progress(done / sum(work), "matching structures")
    shape = shape_of(pair.fixed)
    return resized(to_fixed, shape), resized(to_moving, shape)


def _updated(
    pair: PreparedPair,
    to_fixed: Tensor,
    to_moving: Tensor,
    step: float,
    settings: DiffeomorphicSettings,
) -> tuple[Tensor, Tensor]:
    """One iteration: both fields, each moved by at most ``step`` voxels."""
    halfway_fixed, halfway_moving = warp(pair.fixed, to_fixed), warp(pair.moving, to_moving)
    _, slope_fixed, slope_moving = lncc_slopes(halfway_fixed, halfway_moving, settings.radius, settings.variance_floor)
    forces = [
        slope_fixed * pair.pull * central_gradient(halfway_fixed),
        slope_moving * pair.pull * central_gradient(halfway_moving),
    ]
    updates = gaussian(torch.cat(forces), settings.update_sigma).split(3)
    scaled = [update * (step / (update.norm(dim=0).max() + 1e-12)) for update in updates]
    fields = [composed(update, field) for update, field in zip(scaled, (to_fixed, to_moving), strict=True)]
    to_fixed, to_moving = gaussian(torch.cat(fields), settings.field_sigma).split(3)
    return to_fixed, to_moving
