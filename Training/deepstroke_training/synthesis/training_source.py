"""Synthetic heads as a source of training samples, made as they are asked for, on the CPU or a GPU."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from deepstroke.frames import Affine, as_affine
from deepstroke_training.synthesis.acquisition import PADDING_HU
from deepstroke_training.synthesis.head import SyntheticHead
from deepstroke_training.synthesis.random_fields import numbers, stream_seed
from deepstroke_training.synthesis.sampling import draw_settings
from deepstroke_training.synthesis.scanning import lay_slices, scan_slices
from deepstroke_training.synthesis.settings import AcquisitionSettings, HeadSettings
from deepstroke_training.synthesis.template_head import TemplateHead
from deepstroke_training.synthesis.truth import read_labels


@dataclass(frozen=True, eq=False)
class TrainingSample:
    """A case on an isotropic grid with axes along right, anterior, superior, all on one device.

    Attributes:
        seed: what it was made from.
        image: (1, i, j, k) float32 HU of the whole head, as if resampled from the scanner's slices.
        regions: (i, j, k) uint8, 1..10 left and 11..20 right.
        lesions: (i, j, k) uint8, ``LesionLabel``.
        brain: (i, j, k) bool, the intracranial space.
        scanned: (i, j, k) bool, what the slices cover.
        template_mm: (3, i, j, k) float32, where each voxel lies in the template, RAS+ mm.
        ijk_to_ras: 4 x 4, voxel indices to the scanner's RAS+ mm.
    """

    seed: int
    image: torch.Tensor
    regions: torch.Tensor
    lesions: torch.Tensor
    brain: torch.Tensor
    scanned: torch.Tensor
    template_mm: torch.Tensor
    ijk_to_ras: Affine


class TrainingSource(torch.utils.data.Dataset[TrainingSample]):
    """Training samples by index; the same index gives the same bits on the same device.

    Args:
        length: how many samples make an epoch.
        seed: another seed gives other samples.
        spacing_mm: voxel size of the samples.
        shape: voxels of the samples; they are centred on the brain, off by up to ``jitter_mm``.
        jitter_mm: standard deviation of the centre.
        device: where samples are made and stay.
        template: the head to start from; the one on the embedded atlas by default.

    Example:
        >>> sample = TrainingSource(length=100)[0]  # doctest: +SKIP
        >>> sample.image.shape  # doctest: +SKIP
        torch.Size([1, 80, 96, 80])
    """

    def __init__(
        self,
        length: int,
        seed: int = 0,
        spacing_mm: float = 2.0,
        shape: tuple[int, int, int] = (80, 96, 80),
        jitter_mm: float = 4.0,
        device: str | torch.device = "cpu",
        template: TemplateHead | None = None,
    ) -> None:
        self.length, self.seed, self.spacing_mm, self.shape, self.jitter_mm = length, seed, spacing_mm, shape, jitter_mm
        self.maker = SyntheticHead(device, template)

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> TrainingSample:
        if not 0 <= index < self.length:
            raise IndexError(f"sample {index} of {self.length}")
        seed = stream_seed(self.seed, f"sample/{index}") >> 16
        return self.make(seed, draw_settings(seed))

    @torch.no_grad()
    def make(self, seed: int, settings: HeadSettings) -> TrainingSample:
        """The sample of one seed with given settings; matrix and pixels follow the source's own spacing."""
        settings = replace(settings, acquisition=self._coarse(settings.acquisition))
        model = self.maker.draw(seed, settings)
        stack = lay_slices(model)
        hu = torch.stack([piece.hu for piece in scan_slices(model, stack, seed)], dim=-1)
        ijk_to_ras = self._grid(seed, settings)
        points = self._points(ijk_to_ras)
        truth = model.render(points.reshape(3, -1), edge=self.spacing_mm)
        template_mm = truth.points.reshape(3, *self.shape)
        labels = read_labels(truth.truth_weights(self.shape), template_mm, model.head)
        image, scanned = _resampled(hu, as_affine(np.linalg.inv(stack.ijk_to_ras)), points)
        return TrainingSample(
            seed=seed,
            image=image[None],
            regions=labels["regions"],
            lesions=labels["lesions"],
            brain=labels["brain"] > 0,
            scanned=scanned,
            template_mm=template_mm,
            ijk_to_ras=ijk_to_ras,
        )

    def _coarse(self, settings: AcquisitionSettings) -> AcquisitionSettings:
        """The same field of view in pixels of the source's spacing; thinner slices than half of it add nothing."""
        matrix = round(settings.matrix * settings.pixel_mm / self.spacing_mm)
        step = max(settings.step_mm, self.spacing_mm / 2.0)
        return replace(
            settings,
            matrix=matrix,
            pixel_mm=self.spacing_mm,
            render_mm=self.spacing_mm,
            step_mm=step,
            thickness_mm=max(settings.thickness_mm, step),
        )

    def _grid(self, seed: int, settings: HeadSettings) -> Affine:
        """An isotropic grid about the head's centre, which is where the pose's shift put it."""
        jitter = numbers(seed, "crop").normal(0.0, self.jitter_mm, 3)
        ijk_to_ras = np.diag([self.spacing_mm] * 3 + [1.0])
        half = self.spacing_mm * (np.array(self.shape) - 1) / 2.0
        ijk_to_ras[:3, 3] = np.array(settings.acquisition.shift_mm) + jitter - half
        return ijk_to_ras

    def _points(self, ijk_to_ras: Affine) -> torch.Tensor:
        axes = [
            torch.arange(n, device=self.maker.device, dtype=torch.float32) * self.spacing_mm + float(first)
            for n, first in zip(self.shape, ijk_to_ras[:3, 3], strict=True)
        ]
        return torch.stack(torch.meshgrid(*axes, indexing="ij"))


def _resampled(stack: torch.Tensor, ras_to_ijk: Affine, points: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """A stack of slices (i, j, k) read linearly at scanner points, and where it covers them."""
    matrix = torch.as_tensor(ras_to_ijk, dtype=torch.float32, device=points.device)
    ijk = torch.einsum("ab,bxyz->axyz", matrix[:3, :3], points) + matrix[:3, 3].reshape(3, 1, 1, 1)
    sizes = torch.tensor(stack.shape, device=points.device, dtype=torch.float32).reshape(3, 1, 1, 1)
    covered = ((ijk >= -0.5) & (ijk <= sizes - 0.5)).all(0)
    normalised = 2.0 * ijk / (sizes - 1.0).clamp_min(1.0) - 1.0
    image = torch.nn.functional.grid_sample(
        stack[None, None],
        normalised.flip(0).movedim(0, -1)[None],
        mode="bilinear",
        padding_mode="border",
        align_corners=True,
    )[0, 0]
    return torch.where(covered, image, torch.full_like(image, PADDING_HU)), covered
