"""The images that registration works on: skull-stripped, clipped to 0-100 HU, isotropic, cropped to the brain."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from deepstroke.errors import GeometryError, InputError
from deepstroke.frames import Affine
from deepstroke.volume import LabelMap, Volume

#: Attenuation of brain and blood in HU; what lies outside is clipped.
HU_RANGE = (0.0, 100.0)
#: Below this attenuation in HU is air or padding.
_AIR_HU = -900.0
#: Brain that comes this near to air, without bone between, was cut by the field of view (voxels of the result).
_CUT_VOXELS = 2
#: A face of the volume cuts the brain where more brain than this touches it.
_CUT_CM2 = 2.0
_LEAST_BRAIN_ML = 200.0
#: A volume of 0 HU and more that stays below this holds no bone: it was stripped before.
_STRIPPED_HU = 200.0


@dataclass(frozen=True, eq=False)
class WorkingImage:
    """A skull-stripped head on an isotropic grid.

    Attributes:
        data: float32 (i, j, k), HU clipped to 0..100, 0 outside the brain.
        mask: bool (i, j, k), the brain.
        known: bool (i, j, k), False where the scan says nothing because its field of view ended.
        ijk_to_ras: 4 x 4 affine of the grid.
    """

    data: NDArray[np.float32]
    mask: NDArray[np.bool_]
    known: NDArray[np.bool_]
    ijk_to_ras: Affine

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number of voxels along i, j and k."""
        ni, nj, nk = self.data.shape
        return ni, nj, nk


def working_image(volume: Volume, mask: LabelMap | None, spacing_mm: float, margin_mm: float) -> WorkingImage:
    """Strip, clip, crop and resample a head CT in HU to an isotropic grid along its own axes.

    Args:
        volume: head CT in HU, or one that is stripped already (0 outside the brain).
        mask: the brain on the grid of ``volume``; without it a stripped volume's own, else ``extract_brain``'s.
        spacing_mm: voxel size of the result.
        margin_mm: how far the grid reaches beyond the brain; its sides are multiples of four voxels.

    Raises:
        GeometryError: the volume's axes are not orthogonal, or the mask lies on another grid.
        InputError: values are not finite, or there is no brain of at least 200 ml.
    """
    hu, brain = _cropped_to_brain(*_checked(volume, mask))
    starts_mm, size = _output_range(brain, spacing_mm, margin_mm)
    inside = brain.data > 0
    channels = [np.where(inside, np.clip(hu.data, *HU_RANGE), 0.0), inside, hu.data < _AIR_HU]
    grid = [_resampling_weights(brain, axis, starts_mm[axis], size[axis], spacing_mm) for axis in range(3)]
    data, share, air = (_resampled(c.astype(np.float32), grid) for c in channels)
    covered = np.einsum("i,j,k->ijk", *(weights.sum(axis=1) for weights in grid))
    unknown = _beyond_cut_sides(share > 0.5, air > 0.5, covered < 0.5)
    unknown |= _beyond_cut_faces(brain, starts_mm, size, spacing_mm)
    axes = brain.ijk_to_ras[:3, :3] / np.array(brain.spacing_mm)
    ijk_to_ras = np.eye(4)
    ijk_to_ras[:3, :3] = axes * spacing_mm
    ijk_to_ras[:3, 3] = brain.ijk_to_ras[:3, 3] + axes @ starts_mm
    return WorkingImage(data, share > 0.5, ~unknown, ijk_to_ras)


def _checked(volume: Volume, mask: LabelMap | None) -> tuple[Volume, LabelMap]:
    if not volume.is_orthogonal:
        raise GeometryError(
            "the volume's axes are not at right angles (a gantry tilt read as is): resample it to an orthogonal grid "
            "first, as deepstroke.dicom does",
            code="sheared-grid",
        )
    if not np.isfinite(volume.data).all():
        raise InputError(
            "the volume holds values that are not finite: replace them, air is -1000 HU", code="not-finite"
        )
    if mask is None:
        mask = _own_mask(volume)
    volume.require_same_grid(mask, "the brain mask")
    if mask.volume_ml() < _LEAST_BRAIN_ML:
        raise InputError(
            f"the brain mask holds {mask.volume_ml():.0f} ml; a brain to register has at least "
            f"{_LEAST_BRAIN_ML:.0f} ml: check the mask, and that the volume is a head in HU",
            code="no-brain",
        )
    return volume.reoriented_to_ras(), mask.reoriented_to_ras()


