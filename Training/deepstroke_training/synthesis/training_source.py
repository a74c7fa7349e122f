"""Synthetic heads as a source of training samples, made as they are asked for, on the CPU or a GPU."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from deepstroke.frames import Affine
from deepstroke_training.synthesis.head import SyntheticHead
from deepstroke_training.synthesis.random_fields import numbers, stream_seed
from deepstroke_training.synthesis.rendering import CaseModel
from deepstroke_training.synthesis.sampling import draw_settings
from deepstroke_training.synthesis.sectioning import scan_grid
from deepstroke_training.synthesis.settings import AcquisitionSettings, HeadSettings
from deepstroke_training.synthesis.template_head import TemplateHead
from deepstroke_training.synthesis.truth import read_labels
from deepstroke_training.synthesis.upright_grid import UprightGrid
from deepstroke_training.synthesis.variety import Variety, checked

#: Fine textures of a sample repeat after this length, which saves drawing them over the whole head.
TEXTURE_PERIOD_MM = 128.0
#: How many points are rendered together, on a processor (whose caches are small) and on a GPU.
POINTS_AT_ONCE = {False: 160_000, True: 8_000_000}
#: Which maps of the truth a sample holds.
LABELS = ("brain", "regions", "lesions")


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
        variety: ``"clinical"``, ``"wide"`` for training, or ``"held-out"`` for validation in ranges that ``"wide"``
            never shows.

    Raises:
        ConfigError: there is no such variety.

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
        variety: Variety = "clinical",
    ) -> None:
        self.length, self.seed, self.spacing_mm, self.shape, self.jitter_mm = length, seed, spacing_mm, shape, jitter_mm
        self.variety: Variety = checked(variety)
        self.maker = SyntheticHead(device, template)

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> TrainingSample:
        if not 0 <= index < self.length:
            raise IndexError(f"sample {index} of {self.length}")
        seed = stream_seed(self.seed, f"sample/{index}") >> 16
        return self.make(seed, draw_settings(seed, self.variety))

    @torch.no_grad()
    def make(self, seed: int, settings: HeadSettings) -> TrainingSample:
        """The sample of one seed with given settings; matrix and pixels follow the source's own spacing."""
        settings = replace(settings, acquisition=self._coarse(settings.acquisition))
        model = self.maker.draw(seed, settings, TEXTURE_PERIOD_MM)
        grid = self._grid(seed, settings)
        template_mm = model.deformation.template_points_of(grid)
        rendered = _render(model, template_mm, self.spacing_mm)
        image, scanned = scan_grid(model, grid, rendered["hu"], rendered["inside"], seed)
        return TrainingSample(
            seed=seed,
            image=image[None],
            regions=rendered["regions"],
            lesions=rendered["lesions"],
            brain=rendered["brain"] > 0,
            scanned=scanned,
            template_mm=template_mm,
            ijk_to_ras=grid.ijk_to_ras,
        )

    def _coarse(self, settings: AcquisitionSettings) -> AcquisitionSettings:
        """The same scan; slices closer or thinner than half of the source's spacing add nothing to it."""
        least = self.spacing_mm / 2.0
        upper = settings.upper_step_mm
        return replace(
            settings,
            step_mm=max(settings.step_mm, least),
            upper_step_mm=None if upper is None else max(upper, least),
            thickness_mm=max(settings.thickness_mm, least),
        )

    def _grid(self, seed: int, settings: HeadSettings) -> UprightGrid:
        """A grid about the head's centre, which is where the pose's shift put it."""
        jitter = numbers(seed, "crop").normal(0.0, self.jitter_mm, 3)
        half = self.spacing_mm * (np.array(self.shape) - 1) / 2.0
        x, y, z = (np.array(settings.acquisition.shift_mm) + jitter - half).tolist()
        return UprightGrid(self.shape, (x, y, z), self.spacing_mm)


def _render(model: CaseModel, template_mm: torch.Tensor, edge: float) -> dict[str, torch.Tensor]:
    """Density, ``inside`` and the labels of ``Truth`` on a grid, (i, j, k) each.

    Args:
        model: the case.
        template_mm: (3, i, j, k) the grid's voxels in the template; where brain is drawn from once it has been pushed
            takes their place.
        edge: width of surfaces in mm.
    """
    points = template_mm.view(3, -1)
    count = points.shape[1]
    values = {"hu": points.new_empty(count), "inside": points.new_zeros(count)}
    values |= {name: torch.zeros(count, dtype=torch.uint8, device=points.device) for name in LABELS}
    for first in range(0, count, POINTS_AT_ONCE[model.device.type == "cuda"]):
        here = slice(first, first + POINTS_AT_ONCE[model.device.type == "cuda"])
        rendered = model.render(points[:, here], edge)
        part = rendered.brain
        labels = read_labels(part.truth_weights, part.points, model.head)
        values["hu"][here] = rendered.hu
        values["inside"][here].index_copy_(0, part.rows, part.inside)
        points[:, here].index_copy_(1, part.rows, part.points)
        for name in LABELS:
            values[name][here].index_copy_(0, part.rows, labels[name])
    return {name: value.reshape(template_mm.shape[1:]) for name, value in values.items()}
