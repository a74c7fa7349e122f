"""Random numbers and smooth random fields, drawn from named streams so that one choice never shifts another.

A stream depends on the seed and its name alone: the same head comes out with and without a lesion.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from deepstroke_training.synthesis.template_head import COARSE_FIRST, COARSE_LAST, sample_grid


def stream_seed(seed: int, name: str) -> int:
    """A 63-bit seed of the stream ``name`` of a case."""
    digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    return int.from_bytes(digest[:8], "little") >> 1


def numbers(seed: int, name: str) -> np.random.Generator:
    """NumPy's generator of one stream; it gives the same numbers on every machine."""
    return np.random.default_rng(stream_seed(seed, name))


def generator(seed: int, name: str, device: torch.device) -> torch.Generator:
    """PyTorch's generator of one stream on a device; its numbers differ between kinds of device."""
    return torch.Generator(device=device).manual_seed(stream_seed(seed, name))


def band_passed(
    shape: Sequence[int],
    step: float,
    wavelength: float,
    random: torch.Generator,
    channels: int = 1,
    bandwidth: float | None = None,
) -> torch.Tensor:
    """Periodic Gaussian noise of unit variance, shape (channels, *shape).

    Args:
        shape: grid size.
        step: grid spacing in mm.
        wavelength: mm; without a ``bandwidth`` all longer waves pass as well (a Gaussian low pass).
        random: where the numbers come from.
        channels: how many independent fields.
        bandwidth: relative width of the pass band around the wavelength, e.g. 0.3.
    """
    white = torch.randn((channels, *shape), generator=random, device=random.device)
    axes = [torch.fft.fftfreq(n, step, device=random.device) for n in shape[:-1]]
    axes.append(torch.fft.rfftfreq(shape[-1], step, device=random.device))
    squares = [f.square().reshape([-1 if a == b else 1 for b in range(len(shape))]) for a, f in enumerate(axes)]
    frequency = torch.sqrt(sum(squares[1:], squares[0])) * wavelength
    if bandwidth is None:
        gain = torch.exp(-0.5 * (frequency * 1.2) ** 2)
    else:
        gain = torch.exp(-0.5 * ((frequency - 1.0) / bandwidth) ** 2)
    dims = tuple(range(1, len(shape) + 1))
    field = torch.fft.irfftn(torch.fft.rfftn(white, dim=dims) * gain, s=tuple(shape), dim=dims)
    return field / field.flatten(1).std(dim=1).reshape(-1, *[1] * len(shape)).clamp_min(1e-6)


@dataclass(frozen=True, eq=False)
class RandomField:
    """Fields over the whole head in template space.

    Attributes:
        data: (channel, i, j, k), zero mean, unit variance.
        step: grid spacing in mm.
        period_mm: where given, the data is one tile of this length, which repeats along every axis; its last voxels
            are its first ones again.
    """

    data: torch.Tensor
    step: float
    period_mm: float | None = None

    def at(self, points: torch.Tensor) -> torch.Tensor:
        """Values (channel, ...) at template points (3, ...) in mm."""
        if self.period_mm is None:
            return sample_grid(self.data, points, COARSE_FIRST, self.step)
        turns = torch.floor(points * (1.0 / self.period_mm))
        return sample_grid(self.data, points - self.period_mm * turns, (0.0, 0.0, 0.0), self.step)


def draw_field(
    seed: int,
    name: str,
    wavelength: float,
    device: torch.device,
    channels: int = 1,
    bandwidth: float | None = None,
    period_mm: float | None = None,
) -> RandomField:
    """A random field over the head on a grid fine enough for its wavelength (mm).

    With a period a tile is drawn in place of the whole head, many times as fast; another field comes of it.
    """
    step = min(max(wavelength / 4.0, 2.0), 8.0)
    if period_mm is not None:
        return _tile(generator(seed, name, device), wavelength, channels, bandwidth, step, period_mm)
    shape = [math.ceil((hi - lo) / step) + 1 for lo, hi in zip(COARSE_FIRST, COARSE_LAST, strict=True)]
    random = generator(seed, name, device)
    return RandomField(band_passed(shape, step, wavelength, random, channels, bandwidth), step)


def _tile(
    random: torch.Generator, wavelength: float, channels: int, bandwidth: float | None, step: float, period_mm: float
) -> RandomField:
    """A field that repeats after ``period_mm``, on a grid whose steps fit into the period."""
    count = round(period_mm / step)
    data = band_passed((count,) * 3, period_mm / count, wavelength, random, channels, bandwidth)
    wrapped = torch.nn.functional.pad(data[None], (0, 1) * 3, mode="circular")[0]
    return RandomField(wrapped, period_mm / count, period_mm)
