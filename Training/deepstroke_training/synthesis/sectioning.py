"""What slices do to a head that has been rendered on an upright grid.

The table moves along the grid's third axis, also where the gantry is tilted. So every column of voxels is seen by the
slices on its own: each slice averages the column over its thickness, and the columns are read back between slices. Both
are matrices that depend on the place along the second axis alone, by the tilt. Nothing is interpolated in the plane.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from deepstroke_training.synthesis import acquisition
from deepstroke_training.synthesis.artefacts import SlicePlanes, calibrated
from deepstroke_training.synthesis.imaging import image_slabs
from deepstroke_training.synthesis.rendering import CaseModel
from deepstroke_training.synthesis.scanning import slice_range
from deepstroke_training.synthesis.settings import AcquisitionSettings
from deepstroke_training.synthesis.upright_grid import UprightGrid


@dataclass(frozen=True, eq=False)
class Sections:
    """The slices over a grid.

    Attributes:
        numbers: of the slices within the scan.
        heights: (j, slice), where each slice meets each row of columns, scanner mm along z; ascending.
        levels: (k) scanner mm of the grid's voxels along z.
        thickness_mm: of the slices along z, which the tilt makes more than along their normal.
    """

    numbers: range
    heights: torch.Tensor
    levels: torch.Tensor
    thickness_mm: float

    def averaging(self) -> torch.Tensor:
        """Weights (j, slice, k) that average a column over each slab, linear between voxels; rows sum to 1."""
        step, half = self.levels[1] - self.levels[0], self.thickness_mm / 2.0
        # A slice beyond the grid shows the voxel at the grid's end.
        middle = self.heights.clamp(float(self.levels[0]), float(self.levels[-1]))[:, :, None] - self.levels
        weights = _tent_integral((middle + half) / step) - _tent_integral((middle - half) / step)
        return weights / weights.sum(-1, keepdim=True).clamp_min(1e-6)

    def reading(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Weights (j, k, slice) of linear interpolation between slices, and (j, k) what the slices cover."""
        count = self.heights.shape[1]
        heights = self.heights.contiguous()
        levels = self.levels.expand(self.heights.shape[0], -1).contiguous()
        if count == 1:
            covered = (levels - self.heights).abs() <= self.thickness_mm / 2.0
            return torch.ones_like(levels)[:, :, None], covered
        above = torch.searchsorted(heights, levels).clamp(1, count - 1)
        low, high = heights.gather(1, above - 1), heights.gather(1, above)
        part = (levels - low) / (high - low)
        # Half a step beyond the outer slices still counts as theirs.
        covered = (part >= -0.5) & (part <= 1.5)
        part = part.clamp(0.0, 1.0)[:, :, None]
        slices = torch.arange(count, device=levels.device)
        return torch.where(slices == above[:, :, None], part, 0.0) + torch.where(
            slices == above[:, :, None] - 1, 1.0 - part, 0.0
        ), covered


def lay_sections(model: CaseModel, grid: UprightGrid) -> Sections:
    """The slices of a case that meet a grid or are the next beyond it."""
    settings = model.settings.acquisition
    tilt = math.radians(settings.tilt_degrees)
    at_centre = torch.as_tensor(acquisition.slice_heights(settings, *slice_range(model)), dtype=torch.float32)
    centre_y = float(model.deformation.head_to_scanner[1, 3])
    heights = at_centre + math.tan(tilt) * (grid.axis(1, torch.device("cpu"))[:, None] - centre_y)
    levels = grid.axis(2, torch.device("cpu"))
    first = max(0, int((heights.amax(0) < levels[0]).sum()) - 1)
    stop = min(heights.shape[1], int((heights.amin(0) <= levels[-1]).sum()) + 1)
    first = min(first, stop - 1)
    thickness = settings.thickness_mm / math.cos(tilt)
    return Sections(range(first, stop), heights[:, first:stop].to(model.device), levels.to(model.device), thickness)


