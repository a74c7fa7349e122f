"""A whole head in template space: tissue maps of the brain and signed distances of everything around it.

Two grids hold it: tissue probabilities and region labels at 1 mm around the brain, and smooth fields (distances,
gradients) at 2 mm over the whole head. A case samples both at its own deformed coordinates.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

from deepstroke.volume import LabelMap, Volume
from deepstroke_training.atlas_authoring import frame, structures, tissue_maps
from deepstroke_training.atlas_authoring.mni import load_maps
from deepstroke_training.synthesis import head_parts, meninges
from deepstroke_training.synthesis.shapes import Coordinates

Array = NDArray[np.float32]

#: The coarse grid: RAS+ mm of its first and last voxel centre in template space, and its step.
COARSE_FIRST = (-104.0, -144.0, -140.0)
COARSE_LAST = (104.0, 120.0, 116.0)
COARSE_STEP = 2.0
#: How far the inner table lies outside the template's brain mask, mm.
SUBARACHNOID_MM = 1.5


@dataclass(frozen=True, eq=False)
class MapStack:
    """Several maps on one axis-aligned grid of template space.

    Attributes:
        data: (channel, i, j, k), float32.
        names: what each channel holds.
        first: RAS+ mm of the first voxel's centre.
        step: voxel size in mm.
    """

    data: torch.Tensor
    names: tuple[str, ...]
    first: tuple[float, float, float]
    step: float

    def to(self, device: torch.device) -> MapStack:
        """The same maps on another device."""
        return replace(self, data=self.data.to(device))

    def sample(self, points: torch.Tensor, nearest: bool = False) -> dict[str, torch.Tensor]:
        """Every map at template points of shape (3, ...) in mm; beyond the border the border's value."""
        values = sample_grid(self.data, points, self.first, self.step, nearest=nearest)
        return dict(zip(self.names, values, strict=True))


def sample_grid(
    data: torch.Tensor,
    points: torch.Tensor,
    first: tuple[float, float, float],
    step: float,
    nearest: bool = False,
) -> torch.Tensor:
    """Values of maps (channel, i, j, k) at points (3, ...) in mm, shape (channel, ...)."""
    shape = points.shape[1:]
    flat = points.reshape(3, -1)
    normalised = [(flat[axis] - first[axis]) * (2.0 / (step * (data.shape[axis + 1] - 1))) - 1.0 for axis in (2, 1, 0)]
    grid = torch.stack(normalised, dim=-1).reshape(1, 1, 1, -1, 3)
    mode = "nearest" if nearest else "bilinear"
    values = torch.nn.functional.grid_sample(data[None], grid, mode=mode, padding_mode="border", align_corners=True)
    return values.reshape(data.shape[0], *shape)


@dataclass(frozen=True, eq=False)
class TemplateHead:
    """The head in template space.

    Attributes:
        tissue: probabilities at 1 mm: ``grey``, ``white``, ``csf``.
        regions: labels 0..20 of the sided ASPECTS regions at 1 mm, one channel ``region``.
        surfaces: ``inner`` (inner table), ``skin``, and the nearest of all ``parts``; like all below at 2 mm, signed
            distances in mm, negative inside.
        shells: the thickness in mm of ``vault`` and ``scalp``, and of the ``groove``'s filling between the hemispheres.
        parts: ``bone``, ``petrous``, ``vertebra``, ``air``, ``frontal_sinus``, ``cells``, ``orbit``, ``globe``,
            ``lens``, ``nerve``, ``muscle``, ``canal``, ``cord``.
        ventricles: ``ventricle`` and the direction away from it, ``push_x/y/z``.
        depths: ``ventricle``, ``sinus``; unsigned distances from a sheet or a centre line, ``dura``, ``mca``,
            ``artery``; ``depth`` below the hemisphere's surface and the vector to it, ``to_hull_x/y/z``; ``folded``
            (1 in the cerebral hemispheres); ``blend`` (1 where tissue is truly mixed, as in the brain stem).
        centre: RAS+ mm of the middle of the intracranial space.
        region_boxes: (20, 2, 3) RAS+ mm of the first and last voxel of each sided region.
    """

    tissue: MapStack
    regions: MapStack
    surfaces: MapStack
    shells: MapStack
    parts: MapStack
    ventricles: MapStack
    depths: MapStack
    centre: tuple[float, float, float]
    region_boxes: NDArray[np.float64]

    def to(self, device: torch.device) -> TemplateHead:
        """The same head on another device."""
        return replace(
            self,
            tissue=self.tissue.to(device),
            regions=self.regions.to(device),
            surfaces=self.surfaces.to(device),
            shells=self.shells.to(device),
            parts=self.parts.to(device),
            ventricles=self.ventricles.to(device),
            depths=self.depths.to(device),
        )


