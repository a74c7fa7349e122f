"""How the scanner samples a head: slice positions, slab averaging, beam hardening, noise."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from deepstroke.errors import ConfigError
from deepstroke.frames import Affine
from deepstroke_training.synthesis.random_fields import generator
from deepstroke_training.synthesis.settings import AcquisitionSettings

AIR_HU = -1000.0
#: What stands outside the circle of reconstruction.
PADDING_HU = -1024.0
#: Spacing of the sub-slices that are averaged into a slab, mm.
SUBSLICE_MM = 1.25


@dataclass(frozen=True)
class SliceStack:
    """The slices of an acquisition.

    Attributes:
        shape: pixels along i (right), j (anterior) and k (superior).
        ijk_to_ras: 4 x 4; sheared where the gantry is tilted, since the table still moves along the scanner's axis.
    """

    shape: tuple[int, int, int]
    ijk_to_ras: Affine

    @property
    def normal(self) -> np.ndarray:
        """Unit normal of the slices, RAS+, pointing up."""
        axes = self.ijk_to_ras[:3, :3]
        normal = np.cross(axes[:, 0], axes[:, 1])
        return normal / np.linalg.norm(normal)

    def coarser(self, spacing_mm: float) -> SliceStack:
        """The same slices with larger pixels that cover the same field of view."""
        pixel = float(np.linalg.norm(self.ijk_to_ras[:3, 0]))
        factor = max(1.0, spacing_mm / pixel)
        counts = [max(2, round(n / factor)) for n in self.shape[:2]]
        matrix = self.ijk_to_ras.copy()
        for axis, count in enumerate(counts):
            ratio = self.shape[axis] / count
            matrix[:3, 3] += self.ijk_to_ras[:3, axis] * (ratio - 1.0) / 2.0
            matrix[:3, axis] = self.ijk_to_ras[:3, axis] * ratio
        return SliceStack((counts[0], counts[1], self.shape[2]), matrix)

    def points(self, k: int, device: torch.device) -> torch.Tensor:
        """RAS+ mm (3, i, j) of the pixel centres of one slice."""
        m = torch.as_tensor(self.ijk_to_ras, dtype=torch.float32, device=device)
        i = torch.arange(self.shape[0], dtype=torch.float32, device=device)[None, :, None]
        j = torch.arange(self.shape[1], dtype=torch.float32, device=device)[None, None, :]
        origin = m[:3, 3] + k * m[:3, 2]
        return origin[:, None, None] + m[:3, 0, None, None] * i + m[:3, 1, None, None] * j


def plan_slices(settings: AcquisitionSettings, low_ras: float, high_ras: float, centre: np.ndarray) -> SliceStack:
    """Lay slices from ``low_ras`` to ``high_ras`` (scanner z in mm of the slices' middles) around the head's centre.

    Raises:
        ConfigError: the scan was made in two parts, which no single volume can hold.
    """
    if settings.upper_step_mm not in (None, settings.step_mm):
        raise ConfigError(
            f"a volume has one step between slices, found {settings.step_mm:g} and {settings.upper_step_mm:g} mm; "
            "leave upper_step_mm away, or make training samples, which may be uneven",
            code="uneven-slices",
        )
    tilt = math.radians(settings.tilt_degrees)
    row = np.array([1.0, 0.0, 0.0])
    column = np.array([0.0, math.cos(tilt), math.sin(tilt)])
    heights = slice_heights(settings, low_ras, high_ras, high_ras)
    table_step = settings.step_mm / math.cos(tilt)
    middle = (settings.matrix - 1) / 2.0 * settings.pixel_mm
    matrix = np.eye(4)
    matrix[:3, 0], matrix[:3, 1] = row * settings.pixel_mm, column * settings.pixel_mm
    matrix[:3, 2] = (0.0, 0.0, table_step)
    middle_x, middle_y = np.add(centre[:2], settings.field_shift_mm)
    matrix[:3, 3] = np.array([middle_x, middle_y, low_ras]) - middle * (row + column)
    return SliceStack((settings.matrix, settings.matrix, len(heights)), matrix)


def slice_heights(settings: AcquisitionSettings, low_ras: float, change_ras: float, high_ras: float) -> np.ndarray:
    """Scanner z in mm of the slices' middles, from ``low_ras`` to no higher than ``high_ras``.

    Above ``change_ras`` they are as far apart as the upper step says.
    """
    cosine = math.cos(math.radians(settings.tilt_degrees))
    if settings.upper_step_mm is None:
        return _rising(low_ras, settings.step_mm / cosine, high_ras)
    lower = _rising(low_ras, settings.step_mm / cosine, min(max(low_ras, change_ras), high_ras))
    upper_step = settings.upper_step_mm / cosine
    return np.concatenate([lower, _rising(lower[-1], upper_step, high_ras)[1:]])


def _rising(first: float, step: float, last: float) -> np.ndarray:
    count = max(1, math.floor((last - first) / step + 1e-6) + 1)
    return first + step * np.arange(count)


def subslice_offsets(thickness_mm: float, render_mm: float = SUBSLICE_MM) -> list[float]:
    """Distances along the normal of the sub-slices that make up a slab, no closer than the rendering's pixels."""
    count = max(1, round(thickness_mm / max(SUBSLICE_MM, render_mm)))
    return [thickness_mm * ((n + 0.5) / count - 0.5) for n in range(count)]


def to_matrix(image: torch.Tensor, shape: tuple[int, int]) -> torch.Tensor:
    """Bring (channel, i, j) to the pixels of the matrix over the same field of view, linearly."""
    if tuple(image.shape[1:]) == shape:
        return image
    return torch.nn.functional.interpolate(image[None], size=shape, mode="bilinear", align_corners=False)[0]


def slice_noise(settings: AcquisitionSettings, count: int, seed: int, device: torch.device) -> Iterator[torch.Tensor]:
    """Noise for each slice, of unit variance on fine pixels: a ramp rolled off by the kernel (Riederer 1978).

    On coarse pixels it is weaker, as what lies above their Nyquist frequency is lost.
    """
    random = generator(seed, "noise", device)
    n = settings.matrix
    gain = _noise_gain(settings.noise_wavelength_mm, (n, n), (settings.pixel_mm, settings.pixel_mm), device)
    for _ in range(count):
        white = torch.randn((n, n), generator=random, device=device)
        yield torch.fft.irfft2(torch.fft.rfft2(white) * gain, s=(n, n))


def noise_planes(
    settings: AcquisitionSettings,
    shape: Sequence[int],
    pixel_mm: tuple[float, float],
    seed: int,
    device: torch.device,
) -> torch.Tensor:
    """The same noise for all slices (slice, i, j) at once, on pixels of any size along i and j."""
    white = torch.randn(tuple(shape), generator=generator(seed, "noise", device), device=device)
    gain = _noise_gain(settings.noise_wavelength_mm, (shape[1], shape[2]), pixel_mm, device)
    return torch.fft.irfft2(torch.fft.rfft2(white) * gain, s=tuple(shape[1:]))


def _noise_gain(
    wavelength_mm: float, shape: tuple[int, int], pixel_mm: tuple[float, float], device: torch.device
) -> torch.Tensor:
    """What makes white noise on these pixels the scanner's, per Fourier coefficient."""
    fy = torch.fft.fftfreq(shape[0], pixel_mm[0], device=device)[:, None]
    fx = torch.fft.rfftfreq(shape[1], pixel_mm[1], device=device)[None, :]
    relative = torch.sqrt(fx**2 + fy**2) * wavelength_mm
    power = _mean_noise_power(wavelength_mm**2 / (pixel_mm[0] * pixel_mm[1]))
    return torch.sqrt(relative) * torch.exp(-0.5 * relative**2) / math.sqrt(power)


def _mean_noise_power(square_wavelength_pixels: float) -> float:
    """Power that makes the whole noise spectrum one of unit variance, per Fourier coefficient of these pixels.

    The spectrum r exp(-r^2), r = frequency times wavelength, integrates to pi^(3/2) / 2 over the plane; the pixels'
    own frequencies, which go to half a cycle each way, cover ``square_wavelength_pixels`` of it.
    """
    return math.pi**1.5 / 2.0 / square_wavelength_pixels


def streaks(hu: torch.Tensor, settings: AcquisitionSettings, pixel_mm: float) -> torch.Tensor:
    """Dark bands between dense bones that face each other across the head, HU to add to slices (..., i, j).

    Rays from side to side that meet most bone are hardened most; the band lies along them, between the bones.
    """
    bone = ((hu - 500.0) / 1000.0).clamp(0.0, 1.2)
    before = bone.cumsum(-2)
    path = before[..., -1, :] * pixel_mm
    smooth = torch.nn.functional.avg_pool1d(
        path.reshape(1, -1, path.shape[-1]), 5, stride=1, padding=2, count_include_pad=False
    )
    excess = ((smooth.reshape(path.shape) - 22.0) / 30.0).clamp(0.0, 1.0)
    between = (before / 8.0).clamp(0, 1) * ((before[..., -1:, :] - before) / 8.0).clamp(0, 1)
    return -settings.streak_hu * excess[..., None, :] * between * (1.0 - bone.clamp(0.0, 1.0))


def head_rest(points: torch.Tensor) -> torch.Tensor:
    """Density in HU of the rest under the head, ``AIR_HU`` where there is none.

    Of the points (2 or 3, ...) only x and y count, in mm from where the usual rest stands.
    """
    radius = torch.sqrt(points[0] ** 2 + (points[1] - 30.0) ** 2)
    below = points[1] < -20.0
    shell = ((radius - 151.0).abs() < 1.6) & below
    foam = (radius > 140.0) & (radius < 149.5) & below
    rest = torch.where(foam, torch.full_like(radius, -965.0), torch.full_like(radius, AIR_HU))
    return torch.where(shell, torch.full_like(radius, 60.0), rest)


def exposure(hu: torch.Tensor, brain: torch.Tensor, settings: AcquisitionSettings, pixel_mm: float) -> torch.Tensor:
    """What slices (..., i, j) add to density and how strong their noise is, as (2, ..., i, j) in HU.

    Args:
        hu: density averaged over the slab.
        brain: 0..1 inside the inner table, where beam hardening brightens the rim.
        settings: gives their strengths.
        pixel_mm: size of these pixels.
    """
    rim = _box_blur(brain, max(1, round(14.0 / pixel_mm)))
    cupping = settings.cupping_hu * brain * 2.0 * (1.0 - rim)
    shielded = _box_blur((hu > -500.0).float(), max(1, round(30.0 / pixel_mm)))
    return torch.stack([cupping + streaks(hu, settings, pixel_mm), settings.noise_hu * (0.45 + 0.55 * shielded)])


def expose(hu: torch.Tensor, exposed: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
    """A slice (i, j) of the matrix with what the exposure (2, i, j) adds."""
    return hu + exposed[0] + exposed[1] * noise


def in_circle(hu: torch.Tensor) -> torch.Tensor:
    """A slice (i, j) with padding in the corners that lie outside the circle of reconstruction."""
    axes = [torch.linspace(-1.0, 1.0, n, device=hu.device) for n in hu.shape]
    outside = axes[0].square()[:, None] + axes[1].square()[None, :] > 1.0
    return torch.where(outside, torch.full_like(hu, PADDING_HU), hu)


def _box_blur(image: torch.Tensor, width: int) -> torch.Tensor:
    """Mean of slices (..., i, j) over a square of about ``width`` pixels, the border repeated."""
    half = width // 2
    for axis in (-2, -1):
        lines = image.movedim(axis, -1)
        padded = torch.nn.functional.pad(lines.reshape(1, -1, lines.shape[-1]), (half, half), mode="replicate")
        image = torch.nn.functional.avg_pool1d(padded, 2 * half + 1, stride=1).reshape(lines.shape).movedim(-1, axis)
    return image
