"""How far the borders of regions lie from the lines of an aggregated overlay, quickly enough to follow an edit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from deepstroke.atlas.outlines import border_points
from deepstroke.atlas.ridges import Ridge, extract_ridge
from deepstroke.volume import LabelMap, Volume

#: Slices are put this far apart, so that the nearest point of the ridge is one in the same slice.
_APART_MM = 1e4
#: A Gaussian's derivatives are taken to end after this many standard deviations.
_REACH = 5.0


@dataclass(frozen=True)
class BorderAgreement:
    """Distance of a region's border to the ridge, within slices.

    Attributes:
        label: of the region.
        mean_mm: mean over the border; None where no slice of it holds a ridge.
        within_mm: 95 % of the border lie within this distance; None likewise.
        covered: share of the border that lies in slices with a ridge, 0..1; the rest isn't counted.
    """

    label: int
    mean_mm: float | None
    within_mm: float | None
    covered: float


class RidgeDistance:
    """Distances to a ridge, by a tree that is made once.

    Args:
        ridge: of an aggregated overlay.
        grid: on which the maps lie that are measured.

    Example:
        >>> distance = RidgeDistance.of_density(mean.density)  # doctest: +SKIP
        >>> distance.agreement(atlas.labels, 5).mean_mm  # doctest: +SKIP
        0.46
    """

    def __init__(self, ridge: Ridge, grid: Volume) -> None:
        self._grid = grid
        places = self._in_slices(ridge.points_ras)
        self._tree = cKDTree(places)
        self._slices = np.unique(np.rint(places[:, 2]))

    @classmethod
    def of_density(cls, density: Volume, scale_mm: float = 1.0) -> RidgeDistance:
        """From an aggregated overlay, such as ``mean_overlay.nii.gz``.

        Raises:
            InputError: it has no ridge.
        """
        return cls(extract_ridge(_lines_alone(density, _REACH * scale_mm), scale_mm), density)

    def agreement(self, labels: LabelMap, label: int, inset_mm: float = 0.0) -> BorderAgreement:
        """Of one region of a map.

        Args:
            labels: on the overlay's grid.
            label: of the region.
            inset_mm: how far inside of regions the overlays were drawn, as of ``border_points``.

        Raises:
            GeometryError: the map lies on another grid.
        """
        self._grid.require_same_grid(labels, "the label map")
        box = ndimage.find_objects(labels.data, max_label=label)[label - 1]
        if box is None:
            return BorderAgreement(label, None, None, 0.0)
        places = self._in_slices(border_points(_cropped(labels, label, box), inset_mm))
        counted = places[np.isin(np.rint(places[:, 2]), self._slices)]
        if not len(counted):
            return BorderAgreement(label, None, None, 0.0)
        distances, _ = self._tree.query(counted)
        return BorderAgreement(
            label, float(distances.mean()), float(np.percentile(distances, 95)), len(counted) / len(places)
        )

    def _in_slices(self, points_ras: NDArray[np.float64]) -> NDArray[np.float64]:
        """(N, 3): mm along both axes of the slices, and the slice's number times a great distance."""
        spacing_i, spacing_j, _ = self._grid.spacing_mm
        ijk = self._grid.ijk_of(points_ras)
        return np.column_stack([ijk[:, 0] * spacing_i, ijk[:, 1] * spacing_j, np.rint(ijk[:, 2]) * _APART_MM])


def _lines_alone(density: Volume, margin_mm: float) -> Volume:
    """The part of the grid that holds lines, with a margin: most of a template holds none."""
    box = ndimage.find_objects((density.data > 0).astype(np.uint8))
    if not box:
        return density
    margins = [int(np.ceil(margin_mm / spacing)) for spacing in density.spacing_mm]
    cut = tuple(slice(max(part.start - m, 0), part.stop + m) for part, m in zip(box[0], margins, strict=True))
    ijk_to_ras = density.ijk_to_ras.copy()
    ijk_to_ras[:3, 3] = density.ras_of(np.array([part.start for part in cut], dtype=np.float64))
    return Volume(density.data[cut], ijk_to_ras)


def _cropped(labels: LabelMap, label: int, box: tuple[slice, slice, slice]) -> LabelMap:
    """One region alone in its bounding box."""
    ijk_to_ras = labels.ijk_to_ras.copy()
    ijk_to_ras[:3, 3] = labels.ras_of(np.array([part.start for part in box], dtype=np.float64))
    return LabelMap(labels.data[box] == label, ijk_to_ras)