def build_template_head(labels: LabelMap) -> TemplateHead:
    """Build the head from the MNI152 maps and a sided label map (1..20) in the same space.

    Args:
        labels: ASPECTS regions in MNI152 RAS+ mm, on any axis-aligned grid.

    Raises:
        MissingDependencyError: nilearn, which brings the maps, is not installed.
    """
    maps, deep = tissue_maps(), structures()
    grid = maps.grey
    x, y, z = (float(v) for v in grid.ijk_to_ras[:3, 3])
    first = (x, y, z)
    at, signed_x = _coarse_coordinates()
    brain = _onto_coarse(frame.mirrored(load_maps().mask).astype(np.float32), first) > 0.5
    inner, groove = meninges.inner_table(brain, at, COARSE_STEP, SUBARACHNOID_MM)
    tissue = np.stack([grid.data, maps.white.data, 1.0 - grid.data - maps.white.data]).astype(np.float32)
    ventricle = _distance_to(deep.ventricles, first)
    blend = _blended(at, deep.thalamus, first)
    parts = _parts(at, signed_x)
    surfaces = {"inner": inner, "skin": head_parts.skin(at), "parts": np.minimum.reduce(list(parts.values()))}
    shells = {"vault": meninges.vault_thickness(at), "scalp": meninges.scalp_thickness(at), "groove": groove}
    middle = [float(c[inner < 0].mean()) for c in (signed_x, at.y, at.z)]
    sided = _on_grid(labels, grid)
    return TemplateHead(
        tissue=MapStack(_interleaved(torch.from_numpy(tissue)), ("grey", "white", "csf"), first, 1.0),
        regions=MapStack(torch.from_numpy(sided[None]), ("region",), first, 1.0),
        surfaces=_coarse_stack(surfaces),
        shells=_coarse_stack(shells),
        parts=_coarse_stack(parts),
        ventricles=_coarse_stack({"ventricle": ventricle} | _vector("push", _unit_gradient(ventricle, 1.5))),
        depths=_coarse_stack({"ventricle": ventricle, "blend": blend} | _depths(at, inner)),
        centre=(middle[0], middle[1], middle[2]),
        region_boxes=_region_boxes(sided, first),
    )


def _coarse_stack(maps: dict[str, Array]) -> MapStack:
    data = torch.from_numpy(np.stack(list(maps.values())).astype(np.float32))
    return MapStack(_interleaved(data), tuple(maps), COARSE_FIRST, COARSE_STEP)


def _interleaved(data: torch.Tensor) -> torch.Tensor:
    """The same maps with all channels of a voxel side by side in memory, where they are read together."""
    return data[None].contiguous(memory_format=torch.channels_last_3d)[0]


def _vector(name: str, components: Iterable[Array]) -> dict[str, Array]:
    return dict(zip((f"{name}_x", f"{name}_y", f"{name}_z"), components, strict=True))


def _parts(at: Coordinates, x: Array) -> dict[str, Array]:
    """Distances to the parts, which are alike on both sides and so computed on one."""
    right = x[:, 0, 0] >= 0
    half = _solids(Coordinates(at.u[right], at.y[right], at.z[right]))
    return {name: np.concatenate([part[:0:-1], part]) for name, part in half.items()}


def _solids(at: Coordinates) -> dict[str, Array]:
    return {
        "bone": head_parts.facial_bones(at),
        "petrous": head_parts.petrous_bones(at),
        "vertebra": head_parts.neck_bones(at),
        "air": head_parts.air(at),
        "frontal_sinus": head_parts.frontal_sinus(at),
        "cells": head_parts.air_cells(at),
        "orbit": head_parts.orbits(at),
        "globe": head_parts.globes(at),
        "lens": head_parts.lenses(at),
        "nerve": head_parts.orbital_cords(at),
        "muscle": head_parts.muscles(at),
        "canal": head_parts.spinal_canal(at),
        "cord": head_parts.spinal_cord(at),
    }


