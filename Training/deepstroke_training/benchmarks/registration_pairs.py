"""Pairs of heads whose true correspondence is known: a CT-like template, and a subject made by warping it.

The subject differs from the template by a rotation and scale, a random diffeomorphism, enlarged ventricles, its own
tissue contrasts, a bias, a hypodense lesion on one side, 5 mm slices and noise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation

from deepstroke.frames import Affine
from deepstroke.register import DisplacementField, SpatialTransform
from deepstroke.volume import LabelMap, Volume

#: HU of grey matter, white matter and CSF in the template.
TEMPLATE_HU = (37.0, 28.5, 8.0)


@dataclass(frozen=True, eq=False)
class Anatomy:
    """A head as tissues and structures on one isotropic grid.

    Attributes:
        grey: share of grey matter in each voxel, 0..1, (i, j, k).
        white: share of white matter; the rest of the brain is CSF.
        brain: bool, grey and white matter and the CSF within.
        structures: name to label of the structures that are compared.
        labels: the structures, both sides of each under one label.
        ijk_to_ras: 4 x 4 affine of the grid.
    """

    grey: NDArray[np.float32]
    white: NDArray[np.float32]
    brain: NDArray[np.bool_]
    structures: Mapping[str, int]
    labels: NDArray[np.uint8]
    ijk_to_ras: Affine

    def attenuation(self, hu: tuple[float, float, float]) -> Volume:
        """The stripped head in HU for given grey matter, white matter and CSF."""
        grey, white, csf = hu
        mixed = grey * self.grey + white * self.white + csf * (1 - self.grey - self.white)
        return Volume(np.where(self.brain, mixed, 0).astype(np.float32), self.ijk_to_ras)


@dataclass(frozen=True)
class PairSettings:
    """How subjects differ from the template; ranges are drawn from evenly.

    Attributes:
        warp_mm: greatest displacement of the random diffeomorphism.
        warp_scale_mm: its smoothness, the sigma of the velocities.
        rotation_degrees: most about each axis.
        scale: factors along each axis.
        shift_mm: most along each axis.
        ventricle_mm: how far the ventricles' walls are pushed out.
        lesion_radius_mm: of a hypodense ball in one hemisphere.
        lesion_hu: how much darker its centre is.
        bias_hu: standard deviation of a smooth bias.
        noise_hu: standard deviation of the noise.
        slice_mm: slice thickness and distance.
    """

    warp_mm: tuple[float, float] = (3.0, 8.0)
    warp_scale_mm: float = 14.0
    rotation_degrees: float = 10.0
    scale: tuple[float, float] = (0.93, 1.07)
    shift_mm: float = 10.0
    ventricle_mm: tuple[float, float] = (1.0, 3.0)
    lesion_radius_mm: tuple[float, float] = (14.0, 24.0)
    lesion_hu: tuple[float, float] = (5.0, 9.0)
    bias_hu: float = 1.0
    noise_hu: float = 6.0
    slice_mm: int = 5


@dataclass(frozen=True, eq=False)
class Pair:
    """A subject (fixed) and the template (moving) with the true map between them.

    Attributes:
        fixed: subject in HU, stripped, thick slices.
        fixed_mask: its brain.
        moving: template in HU, stripped.
        moving_mask: its brain.
        truth: the true transform, fixed RAS+ mm to moving RAS+ mm; it has no inverse.
        reference: an isotropic grid in the subject's space on which structures are compared.
    """

    fixed: Volume
    fixed_mask: LabelMap
    moving: Volume
    moving_mask: LabelMap
    truth: SpatialTransform
    reference: Volume


def make_pair(anatomy: Anatomy, seed: int, settings: PairSettings | None = None) -> Pair:
    """A pair that is the same for the same anatomy, seed and settings."""
    settings = settings or PairSettings()
    random = np.random.default_rng(seed)
    fine = Volume(np.zeros(anatomy.brain.shape, np.uint8), anatomy.ijk_to_ras)
    truth = SpatialTransform((_pose(anatomy, random, settings), _diffeomorphism(anatomy, random, settings)), ())
    hu = (random.uniform(35, 40), random.uniform(27, 31), random.uniform(4, 10))
    brain = LabelMap(anatomy.brain, anatomy.ijk_to_ras)
    subject = truth.apply(anatomy.attenuation(hu), fine, order=1).data
    subject = subject - _lesion(anatomy, truth, fine, random, settings)
    subject += settings.bias_hu * _unit_noise(fine.shape, 15.0, random)
    fixed = _thick(subject, settings.slice_mm, anatomy.ijk_to_ras)
    fixed_mask = truth.apply(brain, fixed)
    noise = settings.noise_hu * _unit_noise(fixed.shape, (0.6, 0.6, 0.0), random)
    fixed = fixed.with_data(np.where(fixed_mask.mask, fixed.data + noise, 0).astype(np.float32))
    return Pair(fixed, fixed_mask, anatomy.attenuation(TEMPLATE_HU), brain, truth, fine)


def _pose(anatomy: Anatomy, random: np.random.Generator, settings: PairSettings) -> Affine:
    """Rotation, scales and shift about the brain's centre."""
    degrees = random.uniform(-settings.rotation_degrees, settings.rotation_degrees, 3)
    linear = Rotation.from_euler("xyz", degrees, degrees=True).as_matrix() @ np.diag(random.uniform(*settings.scale, 3))
    centre = anatomy.ijk_to_ras[:3, :3] @ np.argwhere(anatomy.brain).mean(axis=0) + anatomy.ijk_to_ras[:3, 3]
    pose = np.eye(4)
    pose[:3, :3] = linear
    pose[:3, 3] = centre + random.uniform(-settings.shift_mm, settings.shift_mm, 3) - linear @ centre
    return pose


