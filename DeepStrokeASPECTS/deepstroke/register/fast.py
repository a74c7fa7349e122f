"""The engine ``fast``: affine, then symmetric diffeomorphic registration by local cross-correlation, in PyTorch."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import grid_sample, max_pool3d, pad

from deepstroke.frames import Affine, as_affine
from deepstroke.progress import Progress, within
from deepstroke.register.affine import affine_fixed_to_moving
from deepstroke.register.diffeomorphic import PreparedPair, halfway_fields
from deepstroke.register.fields import composed, inverted
from deepstroke.register.settings import FastSettings
from deepstroke.register.transform import DisplacementField, SpatialTransform
from deepstroke.register.working_image import WorkingImage


def fast_transform(
    fixed: WorkingImage,
    moving: WorkingImage,
    initial: Affine | None,
    settings: FastSettings,
    device: torch.device,
    progress: Progress,
) -> SpatialTransform:
    """Register two working images; the transform is not judged yet.

    Raises:
        RegistrationError: the affine stage ended mirrored.
    """
    progress(0.0, "aligning the heads")
    with torch.inference_mode():
        affine = affine_fixed_to_moving(fixed, moving, settings.affine, device, initial)
        pair = _prepared(fixed, moving, affine, settings, device)
        fields = halfway_fields(pair, settings.diffeomorphic, within(progress, 0.1, 0.9))
        voxels = round(settings.taper_mm / settings.spacing_mm)
        fields = _faded(fields, voxels)
        forward = composed(inverted(fields[:1]), fields[1:])
        backward = inverted(forward)
    grid = fixed.ijk_to_ras.copy()
    grid[:3, 3] -= grid[:3, :3] @ np.full(3, voxels)
    there, back = _in_mm(forward[0], grid), _in_mm(backward[0], grid)
    return SpatialTransform((there, affine), (as_affine(np.linalg.inv(affine)), back), "fast")


def _prepared(
    fixed: WorkingImage, moving: WorkingImage, affine: Affine, settings: FastSettings, device: torch.device
) -> PreparedPair:
    """The moving image and both masks on the fixed grid, after the affine."""
    channels = np.stack([moving.data, moving.mask.astype(np.float32), (~moving.known).astype(np.float32)])
    matrix = np.linalg.inv(moving.ijk_to_ras) @ affine @ fixed.ijk_to_ras
    moved = _resampled(torch.as_tensor(channels, device=device), matrix, fixed.shape)
    masks = torch.as_tensor(fixed.mask | (moved[1] > 0.5).cpu().numpy(), device=device)
    unknown = torch.as_tensor(~fixed.known, device=device) | (moved[2] > 0.5)
    dilation, radius = settings.diffeomorphic.mask_dilation, settings.diffeomorphic.radius
    near = _dilated(masks, dilation) & ~_dilated(unknown, radius)
    return PreparedPair(torch.stack([torch.as_tensor(fixed.data, device=device), moved[0]]), near.float())


def _resampled(channels: Tensor, ijk_to_ijk: Affine, shape: tuple[int, int, int]) -> Tensor:
    """(C, ...) channels at the voxels that ``ijk_to_ijk`` gives for a grid of the given shape."""
    sizes = np.array(channels.shape[1:], dtype=np.float64)
    out_sizes = np.array(shape, dtype=np.float64)
    unit_to_ijk, ijk_to_unit = np.diag([*(out_sizes / 2), 1.0]), np.diag([*(2 / sizes), 1.0])
    unit_to_ijk[:3, 3], ijk_to_unit[:3, 3] = (out_sizes - 1) / 2, 1 / sizes - 1
    theta = (ijk_to_unit @ ijk_to_ijk @ unit_to_ijk)[[2, 1, 0, 3]][:3, [2, 1, 0, 3]]
    theta = torch.as_tensor(theta, dtype=torch.float32, device=channels.device)[None]
    grid = torch.nn.functional.affine_grid(theta, [1, 1, *shape], align_corners=False)
    return grid_sample(channels[None], grid, align_corners=False)[0]


def _dilated(mask: Tensor, voxels: int) -> Tensor:
    """The mask grown by a cube."""
    if voxels == 0:
        return mask
    return max_pool3d(mask.float()[None], 2 * voxels + 1, stride=1, padding=voxels)[0] > 0


def _faded(fields: Tensor, voxels: int) -> Tensor:
    """The fields with ``voxels`` more on each side, over which their border values fade to zero."""
    wider = pad(fields, [voxels] * 6, mode="replicate")
    ramp = torch.arange(voxels, device=fields.device, dtype=torch.float32) / max(voxels, 1)
    rise = 0.5 - 0.5 * torch.cos(torch.pi * ramp)
    for axis in (-3, -2, -1):
        window = torch.cat([rise, rise.new_ones(fields.shape[axis]), rise.flip(0)])
        wider = wider * window.view([-1 if a == axis else 1 for a in (-3, -2, -1)])
    return wider


def _in_mm(field: Tensor, ijk_to_ras: Affine) -> DisplacementField:
    """A field in voxels (channels k, j, i) as RAS+ mm on its grid."""
    voxels = field.flip(0).permute(1, 2, 3, 0).cpu().numpy()
    return DisplacementField(voxels @ ijk_to_ras[:3, :3].T.astype(np.float32), ijk_to_ras)