def scan_grid(
    model: CaseModel, grid: UprightGrid, hu: torch.Tensor, inside: torch.Tensor, seed: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """HU of a grid as its slices show it, resampled by tents as wide as a voxel, and where they cover it.

    Cupping and streaks come from what lies in the grid: heads that it cuts lose them beside the cut.

    Args:
        model: the case.
        grid: where it was rendered.
        hu: (i, j, k) density.
        inside: (i, j, k), 0..1 inside the inner table.
        seed: of noise and artefacts.
    """
    settings = model.settings.acquisition
    sections = lay_sections(model, grid)
    planes = _planes(model, grid, sections)
    averaging = sections.averaging()
    slabs = [_along_columns(averaging, volume) for volume in (_with_rest(hu, planes, settings), inside)]
    slices, exposed = image_slabs(model, planes, slabs[0], slabs[1], seed)
    noise = acquisition.noise_planes(settings, slices.shape, planes.pixel_mm, seed, hu.device)
    noisy = _tent_smoothed(acquisition.expose(slices, exposed, noise))
    seen = calibrated(noisy, sections.numbers, model.settings.artefacts, seed)
    reading, covered = sections.reading()
    image = torch.bmm(reading, seen.permute(2, 0, 1)).permute(2, 0, 1)
    scanned = covered[None] & _in_field(model, planes)[:, :, None]
    return torch.where(scanned, image, torch.full_like(image, acquisition.PADDING_HU)).contiguous(), scanned


def _planes(model: CaseModel, grid: UprightGrid, sections: Sections) -> SlicePlanes:
    """The pixels of the slices, which are the grid's columns."""
    settings = model.settings.acquisition
    cosine = math.cos(math.radians(settings.tilt_degrees))
    return SlicePlanes(
        numbers=sections.numbers,
        lateral=grid.axis(0, model.device),
        depth=grid.axis(1, model.device),
        heights=sections.heights.T,
        pixel_mm=(grid.step_mm, grid.step_mm / cosine),
        cosine=cosine,
        thickness_mm=settings.thickness_mm,
    )


def _with_rest(hu: torch.Tensor, planes: SlicePlanes, settings: AcquisitionSettings) -> torch.Tensor:
    """A grid (i, j, k) with the head rest, which is the same at every height."""
    if not settings.head_rest:
        return hu
    place = torch.meshgrid(planes.lateral, planes.depth + settings.rest_gap_mm, indexing="ij")
    return torch.maximum(hu, acquisition.head_rest(torch.stack(place))[:, :, None])


def _in_field(model: CaseModel, planes: SlicePlanes) -> torch.Tensor:
    """Which columns (i, j) lie in the circle of reconstruction."""
    settings = model.settings.acquisition
    x, y = (model.deformation.head_to_scanner[:2, 3] + settings.field_shift_mm).tolist()
    away = torch.hypot((planes.lateral - x)[:, None], ((planes.depth - y) / planes.cosine)[None])
    return away <= settings.matrix * settings.pixel_mm / 2.0


def _along_columns(weights: torch.Tensor, volume: torch.Tensor) -> torch.Tensor:
    """Weights (j, slice, k) over a volume (i, j, k) as slices (slice, i, j)."""
    return torch.bmm(weights, volume.permute(1, 2, 0)).permute(1, 2, 0).contiguous()


def _tent_smoothed(slices: torch.Tensor) -> torch.Tensor:
    """Slices smoothed in the plane by the variance of a tent of one voxel's half width, a sixth of a square voxel."""
    for axis in (1, 2):
        line = slices.movedim(axis, 0)
        padded = torch.cat([line[:1], line, line[-1:]])
        slices = ((padded[:-2] + padded[2:]) / 12.0 + padded[1:-1] * (10.0 / 12.0)).movedim(0, axis)
    return slices


def _tent_integral(at: torch.Tensor) -> torch.Tensor:
    """Integral up to ``at`` of the tent of half width 1 around 0."""
    at = at.clamp(-1.0, 1.0)
    return 0.5 + at - 0.5 * at * at.abs()
