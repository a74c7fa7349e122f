"""Isotropic grids with axes along right, anterior and superior, on which training samples lie."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from deepstroke.frames import Affine


@dataclass(frozen=True)
class UprightGrid:
    """A grid in the scanner.

    Attributes:
        shape: voxels along right, anterior, superior.
        first_mm: scanner RAS+ mm of the first voxel's centre.
        step_mm: voxel size.
    """

    shape: tuple[int, int, int]
    first_mm: tuple[float, float, float]
    step_mm: float

    @property
    def ijk_to_ras(self) -> Affine:
        """4 x 4, voxel indices to scanner RAS+ mm."""
        matrix = np.diag([self.step_mm] * 3 + [1.0])
        matrix[:3, 3] = self.first_mm
        return matrix

    def axis(self, axis: int, device: torch.device) -> torch.Tensor:
        """Scanner mm of the voxel centres along one axis."""
        return self.first_mm[axis] + self.step_mm * torch.arange(self.shape[axis], dtype=torch.float32, device=device)

    def coarser(self, step_mm: float) -> UprightGrid:
        """A grid of at least that step whose first and last voxels lie at this one's or beyond; itself if coarser."""
        step = max(step_mm, self.step_mm)
        counts = [max(2, int(np.ceil((n - 1) * self.step_mm / step - 1e-6)) + 1) for n in self.shape]
        return UprightGrid((counts[0], counts[1], counts[2]), self.first_mm, step)

    def points(self, device: torch.device) -> torch.Tensor:
        """Scanner mm (3, i, j, k) of every voxel centre."""
        return torch.stack(torch.meshgrid(*[self.axis(a, device) for a in range(3)], indexing="ij"))

    def transformed(self, matrix: Affine, device: torch.device) -> torch.Tensor:
        """Every voxel centre after an affine map, (3, i, j, k) in mm."""
        m = torch.as_tensor(matrix, dtype=torch.float32, device=device)
        i, j, k = (m[:3, a, None] * self.axis(a, device) for a in range(3))
        return (i + m[:3, 3:])[:, :, None, None] + j[:, None, :, None] + k[:, None, None, :]

    def read_from(self, coarse: UprightGrid, values: torch.Tensor) -> torch.Tensor:
        """Values (channel, i, j, k) on a coarser grid that covers this one, linearly brought to this one's voxels."""
        along = [_tents(self.axis(a, values.device), coarse.axis(a, values.device), coarse.step_mm) for a in range(3)]
        channels, ni = values.shape[0], coarse.shape[0]
        finer = along[1] @ (values @ along[2].T)
        return (along[0] @ finer.reshape(channels, ni, -1)).reshape(channels, *self.shape)


def _tents(at: torch.Tensor, knots: torch.Tensor, step: float) -> torch.Tensor:
    """Weights (at, knots) of linear interpolation between evenly spaced knots."""
    return (1.0 - (at[:, None] - knots[None, :]).abs() / step).clamp_min(0.0)
