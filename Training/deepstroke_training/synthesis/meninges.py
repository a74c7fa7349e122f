"""The inner table, the dural folds and the hemispheres' surfaces, from the template's brain mask."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from deepstroke_training.synthesis.head_parts import FORAMEN_MAGNUM_Z, petrous_bones
from deepstroke_training.synthesis.shapes import Coordinates, Field, ellipsoid, tube, union

Mask = NDArray[np.bool_]

#: How smooth the outside of the vault is; on a sphere of 75 mm this filter moves the surface in by 1.3 mm.
OUTLINE_SMOOTHING_MM = 10.0


def signed_distance(mask: Mask, step: float) -> Field:
    """Distance in mm to the border of a mask, negative inside."""
    outside = ndimage.distance_transform_edt(~mask)
    inside = ndimage.distance_transform_edt(mask)
    return ((outside - inside - np.where(mask, -0.5, 0.5)) * step).astype(np.float32)


def closed(outside: Field, radius: float, step: float) -> Field:
    """Distance to a solid closed by a ball of ``radius`` mm, from the distance outside it."""
    pad = round(radius / step) + 2
    padded = np.pad(outside, pad, mode="constant", constant_values=2.0 * radius)
    grown = signed_distance(padded <= radius, step) + radius
    return grown[(slice(pad, -pad),) * 3]


def inner_table(brain: Mask, at: Coordinates, step: float, margin: float) -> tuple[Field, Field]:
    """Distance to the inner table, and how much further out the smooth outline of the vault lies there, mm.

    The inner table is the brain closed over its sulci and cisterns, ``margin`` mm further out. The base is closed less
    than the vault, so that the sphenoid and the petrous ridges stay between the lobes.
    """
    suprasellar_cistern = ellipsoid(at, (0, 0, -20), (18, 17, 11)) < 0
    outside = signed_distance(brain | suprasellar_cistern, step)
    vault = ndimage.gaussian_filter(closed(outside, 18.0, step), 2.0)
    outline = ndimage.gaussian_filter(closed(outside, 44.0, step), OUTLINE_SMOOTHING_MM / step) - 1.3
    base = ndimage.gaussian_filter(closed(outside, 4.0, step), 0.8)
    weight = np.clip((at.z + 16.0) / 8.0, 0.0, 1.0)
    smooth = weight * vault + (1.0 - weight) * base - margin
    carved = np.maximum(smooth, np.minimum(-petrous_bones(at), outside - 1.0))
    inner = np.maximum(carved, FORAMEN_MAGNUM_Z - at.z)
    return inner.astype(np.float32), (weight * np.clip(vault - outline, -2.0, 8.0)).astype(np.float32)


def falx(at: Coordinates, inner: Field) -> Field:
    """Distance from the falx: the mid-sagittal sheet from the crista galli over the callosum to the straight sinus."""
    callosum = ellipsoid(at, (0, -14, -4), (400, 58, 42))
    straight_sinus = 8.0 - 0.45 * (-45.0 - at.y)
    outside = np.maximum.reduce(
        [
            -callosum,
            inner,
            np.where(at.y < -45, straight_sinus - at.z, -20.0),
            -16.0 - at.z,
        ]
    )
    return np.hypot(at.u, np.maximum(outside, 0.0)).astype(np.float32)


def height_above_tentorium(at: Coordinates) -> Field:
    """Height in mm above a tent whose ridge is the straight sinus."""
    ridge = 6.0 + 0.38 * (at.y + 45.0)
    return at.z - (ridge - 0.62 * at.u - 0.002 * at.u**2)


def folded(at: Coordinates) -> Field:
    """1 in the cerebral hemispheres, 0 in cerebellum and brain stem."""
    below = np.clip(0.5 - height_above_tentorium(at) / 4.0, 0.0, 1.0) * np.clip((-14.0 - at.y) / 4.0, 0.0, 1.0)
    return (1.0 - below).astype(np.float32)


def tentorium(at: Coordinates, inner: Field) -> Field:
    """Distance from the tentorium, which is open around the midbrain."""
    height = height_above_tentorium(at)
    notch = ellipsoid(at, (0, -26, -10), (20, 28, 400))
    outside = np.maximum.reduce([inner, -notch, at.y + 12.0])
    return np.hypot(height / 1.25, np.maximum(outside, 0.0)).astype(np.float32)


def venous_sinuses(at: Coordinates, inner: Field) -> Field:
    """Distance to the superior sagittal sinus, the torcula, the transverse and the straight sinuses."""
    sagittal = np.where((at.z > -14) & (at.y < 62), at.u + 0.9 * np.abs(inner + 2.0) - 6.0, 30.0)
    transverse = tube(at, [((0, -100, -16), 5), ((30, -90, -22), 4), ((52, -64, -30), 4), ((52, -48, -42), 4)])
    straight = tube(at, [((0, -46, 6), 2), ((0, -90, -12), 2.5)])
    return union(sagittal, transverse, straight).astype(np.float32)


def hemisphere_depth(inner: Field, falx_distance: Field, step: float) -> tuple[Field, NDArray[np.float32]]:
    """Depth in mm below the surface of a point's hemisphere, and the vector (3, ...) in mm to that surface."""
    surface = (inner < 0) & (falx_distance > step)
    depth = ndimage.distance_transform_edt(surface).astype(np.float32) * step
    smooth = ndimage.gaussian_filter(depth, 1.5)
    gradient = np.stack(np.gradient(smooth, step))
    gradient /= np.maximum(np.linalg.norm(gradient, axis=0), 0.3)
    return depth, (-smooth * gradient).astype(np.float32)


def vault_thickness(at: Coordinates) -> Field:
    """Thickness of the calvarium in template mm: thin in the temporal squama and the base, thick behind and above."""
    squama = np.exp(-(((at.y - 0.0) / 34.0) ** 2 + ((at.z + 6.0) / 26.0) ** 2)) * np.clip((at.u - 35.0) / 20.0, 0, 1)
    occiput = np.exp(-(((at.y + 104.0) / 22.0) ** 2 + ((at.z + 22.0) / 20.0) ** 2 + (at.u / 22.0) ** 2))
    vertex = np.clip((at.z - 20.0) / 60.0, 0.0, 1.0)
    base = np.clip((-22.0 - at.z) / 12.0, 0.0, 1.0) * np.clip((at.y + 80.0) / 40.0, 0.0, 1.0)
    thickness = 6.3 - 3.3 * squama + 5.0 * occiput + 1.4 * vertex - 2.8 * base
    return ndimage.gaussian_filter(thickness, 1.0).astype(np.float32)


def scalp_thickness(at: Coordinates) -> Field:
    """Thickness of the scalp in template mm: thicker over the temporal muscle and the nape."""
    temporal = np.exp(-(((at.y - 8.0) / 36.0) ** 2 + ((at.z + 8.0) / 34.0) ** 2)) * np.clip((at.u - 35.0) / 20.0, 0, 1)
    nape = np.clip((-20.0 - at.z) / 30.0, 0.0, 1.0) * np.clip((-60.0 - at.y) / 30.0, 0.0, 1.0)
    return (5.6 + 5.5 * temporal + 9.0 * nape).astype(np.float32)
