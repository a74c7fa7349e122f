"""From slabs of density to slices as a scanner shows them: kernel, metal, beam hardening and motion, before noise."""

from __future__ import annotations

import numpy as np
import torch

from deepstroke.frames import as_affine
from deepstroke_training.synthesis.acquisition import exposure
from deepstroke_training.synthesis.artefacts import SlicePlanes, add_metal, ghosted
from deepstroke_training.synthesis.kernels import through_kernel
from deepstroke_training.synthesis.rendering import CaseModel


def image_slabs(
    model: CaseModel, planes: SlicePlanes, hu: torch.Tensor, inside: torch.Tensor, seed: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """HU (slice, i, j) without noise, and what exposure adds to it: HU and the noise's strength, (2, slice, i, j).

    Args:
        model: the case.
        planes: where the slices lie.
        hu: (slice, i, j) density averaged over each slab.
        inside: (slice, i, j), 0..1 inside the inner table, likewise.
        seed: of metal and motion.
    """
    settings = model.settings
    to_scanner = as_affine(np.linalg.inv(model.deformation.scanner_to_template))
    hu = through_kernel(hu, settings.acquisition, planes.pixel_mm)
    hu = add_metal(hu, planes, settings.artefacts.metals, to_scanner, seed)
    exposed = exposure(hu, inside, settings.acquisition, planes.pixel_mm[0])
    if settings.artefacts.ghost:
        hu, exposed[0] = (ghosted(image, planes, settings.artefacts, seed) for image in (hu, exposed[0]))
    return hu, exposed