def _depths(at: Coordinates, inner: Array) -> dict[str, Array]:
    falx = meninges.falx(at, inner)
    depth, to_hull = meninges.hemisphere_depth(inner, falx, COARSE_STEP)
    return {
        "dura": np.minimum(falx, meninges.tentorium(at, inner)),
        "sinus": meninges.venous_sinuses(at, inner),
        "mca": head_parts.middle_cerebral_arteries(at),
        "artery": head_parts.basal_arteries(at),
        "depth": depth,
        "folded": meninges.folded(at),
    } | _vector("to_hull", to_hull)


def _on_grid(labels: LabelMap, grid: Volume) -> Array:
    """A label map on another grid, by nearest neighbour."""
    to_labels = labels.ras_to_ijk @ grid.ijk_to_ras
    data = ndimage.affine_transform(
        labels.data.astype(np.uint8), to_labels[:3, :3], to_labels[:3, 3], output_shape=grid.shape, order=0
    )
    return data.astype(np.float32)


def _region_boxes(sided: Array, first: tuple[float, float, float]) -> NDArray[np.float64]:
    """First and last voxel of labels 1..20 in mm; a label that isn't there has a box at the first voxel."""
    found = ndimage.find_objects(sided.astype(np.uint8), max_label=20)
    ends = [[[s.start, s.stop - 1] for s in box] if box else [[0, 0]] * 3 for box in found]
    return np.asarray(first) + np.array(ends, dtype=float).transpose(0, 2, 1)


def _coarse_coordinates() -> tuple[Coordinates, Array]:
    """(u, y, z) of the coarse grid, and x."""
    axes = [
        np.arange(lo, hi + COARSE_STEP / 2, COARSE_STEP, dtype=np.float32)
        for lo, hi in zip(COARSE_FIRST, COARSE_LAST, strict=True)
    ]
    x, y, z = np.meshgrid(*axes, indexing="ij")
    return Coordinates(np.abs(x), y, z), x


def _onto_coarse(fine: Array, first: tuple[float, float, float]) -> Array:
    """A 1 mm map smoothed and resampled to the coarse grid."""
    smooth = ndimage.gaussian_filter(fine, 0.8)
    shape = tuple(int((hi - lo) / COARSE_STEP) + 1 for lo, hi in zip(COARSE_FIRST, COARSE_LAST, strict=True))
    offset = np.subtract(COARSE_FIRST, first)
    return ndimage.affine_transform(smooth, np.eye(3) * COARSE_STEP, offset, output_shape=shape, order=1)


def _distance_to(structure: LabelMap, first: tuple[float, float, float]) -> Array:
    """Signed distance to a structure, from its softened 1 mm mask so that the surface stays between voxels."""
    share = _onto_coarse(structure.data.astype(np.float32), first)
    rough = meninges.signed_distance(share > 0.5, COARSE_STEP)
    near = np.abs(rough) < COARSE_STEP
    return ndimage.gaussian_filter(np.where(near, (0.5 - share) * 2.5, rough), 0.5)


def _unit_gradient(distance: Array, sigma: float) -> list[Array]:
    """Direction of steepest rise of a distance, smoothed by ``sigma`` voxels."""
    gradient = np.stack(np.gradient(ndimage.gaussian_filter(distance, sigma)))
    return list(gradient / np.maximum(np.linalg.norm(gradient, axis=0), 0.3 * COARSE_STEP))


def _blended(at: Coordinates, thalamus: LabelMap, first: tuple[float, float, float]) -> Array:
    """1 in brain stem and thalamus, where grey and white are mixed in every voxel, falling to 0 within 4 mm."""
    stem = np.minimum.reduce(
        [
            head_parts.ellipsoid(at, (0, -26, -32), (20, 18, 16)),
            head_parts.ellipsoid(at, (0, -40, -56), (12, 12, 18)),
            head_parts.ellipsoid(at, (7, -20, -12), (14, 14, 12)),
        ]
    )
    mixed = np.clip(0.5 - stem / 4.0, 0.0, 1.0)
    return np.maximum(mixed, _onto_coarse(thalamus.data.astype(np.float32), first)).astype(np.float32)


@lru_cache(maxsize=8)
def embedded_template_head(device: str) -> TemplateHead:
    """The head built on the embedded default atlas, made once a process and copied once to each device."""
    from deepstroke import atlas

    if device != "cpu":
        return embedded_template_head("cpu").to(torch.device(device))
    return build_template_head(atlas.load().labels)