def _own_mask(volume: Volume) -> LabelMap:
    """The mask of a volume that was stripped before, else the one that brain extraction finds."""
    if volume.data.min() >= 0 and volume.data.max() <= _STRIPPED_HU:
        return volume.with_labels(ndimage.binary_fill_holes(volume.data > 0))
    from deepstroke.preprocess.brain import extract_brain

    return extract_brain(volume)


def _cropped_to_brain(volume: Volume, mask: LabelMap) -> tuple[Volume, LabelMap]:
    """Both cut to the brain's box and one more voxel where there is one, so that cut faces stay visible."""
    box = []
    for axis in range(3):
        others = tuple(a for a in range(3) if a != axis)
        used = np.flatnonzero(mask.mask.any(axis=others))
        box.append(slice(max(int(used[0]) - 1, 0), int(used[-1]) + 2))
    i, j, k = box
    ijk_to_ras = volume.ijk_to_ras.copy()
    ijk_to_ras[:3, 3] = volume.ras_of(np.array([i.start, j.start, k.start]))
    return Volume(volume.data[i, j, k], ijk_to_ras), LabelMap(mask.mask[i, j, k], ijk_to_ras)


def _output_range(brain: LabelMap, spacing_mm: float, margin_mm: float) -> tuple[NDArray[np.float64], list[int]]:
    """Place of the first output voxel along each axis, mm from the first input voxel, and how many there are."""
    extent = (np.array(brain.shape) - 1) * np.array(brain.spacing_mm)
    size = [4 * int(np.ceil((e + 2 * margin_mm) / spacing_mm / 4)) for e in extent]
    return (extent - (np.array(size) - 1) * spacing_mm) / 2, size


def _resampling_weights(
    brain: LabelMap, axis: int, start_mm: float, size: int, spacing_mm: float
) -> NDArray[np.float32]:
    """Rows of triangular weights over the input voxels of one axis; what lies outside of them counts as zero.

    The triangle is as wide as the coarser of the two spacings: linear interpolation upwards, antialiased downwards.
    """
    step = brain.spacing_mm[axis]
    half = max(step, spacing_mm)
    pad = int(np.ceil(half / step)) + int(np.ceil(max(0.0, -start_mm) / step)) + 1
    inputs = np.arange(-pad, brain.shape[axis] + pad) * step
    outputs = start_mm + spacing_mm * np.arange(size)
    weights = np.clip(1 - np.abs(inputs[None] - outputs[:, None]) / half, 0, None)
    return (weights / weights.sum(axis=1, keepdims=True))[:, pad:-pad].astype(np.float32)


def _resampled(data: NDArray[np.float32], weights: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    wi, wj, wk = weights
    along_i = (wi @ data.reshape(data.shape[0], -1)).reshape(len(wi), *data.shape[1:])
    return np.matmul(np.matmul(wj, along_i), wk.T)


def _beyond_cut_sides(
    brain: NDArray[np.bool_], air: NDArray[np.bool_], outside: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Air, and what lies outside the volume, nearest to where brain ends in air as at the rim of a field of view."""
    cut = air & ndimage.binary_dilation(brain, iterations=_CUT_VOXELS)
    if not cut.any():
        return cut
    ends = brain & ndimage.binary_dilation(cut)
    nearest = ndimage.distance_transform_edt(~brain, return_distances=False, return_indices=True)
    return np.asarray(cut | (ends[tuple(nearest)] & (air | outside)))


def _beyond_cut_faces(
    brain: LabelMap, starts_mm: NDArray[np.float64], size: list[int], spacing_mm: float
) -> NDArray[np.bool_]:
    """Where the output lies beyond a face of the volume that cuts through brain."""
    beyond = np.zeros(size, dtype=bool)
    for axis in range(3):
        step = brain.spacing_mm[axis]
        area_cm2 = brain.voxel_ml * 10.0 / step
        places = starts_mm[axis] + spacing_mm * np.arange(size[axis])
        ends = ((0, places < -step / 2), (-1, places > (brain.shape[axis] - 0.5) * step))
        for face, outside in ends:
            if np.count_nonzero(np.take(brain.data, face, axis=axis)) * area_cm2 > _CUT_CM2:
                np.moveaxis(beyond, axis, 0)[outside] = True
    return beyond
