"""The mid-sagittal plane of a head: the plane about which it mirrors best."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage, optimize

from deepstroke.errors import InputError
from deepstroke.frames import Affine, apply_affine
from deepstroke.preprocess.cavity import Cavity, find_cavity
from deepstroke.preprocess.resampling import orthogonal
from deepstroke.volume import Volume

#: HU are limited to this range for the comparison of both sides: soft tissue counts, bone and air mark the outline.
COMPARED_HU = (-100.0, 150.0)
#: Differences in HU above this count as this much, so that a lesion on one side doesn't turn the plane.
LARGEST_DIFFERENCE_HU = 60.0
#: Turns in degrees tried first, about the superior and about the anterior axis.
FIRST_TURNS_DEGREES = (-40.0, -20.0, 0.0, 20.0, 40.0)
#: Largest turn in degrees about either axis.
LARGEST_TURN_DEGREES = 60.0
#: Distances in mm between the points compared, from coarse to fine.
POINT_DISTANCES_MM = (8.0, 4.0)


@dataclass(frozen=True, eq=False)
class MidsagittalPlane:
    """A plane between the hemispheres.

    Attributes:
        normal: unit vector in RAS+ that points to the patient's right.
        offset_mm: the plane holds the points whose product with the normal is this.
        difference_hu: mean difference of HU between mirrored points, limited to 60; below about 20 in a whole head.
    """

    normal: NDArray[np.float64]
    offset_mm: float
    difference_hu: float

    def signed_distance(self, ras: ArrayLike) -> NDArray[np.float64]:
        """Distance in mm of RAS+ mm points of shape (..., 3); above 0 on the patient's right."""
        return np.asarray(ras, dtype=np.float64) @ self.normal - self.offset_mm

    @property
    def reflection(self) -> Affine:
        """4 x 4 affine that maps RAS+ mm to the mirrored RAS+ mm."""
        matrix = np.eye(4)
        matrix[:3, :3] -= 2.0 * np.outer(self.normal, self.normal)
        matrix[:3, 3] = 2.0 * self.offset_mm * self.normal
        return matrix

    @property
    def ras_to_aligned(self) -> Affine:
        """4 x 4 rigid affine from RAS+ mm to a frame whose plane x = 0 is this one, by the smallest rotation."""
        cosine = self.normal[0]
        axis = np.cross(self.normal, (1.0, 0.0, 0.0))
        cross = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
        matrix = np.eye(4)
        matrix[:3, :3] += cross + cross @ cross / (1.0 + cosine)
        matrix[0, 3] = -self.offset_mm
        return matrix

    @property
    def tilt_degrees(self) -> float:
        """Angle between the plane's normal and the scanner's left-right axis."""
        return float(np.degrees(np.arccos(np.clip(self.normal[0], -1.0, 1.0))))


def find_midsagittal_plane(volume: Volume) -> MidsagittalPlane:
    """The mid-sagittal plane of a head CT that is turned by up to about 45 degrees about each axis.

    Raises:
        InputError: the volume shows no head, or none that mirrors.
    """
    return find_plane(find_cavity(orthogonal(volume).reoriented_to_ras()))


def find_plane(cavity: Cavity) -> MidsagittalPlane:
    """The plane that mirrors the cranial cavity and the skull around it best.

    The mean limited difference of HU between mirrored points is minimised over two angles and an offset, from
    several first guesses on a coarse set of points, then on a finer one.
    """
    head = cavity.head
    image = ndimage.gaussian_filter(np.clip(head.data, *COMPARED_HU), 1.0)
    centre = head.ras_of(np.argwhere(cavity.brain).mean(axis=0))
    around = ndimage.binary_dilation(cavity.brain, iterations=3)
    best = np.zeros(3)
    for level, distance_mm in enumerate(POINT_DISTANCES_MM):
        points = _points(around, head, distance_mm)
        cost = _Asymmetry(image, head.ras_to_ijk, points, centre)
        if level == 0:
            guesses = [np.array([yaw, roll, 0.0]) for yaw in FIRST_TURNS_DEGREES for roll in FIRST_TURNS_DEGREES]
            starts = sorted(guesses, key=cost)[:3]
        else:
            starts = [best]
        best = min((_minimise(cost, start, distance_mm) for start in starts), key=cost)
    normal = _normal(best)
    if not np.isfinite(best).all() or np.abs(best[:2]).max() > LARGEST_TURN_DEGREES:
        raise InputError("the head has no plane of symmetry near its sagittal plane", code="midsagittal")
    return MidsagittalPlane(normal, float(centre @ normal + best[2]), float(cost(best)))


def _points(mask: NDArray[np.bool_], head: Volume, distance_mm: float) -> NDArray[np.float64]:
    step = max(1, round(distance_mm / head.spacing_mm[0]))
    return head.ras_of(np.argwhere(mask[::step, ::step, ::step]) * step)


def _normal(parameters: NDArray) -> NDArray[np.float64]:
    """Unit vector to the right after a turn about the superior (yaw) and then the anterior axis (roll), degrees."""
    yaw, roll = np.radians(parameters[:2])
    return np.array([np.cos(yaw) * np.cos(roll), np.sin(yaw) * np.cos(roll), -np.sin(roll)])


@dataclass(frozen=True, eq=False)
class _Asymmetry:
    """Mean limited difference in HU between points and their mirror images, for yaw, roll (degrees) and offset (mm)."""

    image: NDArray
    ras_to_ijk: Affine
    points: NDArray
    centre: NDArray

    def __call__(self, parameters: NDArray) -> float:
        normal = _normal(parameters)
        distance = (self.points - self.centre) @ normal - parameters[2]
        here = self._values(self.points)
        mirrored = self._values(self.points - 2.0 * distance[:, None] * normal)
        return float(np.minimum(np.abs(here - mirrored), LARGEST_DIFFERENCE_HU).mean())

    def _values(self, points: NDArray) -> NDArray:
        ijk = apply_affine(self.ras_to_ijk, points)
        return ndimage.map_coordinates(self.image, ijk.T, order=1, mode="nearest")


def _minimise(cost: _Asymmetry, start: NDArray, distance_mm: float) -> NDArray[np.float64]:
    simplex = np.vstack([start, start + np.diag([0.75, 0.75, 0.5]) * distance_mm])
    found = optimize.minimize(
        cost, start, method="Nelder-Mead", options={"initial_simplex": simplex, "xatol": 0.02, "fatol": 1e-3}
    )
    return np.asarray(found.x)