def _diffeomorphism(anatomy: Anatomy, random: np.random.Generator, settings: PairSettings) -> DisplacementField:
    """The exponential of a smooth random velocity and one that widens the ventricles, on every second voxel."""
    brain, ventricles = (
        mask[::2, ::2, ::2] for mask in (anatomy.brain, anatomy.labels == anatomy.structures["ventricles"])
    )
    ijk_to_ras = anatomy.ijk_to_ras @ np.diag([2.0, 2.0, 2.0, 1.0])
    spacing = float(np.linalg.norm(ijk_to_ras[:3, 0]))
    noise = [_unit_noise(brain.shape, settings.warp_scale_mm / spacing, random) for _ in range(3)]
    velocity = np.stack(noise, axis=-1)
    longest = np.linalg.norm(velocity[brain], axis=1).max()
    velocity *= random.uniform(*settings.warp_mm) / longest
    velocity += _towards(ventricles, 5.0 / spacing) * random.uniform(*settings.ventricle_mm)
    inside = ndimage.gaussian_filter(ndimage.binary_dilation(brain, iterations=4).astype(np.float32), 2)
    return DisplacementField(_exponential(velocity * inside[..., None], spacing), ijk_to_ras)


def _towards(mask: NDArray[np.bool_], sigma: float) -> NDArray[np.float32]:
    """Vectors of at most unit length that point to the ventricles: sampling there widens them."""
    smooth = ndimage.gaussian_filter(mask.astype(np.float32), sigma)
    gradient = np.stack(np.gradient(smooth), axis=-1)
    return gradient / np.linalg.norm(gradient, axis=-1).max()


def _exponential(velocity: NDArray[np.float32], spacing: float, squarings: int = 6) -> NDArray[np.float32]:
    """Displacements in mm reached by flowing along a velocity (mm, axes as the grid's) for unit time."""
    flow = velocity / 2**squarings
    ijk = np.indices(velocity.shape[:3], dtype=np.float32)
    for _ in range(squarings):
        places = ijk + np.moveaxis(flow, -1, 0) / spacing
        flow = flow + np.stack(
            [ndimage.map_coordinates(flow[..., c], places, order=1, mode="nearest") for c in range(3)], axis=-1
        )
    return flow


def _unit_noise(
    shape: tuple[int, ...], sigma: float | tuple[float, ...], random: np.random.Generator
) -> NDArray[np.float32]:
    """Gaussian noise smoothed by sigma voxels, of unit standard deviation."""
    noise = ndimage.gaussian_filter(random.standard_normal(shape, dtype=np.float32), sigma)
    return noise / noise.std()


def _lesion(
    anatomy: Anatomy,
    truth: SpatialTransform,
    fine: Volume,
    random: np.random.Generator,
    settings: PairSettings,
) -> NDArray[np.float32]:
    """HU to take away in a soft-edged ball in the middle cerebral artery's territory of one side."""
    side = random.choice([-1.0, 1.0])
    centre = np.array([side, 1, 1]) * random.uniform((28, -25, -5), (45, 20, 25))
    radius = random.uniform(*settings.lesion_radius_mm)
    i, j, k = np.indices(fine.shape)
    x, y, z = np.moveaxis(fine.ras_of(np.stack([i, j, k], axis=-1)), -1, 0)
    distance = np.sqrt((x - centre[0]) ** 2 + (y - centre[1]) ** 2 + (z - centre[2]) ** 2)
    ball = Volume((1 / (1 + np.exp((distance - radius) / 2))).astype(np.float32), fine.ijk_to_ras)
    tissue = Volume(np.clip(anatomy.grey + anatomy.white, 0, 1), anatomy.ijk_to_ras)
    moved = truth.apply(ball, fine, order=1).data * truth.apply(tissue, fine, order=1).data
    return random.uniform(*settings.lesion_hu) * moved


def _thick(data: NDArray[np.float32], slices: int, ijk_to_ras: Affine) -> Volume:
    """Means over ``slices`` neighbours along k."""
    count = data.shape[2] // slices
    means = data[..., : count * slices].reshape(*data.shape[:2], count, slices).mean(axis=3)
    affine = ijk_to_ras.copy()
    affine[:3, 3] += affine[:3, 2] * (slices - 1) / 2
    affine[:3, 2] *= slices
    return Volume(means.astype(np.float32), affine)
