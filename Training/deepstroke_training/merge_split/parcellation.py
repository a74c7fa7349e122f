"""Synthetic whole-brain parcellations: warped Voronoi cells with an image in which they can be learnt."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from deepstroke.errors import ConfigError

#: Half axes of the head's brain in mm: about 1.5 litres.
_HALF_AXES_MM = np.array([64.0, 82.0, 62.0])
#: Small cells that make one label's on average.
_CELLS_A_LABEL = 10
#: Spread (log) of the labels' sizes; volumes then differ by a factor of ten and more, as those of a brain do.
_SIZE_SPREAD = 0.6


@dataclass(frozen=True)
class WarpedParcellation:
    """Cases of one made anatomy: the same cells, mirrored left and right, warped anew for each case.

    Attributes:
        shape: voxels along i, j and k.
        spacing_mm: of the isotropic grid; the brain keeps its size in mm unless the grid is too small for it.
        labels: number of labels with background.
        warp_mm: standard deviation of the displacement along each axis.
        smooth_mm: how far displacements hang together.
        noise: standard deviation of the image's noise; the labels' mean intensities lie between 0.2 and 1.
        seed: of anatomy and cases.

    Raises:
        ConfigError: a number is out of range; one fault a line.

    Example:
        >>> image, labels = WarpedParcellation((24, 28, 24), 6.0, labels=12).case(0)
        >>> image.shape, len(np.unique(labels))
        ((24, 28, 24), 12)
    """

    shape: tuple[int, int, int]
    spacing_mm: float = 1.0
    labels: int = 108
    warp_mm: float = 3.0
    smooth_mm: float = 12.0
    noise: float = 0.05
    seed: int = 0

    def __post_init__(self) -> None:
        faults = []
        if self.labels < 2:
            faults.append(f"labels: 2 or more, background included, are expected, found {self.labels}")
        if min(self.shape) < 8:
            faults.append(f"shape: 8 voxels or more along each axis are expected, found {self.shape}")
        if not (self.spacing_mm > 0 and self.smooth_mm > 0):
            faults.append(f"spacing_mm, smooth_mm: above 0 mm, found {self.spacing_mm}, {self.smooth_mm}")
        if min(self.warp_mm, self.noise) < 0:
            faults.append(f"warp_mm, noise: 0 or more, found {self.warp_mm}, {self.noise}")
        if faults:
            raise ConfigError("\n".join(faults), code="parcellation")

    def case(self, number: int) -> tuple[NDArray[np.float32], NDArray[np.uint16]]:
        """Image (i, j, k) of about 0..1 and labels (i, j, k) 0..labels-1 of a case."""
        rng = np.random.default_rng([self.seed, 1, number])
        points = self._points() + self._warp(rng)
        inside = ((points / self._half_axes()) ** 2).sum(-1) < 1
        labels = np.zeros(self.shape, np.uint16)
        centres, label_of, brightness = self._anatomy()
        labels[inside] = label_of[cKDTree(centres).query(points[inside])[1]]
        image = brightness[labels] + self.noise * rng.standard_normal(self.shape)
        return image.astype(np.float32), labels

    def _points(self) -> NDArray[np.float64]:
        """(i, j, k, 3) mm from the grid's centre."""
        axes = [(np.arange(size) - (size - 1) / 2) * self.spacing_mm for size in self.shape]
        return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)

    def _half_axes(self) -> NDArray[np.float64]:
        return np.minimum(_HALF_AXES_MM, 0.45 * self.spacing_mm * np.array(self.shape))

    def _warp(self, rng: np.random.Generator) -> NDArray[np.float64]:
        """Smooth random displacements (i, j, k, 3) in mm, made on a coarser grid."""
        step = max(1, int(self.smooth_mm / self.spacing_mm / 2))
        coarse = [size // step + 3 for size in self.shape]
        sigma = self.smooth_mm / self.spacing_mm / step
        fields = []
        for _ in range(3):
            field = ndimage.gaussian_filter(rng.standard_normal(coarse), sigma, mode="wrap")
            fine = [np.arange(size) / step for size in self.shape]
            field = ndimage.map_coordinates(field, np.meshgrid(*fine, indexing="ij"), order=1)
            fields.append(field / max(float(field.std()), 1e-12) * self.warp_mm)
        return np.stack(fields, axis=-1)

    def _anatomy(self) -> tuple[NDArray[np.float64], NDArray[np.uint16], NDArray[np.float64]]:
        """Centres of small cells (n, 3) in mm, the label of each, and the brightness of each label from background.

        The left half is drawn; the right one mirrors it with labels of its own. An odd label out lies in the middle.
        """
        rng = np.random.default_rng([self.seed, 0])
        pairs, middle = divmod(self.labels - 1, 2)
        cells = self._cells(rng, max(1, pairs) * _CELLS_A_LABEL)
        of_left = _cells_to_labels(rng, cells, pairs)
        centres = [cells, cells * (-1, 1, 1)][: 2 if pairs else 0]
        labels = [of_left + 1, of_left + 1 + pairs][: 2 if pairs else 0]
        if middle:
            centres.append(np.zeros((1, 3)))
            labels.append(np.array([self.labels - 1]))
        brightness = np.concatenate(([0.0], rng.uniform(0.2, 1.0, self.labels - 1)))
        return np.concatenate(centres), np.concatenate(labels).astype(np.uint16), brightness

    def _cells(self, rng: np.random.Generator, count: int) -> NDArray[np.float64]:
        """Points in the left half of the brain, away from the middle."""
        found: list[NDArray[np.float64]] = []
        while sum(map(len, found)) < count:
            points = rng.uniform(-1, 1, (4 * count, 3))
            points[:, 0] = -np.abs(points[:, 0])
            found.append(points[((points**2).sum(1) < 1) & (points[:, 0] < -0.06)])
        return np.concatenate(found)[:count] * self._half_axes()


def _cells_to_labels(rng: np.random.Generator, cells: NDArray[np.float64], labels: int) -> NDArray[np.intp]:
    """The label 0..labels-1 of each cell: the nearest of as many chosen cells, in units of their random sizes."""
    if not labels:
        return np.zeros(0, np.intp)
    chosen = rng.choice(len(cells), labels, replace=False)
    sizes = np.exp(_SIZE_SPREAD * rng.standard_normal(labels))
    distances = np.linalg.norm(cells[:, None] - cells[chosen], axis=-1) / sizes
    nearest = distances.argmin(axis=1)
    nearest[chosen] = np.arange(labels)
    return nearest
