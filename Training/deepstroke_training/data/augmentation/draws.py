"""The random choices of one sample: each has a stream of its own, so that switching one off shifts no other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from deepstroke_training.synthesis.random_fields import band_passed, generator, numbers


@dataclass(frozen=True)
class Draws:
    """Random numbers of one sample, the same wherever in a batch it stands.

    Attributes:
        seed: of the sample.
    """

    seed: int

    def happens(self, name: str, probability: float) -> bool:
        """Whether the change ``name`` befalls the sample."""
        return bool(numbers(self.seed, f"{name}?").random() < probability)

    def two_sided(self, name: str, most: float, count: int = 1) -> NDArray[np.float64]:
        """``count`` uniform numbers in plus or minus ``most``."""
        return numbers(self.seed, name).uniform(-most, most, count)

    def up_to(self, name: str, most: float) -> float:
        """A uniform number from 0 to ``most``."""
        return float(numbers(self.seed, name).uniform(0.0, most))

    def white(self, name: str, shape: tuple[int, ...], device: torch.device) -> torch.Tensor:
        """Independent normal numbers; CPU and GPU give different ones."""
        return torch.randn(shape, generator=generator(self.seed, name, device), device=device)

    def smooth(
        self, name: str, shape: tuple[int, int, int], spacing_mm: float, wavelength_mm: float, device: torch.device
    ) -> torch.Tensor:
        """A field (i, j, k) of about zero mean and unit variance without waves much shorter than ``wavelength_mm``.

        It is drawn in steps of about a quarter of the wavelength, and twice as long as needed, since it is periodic.
        """
        ratio = max(round(wavelength_mm / 4.0 / spacing_mm), 1)
        coarse = [-(-(n - 1) // ratio) + 1 for n in shape]
        random = generator(self.seed, name, device)
        field = band_passed([2 * n for n in coarse], ratio * spacing_mm, wavelength_mm, random)
        part = field[None, :, : coarse[0], : coarse[1], : coarse[2]]
        fine = [(n - 1) * ratio + 1 for n in coarse]
        full = torch.nn.functional.interpolate(part, size=fine, mode="trilinear", align_corners=True)[0, 0]
        return full[: shape[0], : shape[1], : shape[2]].contiguous()
