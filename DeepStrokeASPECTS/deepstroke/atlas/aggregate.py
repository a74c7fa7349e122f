"""The mean overlay: outlines of many scans, carried to the template and added up there.

Sums are kept in whole numbers, so they don't depend on the order in which cases come or on how they are grouped, and
memory doesn't grow with the number of cases. See section 2.1 of "DeepStroke - ASPECTS Regions Segmentation".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from deepstroke.atlas.overlay_cloud import OverlayCloud, splat
from deepstroke.errors import ConfigError, GeometryError, InputError
from deepstroke.frames import Affine
from deepstroke.register.transform import SpatialTransform
from deepstroke.volume import LabelMap, Volume

#: Sums count units of this many mm2 of outline.
_UNIT_MM2 = 2.0**-20
#: A case adds at most this many times a voxel's face to a voxel: filled shapes and burnt-in text can't dominate.
_MOST_FACES = 4.0
#: Step in mm at which it is found out which part of the template a scan covers.
_COVER_STEP_MM = 4.0
#: Linear interpolation and the truncated Gaussian leave traces of fields of view; below this share nothing is covered.
_LEAST_COVER = 0.05


@dataclass(frozen=True, eq=False)
class MeanOverlay:
    """Outlines of many scans on the template.

    Attributes:
        density: float32, mm2 of outline per mm3 and covering case, smoothed; 0 where too few cases cover.
        coverage: int32, how many cases cover each voxel.
        cases: how many were added up.
        smoothing_mm: standard deviation of the Gaussian.
    """

    density: Volume
    coverage: Volume
    cases: int
    smoothing_mm: float


@dataclass(frozen=True, eq=False)
class OverlaySum:
    """Outlines of some cases, added up on the template's grid. Adding is exact: any order and grouping gives the same.

    Attributes:
        outline: int64 (i, j, k), units of 2^-20 mm2.
        covered: int32 (i, j, k), cases that cover the voxel.
        ijk_to_ras: 4 x 4 affine of the grid.
        cases: how many were added.

    Example:
        >>> total = OverlaySum.empty(atlas.template)  # doctest: +SKIP
        >>> for cloud, to_template, scan in cases:  # doctest: +SKIP
        ...     total = total.plus(OverlaySum.of_case(cloud, to_template, scan, atlas.template))
        >>> total.mean(smoothing_mm=1.0).density  # doctest: +SKIP
    """

    outline: NDArray[np.int64]
    covered: NDArray[np.int32]
    ijk_to_ras: Affine
    cases: int

    @classmethod
    def empty(cls, grid: Volume) -> OverlaySum:
        """The sum of no case on a grid."""
        return cls(np.zeros(grid.shape, np.int64), np.zeros(grid.shape, np.int32), grid.ijk_to_ras, 0)

    @classmethod
    def of_case(cls, cloud: OverlayCloud, to_template: SpatialTransform, seen: Volume, grid: Volume) -> OverlaySum:
        """One case on the template's grid. Pure: the same values give the same bits.

        Args:
            cloud: the outlines in the scan.
            to_template: maps points of the scan to the template.
            seen: a volume on any grid of the scan whose field of view is what the case covers; of a label map only
                what is marked, such as the slices whose overlay is complete.
            grid: the template; only its grid is used.
        """
        points, area_mm2 = cloud.spread(min(grid.spacing_mm))
        voxels = grid.ijk_of(to_template.map_points(points))
        area = splat(voxels, np.full((1, len(points)), area_mm2), grid.shape)[0]
        most = _MOST_FACES * (1000.0 * grid.voxel_ml) ** (2 / 3)
        outline = np.rint(np.minimum(area, most) / _UNIT_MM2).astype(np.int64)
        covered = _covered(to_template.inverse(), seen, grid)
        outline[~covered] = 0
        return cls(outline, covered.astype(np.int32), grid.ijk_to_ras, 1)

    def plus(self, other: OverlaySum) -> OverlaySum:
        """Both sums together.

        Raises:
            GeometryError: they lie on different grids.
        """
        if self.outline.shape != other.outline.shape or not np.allclose(self.ijk_to_ras, other.ijk_to_ras):
            raise GeometryError("sums of overlays on different grids can't be added", code="grid-mismatch")
        return OverlaySum(
            self.outline + other.outline, self.covered + other.covered, self.ijk_to_ras, self.cases + other.cases
        )

    def mean(self, smoothing_mm: float = 1.0, least_cases: int = 1) -> MeanOverlay:
        """The density of outlines per case that covers a place, both smoothed alike.

        Args:
            smoothing_mm: standard deviation of the Gaussian.
            least_cases: where fewer cases cover the template the density is 0.

        Raises:
            ConfigError: the smoothing is negative.
            InputError: nothing was added.
        """
        if smoothing_mm < 0:
            raise ConfigError(f"smoothing_mm is 0 or more, found {smoothing_mm:g}", code="smoothing")
        if self.cases == 0:
            raise InputError("no case was added up, so there is no mean overlay", code="no-cases")
        grid = Volume(self.covered, self.ijk_to_ras)
        sigma = [smoothing_mm / spacing for spacing in grid.spacing_mm]
        area, cases = (
            ndimage.gaussian_filter(sums.astype(np.float32), sigma, mode="constant")
            for sums in (self.outline, self.covered)
        )
        enough = (self.covered >= least_cases) & (cases > _LEAST_COVER)
        per_case = area * np.float32(_UNIT_MM2 / (1000.0 * grid.voxel_ml)) / np.where(enough, cases, 1)
        density = grid.with_data(np.where(enough, per_case, 0).astype(np.float32))
        return MeanOverlay(density, grid, self.cases, smoothing_mm)


def aggregate_overlays(
    cases: Iterable[tuple[OverlayCloud, SpatialTransform, Volume]], grid: Volume, smoothing_mm: float = 1.0
) -> MeanOverlay:
    """The mean overlay of cases that come one by one; only their running sum is kept.

    Args:
        cases: of each its outlines, the transform that maps its points to the template, and what it covers.
        grid: the template; only its grid is used.
        smoothing_mm: standard deviation of the Gaussian.

    Raises:
        InputError: there is no case.
    """
    sums = (OverlaySum.of_case(cloud, to_template, seen, grid) for cloud, to_template, seen in cases)
    return reduce(OverlaySum.plus, sums, OverlaySum.empty(grid)).mean(smoothing_mm)


def _covered(to_scan: SpatialTransform, seen: Volume, grid: Volume) -> NDArray[np.bool_]:
    """Which voxels of the template a scan covers, found for blocks of a few millimetres."""
    blocks = [max(1, round(_COVER_STEP_MM / spacing)) for spacing in grid.spacing_mm]
    counts = [-(-n // block) for n, block in zip(grid.shape, blocks, strict=True)]
    middles = np.moveaxis(np.indices(counts), 0, -1) * blocks + (np.array(blocks) - 1) / 2
    places = np.rint(seen.ijk_of(to_scan.map_points(grid.ras_of(middles.reshape(-1, 3))))).astype(np.int64)
    inside: NDArray[np.bool_] = np.logical_and.reduce((places >= 0) & (places < seen.shape), axis=1)
    if isinstance(seen, LabelMap):
        inside[inside] = seen.mask[tuple(places[inside].T)]
    covered = inside.reshape(counts)
    for axis, block in enumerate(blocks):
        covered = covered.repeat(block, axis=axis)
    return covered[: grid.shape[0], : grid.shape[1], : grid.shape[2]]
