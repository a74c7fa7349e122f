"""The second pass: match the outlines that a scan carries to the atlas's own, after the images were matched.

The outlines are sparse, with gaps, noise and missing parts, so the points of the scan's outlines are drawn to the
nearest border of the atlas and never the other way round: where nothing was drawn nothing pulls. The pulls of points
that lie far off fade (Tukey's biweight), all pulls are averaged over a neighbourhood (normalised convolution), and a
share of each average is composed into a displacement field, from large neighbourhoods to small. Smooth, short steps
keep the field invertible. This is step 3 of section 2.1 of "DeepStroke - ASPECTS Regions Segmentation".
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from deepstroke.atlas.model import Atlas
from deepstroke.atlas.outlines import border_points
from deepstroke.atlas.overlay_cloud import OverlayCloud, splat
from deepstroke.errors import ConfigError, RegistrationError
from deepstroke.findings import Finding
from deepstroke.frames import Affine, apply_affine, as_affine
from deepstroke.progress import Progress, silent
from deepstroke.register.transform import DisplacementField, SpatialTransform
from deepstroke.volume import LabelMap

if TYPE_CHECKING:
    from scipy.spatial import cKDTree
    from torch import Tensor


@dataclass(frozen=True)
class Level:
    """One stage of the refinement.

    Attributes:
        smoothing_mm: standard deviation of the neighbourhood over which pulls are averaged.
        reach_mm: points further from any border than this don't pull.
        iterations: how many steps.
    """

    smoothing_mm: float
    reach_mm: float
    iterations: int = 15


@dataclass(frozen=True)
class RefinementSettings:
    """How the second pass runs.

    Attributes:
        levels: from coarse to fine.
        spacing_mm: voxels of the displacement field.
        margin_mm: how far the field reaches beyond the regions; over the outer half of it, it fades to zero.
        share: share of the mean pull that one iteration follows.
        stiffness: a neighbourhood with this share of the usual number of points follows half of its mean pull.
        elasticity_mm: smoothing of the whole field after each iteration, standard deviation.
        most_mm: longest displacement.
        inset_pixels: how far inside the regions outlines are drawn, in pixels of the scan; 0.5 is along the inner edge.
        least_points: with fewer points within reach of a border nothing is refined.

    Raises:
        ConfigError: a value is out of its range; all faults are named.
    """

    levels: tuple[Level, ...] = (Level(16.0, 8.0), Level(12.0, 6.0), Level(8.0, 4.0))
    spacing_mm: float = 3.0
    margin_mm: float = 30.0
    share: float = 0.5
    stiffness: float = 0.1
    elasticity_mm: float = 2.0
    most_mm: float = 8.0
    inset_pixels: float = 0.5
    least_points: int = 300

    def __post_init__(self) -> None:
        faults = []
        if not self.levels or any(min(lv.smoothing_mm, lv.reach_mm, lv.iterations) <= 0 for lv in self.levels):
            faults.append("one level or more, each with smoothing_mm, reach_mm and iterations above 0")
        if min(self.spacing_mm, self.margin_mm, self.stiffness, self.most_mm, self.elasticity_mm) <= 0:
            faults.append("spacing_mm, margin_mm, stiffness, elasticity_mm and most_mm above 0")
        if not 0 < self.share <= 1:
            faults.append(f"share within 0..1, found {self.share:g}")
        if faults:
            raise ConfigError("second pass: expected " + "; ".join(faults), code="refinement-settings")


def refine(
    transform: SpatialTransform,
    cloud: OverlayCloud,
    atlas: Atlas,
    settings: RefinementSettings | None = None,
    progress: Progress = silent,
) -> SpatialTransform:
    """Refine a registration by the outlines that the scan carries. Pure: the same values give the same field.

    Args:
        transform: maps points of the scan to the atlas, from the first pass.
        cloud: the scan's outlines.
        atlas: the annotated atlas.
        settings: how to run.
        progress: told how far the work is.

    Returns:
        The transform followed by a displacement within the atlas's space. Its ``quality`` is that of the first pass,
        since it tells how the images fit. With too few points it is the first pass, and a finding says so.

    Raises:
        RegistrationError: the refined map folds.

    Example:
        >>> refined = refine(register(scan, atlas.template), cloud, atlas)  # doctest: +SKIP
        >>> labels = propagate_labels(atlas, refined, scan)  # doctest: +SKIP
    """
    from scipy.spatial import cKDTree

    settings = settings or RefinementSettings()
    borders = cKDTree(border_points(atlas.labels, settings.inset_pixels * cloud.pixel_mm))
    points = transform.map_points(cloud.spread(settings.spacing_mm)[0])
    near = np.isfinite(borders.query(points, distance_upper_bound=settings.levels[0].reach_mm)[0])
    drawn = len(cloud) * np.count_nonzero(near) // max(len(points), 1)
    if drawn < settings.least_points:
        message = (
            f"only {drawn} points of the overlay lie near a border of the atlas, at least {settings.least_points} are "
            "needed: the second pass was left out"
        )
        return replace(transform, findings=(*transform.findings, Finding("overlay-too-sparse", message)))
    there, back = _refining_fields(points, borders, atlas.labels, settings, progress)
    return replace(
        transform,
        steps=(*transform.steps, there),
        inverse_steps=(back, *transform.inverse_steps),
        engine=f"{transform.engine} + outlines",
    )


def _refining_fields(
    points: NDArray[np.float64], borders: cKDTree, labels: LabelMap, settings: RefinementSettings, progress: Progress
) -> tuple[DisplacementField, DisplacementField]:
    """The displacement that draws the points to the borders, and its inverse."""
    import torch

    from deepstroke.register.fields import inverted

    shape, ijk_to_ras = _grid_around(labels, settings)
    done, total = 0, sum(level.iterations for level in settings.levels)
    with torch.inference_mode():
        window = torch.as_tensor(_fading(shape, settings))
        field = torch.zeros((3, *shape))
        for level in settings.levels:
            for _ in range(level.iterations):
                field = _improved(field, points, borders, ijk_to_ras, window, level, settings)
                done += 1
                progress(done / total, "matching outlines")
        least = _least_jacobian(field)
        if not least > 0:
            raise RegistrationError(
                f"the second pass folds the map (least Jacobian {least:.2f}); check that the overlay shows ASPECTS "
                "regions and that the first pass fits",
                code="refinement-folds",
            )
        return _in_mm(field, ijk_to_ras), _in_mm(inverted(field[None])[0], ijk_to_ras)


def _improved(
    field: Tensor,
    points: NDArray[np.float64],
    borders: cKDTree,
    ijk_to_ras: Affine,
    window: Tensor,
    level: Level,
    settings: RefinementSettings,
) -> Tensor:
    """The field after one more step; displacements in voxels, channels k, j, i."""
    import torch

    from deepstroke.register.fields import composed
    from deepstroke.register.filters import gaussian

    voxels = apply_affine(np.linalg.inv(ijk_to_ras), points)
    moved = voxels + _sampled(field.flip(0).numpy(), voxels).T
    weight, pull = _pulls(apply_affine(ijk_to_ras, moved), borders, level.reach_mm)
    values = np.vstack([weight, weight * pull.T / settings.spacing_mm])
    sums = torch.as_tensor(splat(moved, values, window.shape), dtype=torch.float32)
    smooth = gaussian(sums, level.smoothing_mm / settings.spacing_mm)
    usual = float(np.median(_sampled(smooth[:1].numpy(), moved)))
    mean_pull = smooth[1:] / (smooth[:1] + settings.stiffness * usual + 1e-9)
    step = settings.share * window * mean_pull.flip(0)
    better = window * gaussian(composed(field[None], step[None])[0], settings.elasticity_mm / settings.spacing_mm)
    longest, length = settings.most_mm / settings.spacing_mm, better.square().sum(dim=0).sqrt()
    return better * (longest / length.clamp(min=longest))


def _pulls(
    points: NDArray[np.float64], borders: cKDTree, reach_mm: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weight (N,) of each point and its way to the nearest border, (N, 3) in mm; Tukey's biweight of the distance."""
    distance, nearest = borders.query(points, distance_upper_bound=reach_mm)
    found = np.isfinite(distance)
    pull = np.zeros_like(points)
    pull[found] = borders.data[nearest[found]] - points[found]
    weight = np.where(found, (1 - (np.where(found, distance, 0) / reach_mm) ** 2) ** 2, 0.0)
    return weight, pull


