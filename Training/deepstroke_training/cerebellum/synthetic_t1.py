"""T1 heads made from nilearn's MNI152 average, with cerebellum and brainstem known by construction.

The labels are drawn by the project on the average: tissue below the tentorium, and a tube along the brainstem.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from deepstroke.errors import ConfigError, MissingDependencyError
from deepstroke.frames import Affine
from deepstroke.volume import LabelMap, Volume
from deepstroke_training.synthesis.meninges import height_above_tentorium
from deepstroke_training.synthesis.shapes import Coordinates, tube

#: Numbers of the paper's data set.
RIGHT_CEREBELLUM, LEFT_CEREBELLUM, BRAINSTEM = 17, 18, 19
#: Least T1 signal of tissue on the average, whose white matter has 0.87.
_TISSUE = 0.5
#: The axis of the brainstem in MNI mm with its radius, from the midbrain to the medulla.
_STEM: list[tuple[tuple[float, float, float], float]] = [
    ((0, -27, -7), 14.0),
    ((0, -27, -30), 15.0),
    ((0, -35, -45), 10.5),
    ((0, -44, -66), 8.0),
]
_STEM_TOP_MM, _ANTERIOR_MM = -7.0, -28.0
#: What holds both, in MNI mm.
_FOSSA_Y_MM, _FOSSA_TOP_MM = (-112.0, 4.0), 12.0
#: Sulci narrower than twice this are filled with fluid.
_CLOSING_MM = 6.0
#: Outside the brain: CSF, skull and scalp, (to mm, signal).
_SHELLS = ((3.0, 0.25), (8.0, 0.08), (14.0, 0.9))


@dataclass(frozen=True, eq=False)
class LabelledAverage:
    """The average with its labels.

    Attributes:
        head: T1 signal, white matter about 0.87, on a grid with the average's affine.
        labels: right and left cerebellum and brainstem.
        brain: mask of the average.
    """

    head: Volume
    labels: LabelMap
    brain: NDArray[np.bool_]


@dataclass(frozen=True)
class SyntheticT1:
    """Random heads in MNI space, as registration leaves them: not quite in place, of their own shape and contrast.

    Attributes:
        spacing_mm: of the isotropic grid.
        scale: standard deviation of the size along each axis.
        shift_mm, turn_deg: standard deviations of what registration leaves.
        warp_mm, smooth_mm: standard deviation and reach of the random displacement.
        atrophy: largest loss of the cerebellum's width along each axis, a share drawn uniformly for each head.
        bias: standard deviation of the logarithm of the bias field.
        noise: standard deviation of noise where white matter has about 0.87.
        seed: of all heads.

    Raises:
        ConfigError: a number is below 0, or the spacing isn't 1 to 4 mm.
    """

    spacing_mm: float = 1.0
    scale: float = 0.04
    shift_mm: float = 2.0
    turn_deg: float = 2.0
    warp_mm: float = 2.0
    smooth_mm: float = 20.0
    atrophy: float = 0.15
    bias: float = 0.1
    noise: float = 0.03
    seed: int = 0

    def __post_init__(self) -> None:
        faults = [f"{name}: 0 or more is expected, found {value}" for name, value in vars(self).items() if value < 0]
        if not 1 <= self.spacing_mm <= 4:
            faults.append(f"spacing_mm: 1 to 4 is expected, found {self.spacing_mm}")
        if faults:
            raise ConfigError("\n".join(faults), code="synthetic-t1")

    def case(self, number: int) -> tuple[Volume, LabelMap]:
        """The image and the labels (17, 18, 19) of a head, on one grid in MNI RAS+ mm."""
        rng = np.random.default_rng([self.seed, number])
        average = labelled_average()
        grid = self.grid(average.head)
        points = self._source_points(rng, grid)
        at = average.head.ijk_of(points)
        places = np.moveaxis(at, -1, 0)
        signal = ndimage.map_coordinates(average.head.data, places, order=1)
        labels = ndimage.map_coordinates(average.labels.data, places, order=0)
        return grid.with_data(self._imaged(rng, signal)), grid.with_labels(labels)

    def grid(self, average: Volume) -> Volume:
        """The average's field of view at this spacing."""
        shape = tuple(int(n // self.spacing_mm) for n in average.shape)
        affine = average.ijk_to_ras.copy()
        affine[:3, :3] *= self.spacing_mm
        affine[:3, 3] += (self.spacing_mm - 1) / 2
        return Volume(np.zeros(shape, np.uint8), affine)

    def _source_points(self, rng: np.random.Generator, grid: Volume) -> NDArray[np.float64]:
        """Where on the average each voxel comes from, (i, j, k, 3) mm."""
        points = grid.ras_of(np.moveaxis(np.indices(grid.shape), 0, -1))
        points = _affine_part(points, rng, self)
        return _shrunk_cerebellum(points, self.atrophy * rng.random()) + self._warp(rng, grid.shape)

    def _warp(self, rng: np.random.Generator, shape: tuple[int, int, int]) -> NDArray[np.float64]:
        fields = [_smooth_noise(rng, shape, self.smooth_mm / self.spacing_mm) * self.warp_mm for _ in range(3)]
        return np.stack(fields, axis=-1)

    def _imaged(self, rng: np.random.Generator, signal: NDArray) -> NDArray[np.float32]:
        """The scanner's contrast, bias field and noise (Rician)."""
        contrast = np.clip(signal, 0, None) ** rng.uniform(0.8, 1.3)
        field = np.exp(self.bias * _smooth_noise(rng, signal.shape, 60 / self.spacing_mm))
        real, imaginary = (self.noise * rng.standard_normal(signal.shape) for _ in range(2))
        scale = rng.uniform(300, 1500)
        return (scale * np.hypot(contrast * field + real, imaginary)).astype(np.float32)


@cache
def labelled_average() -> LabelledAverage:
    """The MNI152 average of nilearn at 1 mm with a drawn skull and scalp, and the project's labels.

    Raises:
        MissingDependencyError: nilearn is not installed.
    """
    try:
        from nilearn import datasets
    except ImportError as error:
        raise MissingDependencyError("nilearn holds the MNI152 maps: pip install 'deepstroke[train]'") from error
    template, mask = datasets.load_mni152_template(resolution=1), datasets.load_mni152_brain_mask(resolution=1)
    signal = np.asarray(template.get_fdata(), np.float32)
    brain = np.asarray(mask.get_fdata()) > 0.5
    head = Volume(_with_shells(signal, brain), np.asarray(template.affine, np.float64))
    return LabelledAverage(head, head.with_labels(_drawn_labels(signal, brain, head.ijk_to_ras)), brain)


def _drawn_labels(signal: NDArray[np.float32], brain: NDArray[np.bool_], affine: Affine) -> NDArray[np.uint8]:
    x, y, z = (affine[axis, 3] + np.arange(size, dtype=np.float32) for axis, size in enumerate(signal.shape))
    part = np.ix_(np.arange(len(x)), np.flatnonzero((y > _FOSSA_Y_MM[0]) & (y < _FOSSA_Y_MM[1])), z < _FOSSA_TOP_MM)
    x, y, z = np.meshgrid(x, y[part[1].ravel()], z[z < _FOSSA_TOP_MM], indexing="ij")
    at = Coordinates(np.abs(x), y, z)
    tissue = brain[part] & (signal[part] > _TISSUE)
    stem = tissue & (tube(at, _STEM) < 0) & (z < _STEM_TOP_MM)
    petrous = z + 4.0 + 0.6 * at.u + 1.2 * (y + 45.0)  # the tent falls to the petrous ridges in front
    below = tissue & (np.maximum(height_above_tentorium(at), petrous) < 0) & (y < _ANTERIOR_MM) & ~stem
    cerebellum = _largest(ndimage.binary_opening(below))
    labels = np.zeros(signal.shape, np.uint8)
    sided = np.where(cerebellum, np.where(x > 0, RIGHT_CEREBELLUM, LEFT_CEREBELLUM), 0)
    labels[part] = np.where(_largest(stem), BRAINSTEM, sided)
    return labels


def _largest(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    parts, _ = ndimage.label(mask)
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    return parts == sizes.argmax()


def _with_shells(signal: NDArray[np.float32], brain: NDArray[np.bool_]) -> NDArray[np.float32]:
    """The average with fluid in its sulci, and skull and scalp around it as far as the field of view goes."""
    grown = ndimage.distance_transform_edt(~brain) <= _CLOSING_MM
    away = ndimage.distance_transform_edt(ndimage.distance_transform_edt(grown) <= _CLOSING_MM)
    head = np.where(brain, signal, 0.0)
    inner = 0.0
    for outer, value in _SHELLS:
        head[~brain & (away >= inner) & (away < outer)] = value
        inner = outer
    return head.astype(np.float32)


def _affine_part(points: NDArray, rng: np.random.Generator, settings: SyntheticT1) -> NDArray:
    turns = np.radians(settings.turn_deg * rng.standard_normal(3))
    matrix = np.diag(np.exp(settings.scale * rng.standard_normal(3)))
    for axis, turn in enumerate(turns):
        plane = np.eye(3)
        first, second = ((1, 2), (2, 0), (0, 1))[axis]
        plane[first, first] = plane[second, second] = np.cos(turn)
        plane[first, second], plane[second, first] = -np.sin(turn), np.sin(turn)
        matrix = plane @ matrix
    centre = np.array([0.0, -20.0, 0.0])
    return (points - centre) @ matrix.T + centre + settings.shift_mm * rng.standard_normal(3)


def _shrunk_cerebellum(points: NDArray, loss: float) -> NDArray:
    """Draw from further out about the cerebellum's middle, fading within 45 mm, so that it comes out smaller."""
    offset = points - (0.0, -62.0, -36.0)
    near = np.exp(-((np.linalg.norm(offset * (0.8, 1.1, 1.3), axis=-1) / 45.0) ** 4))
    return points + loss * near[..., None] * offset


def _smooth_noise(rng: np.random.Generator, shape: tuple[int, ...], sigma: float) -> NDArray[np.float64]:
    """Gaussian noise of unit deviation that hangs together over ``sigma`` voxels."""
    step = max(1, int(sigma / 3))
    coarse = ndimage.gaussian_filter(rng.standard_normal([n // step + 4 for n in shape]), sigma / step, mode="wrap")
    coarse /= max(float(coarse.std()), 1e-12)
    fine = np.meshgrid(*(np.arange(n) / step for n in shape), indexing="ij")
    return ndimage.map_coordinates(coarse, fine, order=1)
