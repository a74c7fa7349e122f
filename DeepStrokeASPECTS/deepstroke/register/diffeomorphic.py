"""Symmetric diffeomorphic registration by local cross-correlation, greedy and from coarse to fine.

Both images, on one grid, are pulled to a half-way space by two displacement fields. In each iteration the slopes of
the signed LNCC with both images are smoothed, scaled to a set length and composed into the fields, which are smoothed
a little too: the scheme of section 3 of "DeepStroke - ASPECTS Regions Segmentation", after Avants et al., Medical
Image Analysis 12 (2008) 26, with compositive updates as in Yushkevich's greedy. The fields are smooth, so they live
on a grid of doubled voxels, which costs an eighth.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from deepstroke.progress import Progress
from deepstroke.register.fields import central_gradient, composed, longest, refined, shape_of, warped
from deepstroke.register.filters import gaussian, halved
from deepstroke.register.settings import DiffeomorphicSettings
from deepstroke.register.similarity import lncc_slopes


@dataclass(frozen=True, eq=False)
class PreparedPair:
    """Two images on one grid, ready for the deformable stage.

    Attributes:
        images: (2, I, J, K) HU, the fixed image and the moving one after the affine.
        pull: (I, J, K) 0..1, where the images may pull: near the brain, and known in both scans.
    """

    images: Tensor
    pull: Tensor

    def halved(self, times: int) -> PreparedPair:
        """The pair at voxels ``2 ** times`` as large."""
        return PreparedPair(halved(self.images, times), halved(self.pull, times))


def halfway_fields(pair: PreparedPair, settings: DiffeomorphicSettings, progress: Progress) -> Tensor:
    """The fields from the half-way space to the fixed and to the moving image, (2, 3, I, J, K) voxels.

    The sides of the pair's grid are multiples of ``2 ** max(settings.halvings)``.
    """
    coarsest = max(settings.halvings)
    fields = pair.images.new_zeros((2, 3, *(n >> coarsest for n in shape_of(pair.images))))
    field_halvings = coarsest
    for done, halvings, iterations in settings.levels():
        # The coarsest level keeps its fields at its own voxels, the finer ones at doubled voxels.
        while field_halvings > min(halvings + 1, coarsest):
            fields, field_halvings = refined(fields), field_halvings - 1
        level = pair.halved(halvings)
        for iteration in range(iterations):
            step = settings.step * (1 - settings.step_decay * iteration / iterations) / 2
            fields = _updated(level, fields, field_halvings - halvings, step, settings)
        progress(done, "matching structures")
    for _ in range(field_halvings):
        fields = refined(fields)
    return fields


def _updated(level: PreparedPair, fields: Tensor, coarser: int, step: float, settings: DiffeomorphicSettings) -> Tensor:
    """Both fields after one iteration, each moved by ``step`` image voxels; their own are ``2 ** coarser`` as large."""
    fine = fields
    for _ in range(coarser):
        fine = refined(fine)
    halfway = warped(level.images[:, None], fine)[:, 0]
    slopes = lncc_slopes(halfway, settings.radius, settings.variance_floor) * level.pull
    forces = halved(central_gradient(halfway) * slopes[:, None], coarser)
    updates = gaussian(forces, settings.update_sigma / 2**coarser)
    updates *= step / 2**coarser / (longest(updates) + 1e-12)
    return gaussian(composed(updates, fields), settings.field_sigma / 2**coarser)
