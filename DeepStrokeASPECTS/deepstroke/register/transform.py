"""Spatial transforms between two heads: they map points, resample images and know their inverse."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deepstroke.errors import ConfigError, GeometryError, InputError
from deepstroke.findings import Finding
from deepstroke.frames import Affine, as_affine, is_orthogonal
from deepstroke.volume import LabelMap, Volume

if TYPE_CHECKING:
    import os

    import torch

    from deepstroke.register.quality import RegistrationQuality

#: Points resampled at once; bounds the memory that resampling takes.
_CHUNK = 1 << 20


@dataclass(frozen=True, eq=False)
class DisplacementField:
    """Displacements in mm along R, A and S on a grid; zero outside of it, linear between its voxels.

    Attributes:
        data: float32 (i, j, k, 3), RAS+ mm to add to a point.
        ijk_to_ras: 4 x 4 affine of the grid; its axes are orthogonal (ITK can't hold others).

    Raises:
        GeometryError: the axes aren't orthogonal, the shape isn't (i, j, k, 3), or values aren't finite.
    """

    data: NDArray[np.float32]
    ijk_to_ras: Affine

    def __post_init__(self) -> None:
        data = np.ascontiguousarray(self.data, dtype=np.float32)
        object.__setattr__(self, "data", data)
        object.__setattr__(self, "ijk_to_ras", as_affine(self.ijk_to_ras))
        if data.ndim != 4 or data.shape[3] != 3:
            raise GeometryError(f"a displacement field has shape (i, j, k, 3), found {data.shape}", code="field-shape")
        if not is_orthogonal(self.ijk_to_ras):
            raise GeometryError("a displacement field's grid has orthogonal axes", code="sheared-grid")
        if not np.isfinite(data).all():
            raise GeometryError("a displacement field holds values that are not finite", code="not-finite")


#: One step of a transform: an affine (RAS+ mm to RAS+ mm) or a displacement.
Step = Affine | DisplacementField


@dataclass(frozen=True, eq=False)
class SpatialTransform:
    """Maps points of the fixed image to the moving one, and so pulls the moving image onto the fixed one.

    Attributes:
        steps: affines and displacement fields in the order in which a point passes them.
        inverse_steps: the same back.
        engine: what made it, such as ``"fast"`` or ``"ants syncc"``.
        quality: how well the two images fit and how sound the map is; None where it was never measured.
        findings: what a reader of the result must know about the registration.

    Example:
        >>> shift = np.eye(4); shift[:3, 3] = (0.0, 0.0, 7.0)
        >>> SpatialTransform.from_affine(shift).map_points(np.array([[1.0, 2.0, 3.0]]))
        array([[ 1.,  2., 10.]])
    """

    steps: tuple[Step, ...]
    inverse_steps: tuple[Step, ...]
    engine: str = "unknown"
    quality: RegistrationQuality | None = None
    findings: tuple[Finding, ...] = field(default_factory=tuple)

    @classmethod
    def from_affine(cls, fixed_to_moving: ArrayLike, engine: str = "affine") -> SpatialTransform:
        """A transform that is one affine, fixed RAS+ mm to moving RAS+ mm."""
        affine = as_affine(fixed_to_moving)
        return cls((affine,), (as_affine(np.linalg.inv(affine)),), engine)

    def map_points(self, ras: NDArray) -> NDArray[np.float64]:
        """Fixed RAS+ mm of shape (N, 3) to moving RAS+ mm of shape (N, 3)."""
        import torch

        points = np.asarray(ras, dtype=np.float64)
        if points.ndim != 2 or points.shape[1] != 3:
            raise InputError(f"points have shape (N, 3), found {points.shape}", code="points-shape")
        chunks = [points[start : start + _CHUNK] for start in range(0, len(points), _CHUNK)] or [points]
        mapped = [_through(self.steps, torch.as_tensor(chunk.T.copy())).T.numpy() for chunk in chunks]
        return np.concatenate(mapped)

    def inverse(self) -> SpatialTransform:
        """The transform back: it maps points of the moving image to the fixed one."""
        return replace(self, steps=self.inverse_steps, inverse_steps=self.steps)

    @overload
    def apply(
        self, image: LabelMap, reference: Volume, order: Literal[0, 1] | None = None, outside: float = 0.0
    ) -> LabelMap: ...
    @overload
    def apply(
        self, image: Volume, reference: Volume, order: Literal[0, 1] | None = None, outside: float = 0.0
    ) -> Volume: ...
    def apply(
        self, image: Volume, reference: Volume, order: Literal[0, 1] | None = None, outside: float = 0.0
    ) -> Volume:
        """Resample a moving image onto the reference's grid.

        Args:
            image: in the moving image's space, any grid.
            reference: in the fixed image's space; only its grid is used.
            order: 0 for the nearest voxel (label maps, always), 1 for linear interpolation (images by default).
            outside: value where the moving image doesn't reach.

        Raises:
            ConfigError: linear interpolation of labels, or another order.
        """
        labelled = isinstance(image, LabelMap)
        order = (0 if labelled else 1) if order is None else order
        if order not in (0, 1) or (labelled and order):
            raise ConfigError(f"order is 0, or 1 for images that are no labels, found {order}", code="resample-order")
        dtype = image.data.dtype if order == 0 else np.dtype(np.float32)
        out = np.empty(reference.shape, dtype=dtype)
        rows = max(1, _CHUNK // (reference.shape[1] * reference.shape[2]))
        for start in range(0, reference.shape[0], rows):
            stop = min(start + rows, reference.shape[0])
            out[start:stop] = self._pulled(image, reference, range(start, stop), order, outside)
        return reference.with_labels(out) if labelled else reference.with_data(out)

    def _pulled(self, image: Volume, reference: Volume, rows: range, order: int, outside: float) -> NDArray:
        """The rows i of the reference's grid, filled from the moving image."""
        import torch

        shape = (len(rows), *reference.shape[1:])
        ticks = [torch.arange(rows.start, rows.stop), *(torch.arange(n) for n in shape[1:])]
        ijk = torch.stack(torch.meshgrid(*ticks, indexing="ij")).view(3, -1).float()
        places = _affine_points(image.ras_to_ijk, _through(self.steps, _affine_points(reference.ijk_to_ras, ijk)))
        values = _nearest(image.data, places, outside) if order == 0 else _linear(image.data, places, outside)
        return values.reshape(shape)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write files that ITK, ANTs and 3D Slicer read; see ``transform_files.save``."""
        from deepstroke.register.transform_files import save

        save(self, path)


def _through(steps: tuple[Step, ...], points: torch.Tensor) -> torch.Tensor:
    """Points of shape (3, N) in RAS+ mm through the steps in order."""
    for step in steps:
        if isinstance(step, DisplacementField):
            points = points + _displacement_at(step, points)
        else:
            points = _affine_points(step, points)
    return points


def _affine_points(matrix: Affine, points: torch.Tensor) -> torch.Tensor:
    import torch

    rows = torch.as_tensor(matrix[:3], dtype=points.dtype)
    return torch.addmm(rows[:, 3:], rows[:, :3], points)


def _displacement_at(displacement: DisplacementField, points: torch.Tensor) -> torch.Tensor:
    import torch

    data = torch.as_tensor(displacement.data).permute(3, 0, 1, 2)
    ijk = _affine_points(as_affine(np.linalg.inv(displacement.ijk_to_ras)), points).float()
    return _grid_sampled(data, ijk, "zeros").to(points.dtype)


def _grid_sampled(channels: torch.Tensor, ijk: torch.Tensor, padding: str) -> torch.Tensor:
    """(C, I, J, K) at voxel places (3, N), linear, as (C, N)."""
    import torch

    sizes = torch.tensor(channels.shape[1:], dtype=torch.float32).view(3, 1)
    unit = ((2 * ijk + 1) / sizes - 1).flip(0).T.reshape(1, 1, 1, -1, 3)
    sampled = torch.nn.functional.grid_sample(channels[None], unit, padding_mode=padding, align_corners=False)
    return sampled.view(channels.shape[0], -1)


def _inside(places: torch.Tensor, shape: tuple[int, ...]) -> torch.Tensor:
    """Which voxel places lie within half a voxel of the grid."""
    import torch

    ends = torch.tensor(shape, dtype=places.dtype).view(3, 1) - 0.5
    return ((places > -0.5) & (places < ends)).all(dim=0)


def _nearest(data: NDArray, places: torch.Tensor, outside: float) -> NDArray:
    inside = _inside(places, data.shape)
    i, j, k = places[:, inside].round().long().numpy()
    values = np.full(places.shape[1], outside, dtype=data.dtype)
    values[inside.numpy()] = data[i, j, k]
    return values


def _linear(data: NDArray, places: torch.Tensor, outside: float) -> NDArray:
    import torch

    image = torch.as_tensor(np.ascontiguousarray(data, dtype=np.float32))[None]
    values = _grid_sampled(image, places, "border")[0]
    return torch.where(_inside(places, data.shape), values, outside).numpy()