def _grid_around(labels: LabelMap, settings: RefinementSettings) -> tuple[tuple[int, int, int], Affine]:
    """A grid along R, A and S around all regions and a margin; its sides are multiples of four voxels."""
    places = labels.ras_of(np.argwhere(labels.mask))
    low, high = places.min(axis=0) - settings.margin_mm, places.max(axis=0) + settings.margin_mm
    ni, nj, nk = (4 * int(n) for n in np.ceil(((high - low) / settings.spacing_mm + 1) / 4))
    ijk_to_ras = np.diag([settings.spacing_mm] * 3 + [1.0])
    ijk_to_ras[:3, 3] = low
    return (ni, nj, nk), as_affine(ijk_to_ras)


def _fading(shape: tuple[int, int, int], settings: RefinementSettings) -> NDArray[np.float32]:
    """1 inside, falling to 0 at the grid's faces over the outer half of the margin."""
    width = settings.margin_mm / 2 / settings.spacing_mm
    window = np.ones(shape, np.float32)
    for axis, n in enumerate(shape):
        depth = np.minimum(np.arange(n), np.arange(n)[::-1]) / width
        ramp = 0.5 - 0.5 * np.cos(np.pi * np.clip(depth, 0, 1))
        window *= ramp.astype(np.float32).reshape([-1 if a == axis else 1 for a in range(3)])
    return window


def _sampled(channels: NDArray[np.float32], voxels: NDArray[np.float64]) -> NDArray[np.float64]:
    """(C, i, j, k) at fractional voxel places (N, 3), linear, 0 outside, as (C, N)."""
    return np.stack([ndimage.map_coordinates(c, voxels.T, order=1, output=np.float64) for c in channels])


def _least_jacobian(field: Tensor) -> float:
    """Least determinant of x -> x + u(x) over the grid, central differences."""
    places = np.moveaxis(np.indices(field.shape[1:]) + field.flip(0).numpy(), 0, -1)
    i, j, k = (np.gradient(places, axis=axis) for axis in range(3))
    return float(np.einsum("...r,...r->...", i, np.cross(j, k)).min())


def _in_mm(field: Tensor, ijk_to_ras: Affine) -> DisplacementField:
    """Voxels in channels k, j, i as mm along R, A and S."""
    spacing = np.float32(ijk_to_ras[0, 0])
    return DisplacementField(field.flip(0).permute(1, 2, 3, 0).numpy() * spacing, ijk_to_ras)
