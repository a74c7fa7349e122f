"""A head CT drawn from solids given in millimetres, whose cranial cavity is known at every point.

The head's own frame is RAS+ mm with the origin between the hemispheres at the level of the ventricles. Because the
solids are functions of position, the same head can be sampled on any grid: thick, thin, oblique or tilted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation

from deepstroke.preprocess.resampling import Grid
from deepstroke.volume import LabelMap, Volume

AIR, FAT, CSF, WHITE, GREY, MUSCLE, BONE = -1000.0, -90.0, 8.0, 27.0, 36.0, 55.0, 1100.0
#: Centre in the head's frame (mm), radius (mm) and HU of a solid.
Ball = tuple[tuple[float, float, float], float, float]
#: Level of the foramen magnum in the head's frame, mm.
FORAMEN_Z = -60.0


def head_grid(
    spacing_mm: tuple[float, float, float] = (1.5, 1.5, 2.5),
    tilt_degrees: float = 0.0,
    bottom_mm: float = -100.0,
    top_mm: float = 110.0,
) -> Grid:
    """A grid around an upright head, its planes tilted about the left-right axis."""
    extent = np.array([190.0, 230.0, top_mm - bottom_mm])
    axes = Rotation.from_euler("x", tilt_degrees, degrees=True).as_matrix()
    shape = np.ceil(extent / spacing_mm).astype(int)
    ijk_to_ras = np.eye(4)
    ijk_to_ras[:3, :3] = axes * spacing_mm
    centre = np.array([0.0, 0.0, (top_mm + bottom_mm) / 2])
    ijk_to_ras[:3, 3] = centre - ijk_to_ras[:3, :3] @ ((shape - 1) / 2)
    return Grid((shape[0], shape[1], shape[2]), ijk_to_ras)


@dataclass(frozen=True)
class HeadPhantom:
    """What to draw.

    Attributes:
        scale: size of the whole head; 1 is an adult with a cavity of about 1.4 l.
        skull_mm: thickness of the calvarium.
        bone_hu: density of the calvarium.
        rotation_degrees: pitch, yaw and roll of the head in the scanner.
        offset_mm: where the head's origin lies in RAS+ mm.
        noise_hu: standard deviation of the noise per voxel.
        balls: extra solids.
        hole: a hole in the calvarium as (direction from the origin, radius mm), or none.
        tissue: HU that replaces all brain tissue (a phantom's filling), or none.
        table: whether a head rest and a table lie behind the head.
        seed: of the noise and of the texture.
    """

    scale: float = 1.0
    skull_mm: float = 6.0
    bone_hu: float = BONE
    rotation_degrees: tuple[float, float, float] = (0.0, 0.0, 0.0)
    offset_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    noise_hu: float = 4.0
    balls: tuple[Ball, ...] = ()
    hole: tuple[tuple[float, float, float], float] | None = None
    tissue: float | None = None
    table: bool = True
    seed: int = 0

    @property
    def rotation(self) -> NDArray[np.float64]:
        """3 x 3 rotation from the head's frame to RAS+."""
        return Rotation.from_euler("xzy", self.rotation_degrees, degrees=True).as_matrix()

    def sample(self, grid: Grid, oversampling: tuple[int, int, int] = (1, 1, 1)) -> tuple[Volume, LabelMap]:
        """HU and the cavity above the foramen magnum on a grid; each voxel averages ``oversampling`` points."""
        hu = np.zeros(grid.shape, dtype=np.float32)
        cavity = np.zeros(grid.shape, dtype=np.float32)
        shifts = [(np.arange(n) + 0.5) / n - 0.5 for n in oversampling]
        for di in shifts[0]:
            for dj in shifts[1]:
                for dk in shifts[2]:
                    x, y, z = self._positions(grid, (di, dj, dk))
                    drawn, inside = self._draw(x, y, z)
                    hu += drawn
                    cavity += inside
        count = np.prod(oversampling)
        noise = np.random.default_rng(self.seed).normal(0.0, self.noise_hu, grid.shape)
        noisy = np.maximum(hu / count + noise, -1024.0).astype(np.float32)
        return Volume(noisy, grid.ijk_to_ras), LabelMap((cavity / count >= 0.5), grid.ijk_to_ras)

    def _positions(self, grid: Grid, shift: tuple[float, float, float]) -> tuple[NDArray, NDArray, NDArray]:
        to_head = np.eye(4)
        to_head[:3, :3] = self.rotation.T / self.scale
        to_head[:3, 3] = -to_head[:3, :3] @ np.array(self.offset_mm)
        matrix = to_head @ grid.ijk_to_ras
        axes = [np.arange(n, dtype=np.float32) + s for n, s in zip(grid.shape, shift, strict=True)]
        i, j, k = axes[0][:, None, None], axes[1][None, :, None], axes[2][None, None, :]
        x, y, z = (matrix[r, 0] * i + matrix[r, 1] * j + matrix[r, 2] * k + matrix[r, 3] for r in range(3))
        return x.astype(np.float32), y.astype(np.float32), z.astype(np.float32)

    def _draw(self, x: NDArray, y: NDArray, z: NDArray) -> tuple[NDArray, NDArray]:
        hu = np.full(x.shape, AIR, dtype=np.float32)
        _draw_soft_head(hu, x, y, z)
        cavity = _cavity(x, y, z)
        _draw_skull(hu, x, y, z, self.skull_mm / self.scale, self.bone_hu)
        _draw_base(hu, x, y, z)
        canal = (np.hypot(x, y + 28) < 14) & (z < FORAMEN_Z + 4)
        vertebra = (np.hypot(x, y + 28) < 24) & (z < FORAMEN_Z - 8) & ~canal
        hu[vertebra] = 700.0
        if self.hole is not None:
            _draw_hole(hu, x, y, z, *self.hole)
        hu[canal] = np.where(np.hypot(x, y + 28) < 7, 30.0, CSF)[canal]
        hu[cavity] = _brain_texture(x, y, z)[cavity] if self.tissue is None else self.tissue
        for centre, radius, value in self.balls:
            hu[(x - centre[0]) ** 2 + (y - centre[1]) ** 2 + (z - centre[2]) ** 2 < radius**2] = value
        if self.table:
            rest = np.abs(np.hypot(x, y - 10) - 125) < 2.5
            hu[rest & (y < -70)] = 150.0
        return hu, cavity & (z > FORAMEN_Z)


def _ellipsoid(x: NDArray, y: NDArray, z: NDArray, *semi_axes: float) -> NDArray:
    a, b, c = semi_axes
    return (x / a) ** 2 + (y / b) ** 2 + (z / c) ** 2


def _floor(x: NDArray, y: NDArray) -> NDArray:
    """Height of the skull base: anterior fossa, olfactory groove, middle fossae, sella, petrous ridges, posterior."""
    side = np.abs(x)
    anterior = np.where(side < 11, -36.0, -26.0)
    middle = np.where(side < 17, -30.0, -47.0)
    posterior = np.minimum(-58.0 + 0.004 * (x**2 + (y + 28) ** 2), -40.0)
    floor = np.where(y > 22, anterior, np.where(y > -12, middle, posterior))
    ridge = (np.abs(y + 12 - 0.35 * (side - 40)) < 5) & (side > 17)
    wing = (np.abs(y - 22) < 2.5) & (side > 14)
    return np.where(ridge, -28.0, np.where(wing, -16.0, floor))


def _cavity(x: NDArray, y: NDArray, z: NDArray) -> NDArray:
    inside = (_ellipsoid(x, y, z, 66.0, 84.0, 76.0) < 1) & (z > _floor(x, y))
    foramen = (np.hypot(x, y + 28) < 14) & (z > FORAMEN_Z - 1) & (z < -40)
    return inside | foramen


def _draw_soft_head(hu: NDArray, x: NDArray, y: NDArray, z: NDArray) -> None:
    neck = (_ellipsoid(x, y + 20, 0 * z, 58.0, 62.0, 1.0) < 1) & (z < -30)
    face = (_ellipsoid(x, y - 40, z + 70, 60.0, 58.0, 90.0) < 1) & (z < 0)
    scalp = _ellipsoid(x, y, z, 80.0, 98.0, 90.0) < 1
    hu[neck | face | scalp] = FAT
    muscle = (_ellipsoid(x, y + 20, 0 * z, 53.0, 57.0, 1.0) < 1) & (z < -34)
    pterygoids = (np.hypot(np.abs(x) - 42, y - 8) < 14) & (z < -50)
    temporalis = (_ellipsoid(x, y - 10, z, 77.0, 60.0, 60.0) < 1) & (np.abs(x) > 66) & (z > -60)
    hu[muscle | pterygoids | temporalis] = MUSCLE


def _draw_skull(hu: NDArray, x: NDArray, y: NDArray, z: NDArray, thickness: float, density: float) -> None:
    """Calvarium around the cavity, and a base of 4 mm below and between the fossae."""
    vault = _ellipsoid(x, y, z, 66.0 + thickness, 84.0 + thickness, 76.0 + thickness) < 1
    hu[vault & (z > _floor(x, y))] = density
    t = 4.0
    for dx, dy, dz in ((t, 0, 0), (-t, 0, 0), (0, t, 0), (0, -t, 0), (0, 0, t)):
        hu[_cavity(x + dx, y + dy, z + dz) & (z < -10)] = density


def _draw_base(hu: NDArray, x: NDArray, y: NDArray, z: NDArray) -> None:
    """Orbits with globes, sinuses, mastoid cells and the openings between orbit and middle fossa."""
    side = np.abs(x)
    orbit = _ellipsoid(side - 32, y - 52, z + 46, 19.0, 27.0, 16.0) < 1
    hu[orbit] = FAT
    hu[orbit & (np.hypot(np.hypot(side - 32, y - 62), z + 46) < 12)] = 15.0
    hu[orbit & (np.hypot(side - 28, z + 46) < 4)] = 40.0
    hu[(side < 10) & (y > 12) & (y < 66) & (z < -40) & (z > -70)] = AIR
    hu[_ellipsoid(side - 52, y + 22, z + 46, 9.0, 9.0, 10.0) < 1] = -600.0
    fissure = (np.hypot(side - 24, z + 42) < 3.0) & (y > 12) & (y < 34)
    hu[fissure] = 35.0


def _draw_hole(
    hu: NDArray, x: NDArray, y: NDArray, z: NDArray, direction: tuple[float, float, float], radius: float
) -> None:
    """Replace the calvarium by scalp inside a cone's footprint."""
    d = np.array(direction) / np.linalg.norm(direction)
    along = x * d[0] + y * d[1] + z * d[2]
    across = np.sqrt(np.maximum(x**2 + y**2 + z**2 - along**2, 0.0))
    hu[(along > 0) & (across < radius) & (hu > 200) & (_ellipsoid(x, y, z, 80.0, 98.0, 90.0) < 1)] = 30.0


def _brain_texture(x: NDArray, y: NDArray, z: NDArray) -> NDArray:
    """Cortex and sulci near the surface, white matter inside, two lateral ventricles."""
    depth = 1 - np.sqrt(_ellipsoid(x, y, z, 66.0, 84.0, 76.0))
    folds = np.sin(x / 4.1 + 1.3 * np.sin(y / 9)) * np.sin(y / 4.7 + np.sin(z / 7)) * np.sin(z / 5.1 + np.sin(x / 8))
    hu = np.where(depth + 0.03 * folds < 0.12, GREY, WHITE).astype(np.float32)
    hu[(folds > 0.55) & (depth < 0.16)] = CSF
    hu[depth < 0.02] = CSF
    hu[_ellipsoid(np.abs(x) - 11, y + 4, z - 8, 7.0, 34.0, 9.0) < 1] = CSF
    hu[(_ellipsoid(np.abs(x) - 24, y - 8, z + 2, 9.0, 20.0, 12.0) < 1)] = GREY
    return hu


def smoothed(volume: Volume, sigma_mm: float) -> Volume:
    """The volume blurred in plane, as a scanner's point spread does."""
    sigma = (sigma_mm / volume.spacing_mm[0], sigma_mm / volume.spacing_mm[1], 0.0)
    return volume.with_data(ndimage.gaussian_filter(volume.data, sigma))
