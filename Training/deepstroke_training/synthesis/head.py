"""A full synthetic non-contrast head CT with its truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from deepstroke.frames import Affine, as_affine
from deepstroke.regions import SIDES
from deepstroke.volume import LabelMap, Volume
from deepstroke_training.synthesis.acquisition import SliceStack
from deepstroke_training.synthesis.rendering import CaseModel, draw_case
from deepstroke_training.synthesis.scanning import ScannedSlice, lay_slices, scan_slices
from deepstroke_training.synthesis.settings import HeadSettings
from deepstroke_training.synthesis.template_head import TemplateHead, embedded_template_head
from deepstroke_training.synthesis.truth import Truth, read_labels, stack_truth


@dataclass(frozen=True, eq=False)
class SyntheticCase:
    """A head CT and everything true about it, all on one grid.

    Attributes:
        seed: what it was made from.
        settings: what it was made with.
        volume: HU, int16, axes nearest to right, anterior, superior; sheared where the gantry is tilted.
        truth: on the volume's grid.
        template_to_scanner: affine part of the map from template to scanner RAS+ mm.
    """

    seed: int
    settings: HeadSettings
    volume: Volume
    truth: Truth
    template_to_scanner: Affine

    @property
    def regions(self) -> LabelMap:
        """``truth.regions``."""
        return self.truth.regions

    @property
    def lesions(self) -> LabelMap:
        """``truth.lesions``."""
        return self.truth.lesions

    @property
    def brain(self) -> LabelMap:
        """``truth.brain``."""
        return self.truth.brain

    @property
    def tissue(self) -> LabelMap:
        """``truth.tissue``."""
        return self.truth.tissue

    @property
    def facts(self) -> dict[str, object]:
        """What a table of cases holds, without arrays."""
        stack = self.settings.acquisition
        return {
            "seed": self.seed,
            "slices": self.volume.shape[2],
            "thickness_mm": stack.thickness_mm,
            "tilt_degrees": stack.tilt_degrees,
            "brain_ml": round(self.brain.volume_ml(), 1),
            "lesions": [type(lesion).__name__ for lesion in self.settings.pathology.lesions],
            **{f"aspects_{side}": self.truth.aspects(side) for side in SIDES},
        }


class SyntheticHead:
    """Makes synthetic head CTs; the same seed gives the same bits on the same device.

    Args:
        device: where to compute, such as ``"cpu"`` or ``"cuda"``.
        template: the head to start from; the one on the embedded atlas by default.

    Example:
        >>> case = SyntheticHead().generate(seed=1)  # doctest: +SKIP
        >>> case.volume.shape, case.truth.aspects("left")  # doctest: +SKIP
        ((512, 512, 31), 10)
    """

    def __init__(self, device: str | torch.device = "cpu", template: TemplateHead | None = None) -> None:
        self.device = torch.device(device)
        self.template = template.to(self.device) if template else embedded_template_head(str(self.device))

    @torch.no_grad()
    def generate(self, seed: int, settings: HeadSettings | None = None) -> SyntheticCase:
        """A case with its truth.

        Args:
            seed: everything random is drawn from it, each part from a stream of its own.
            settings: what to make; the defaults (a healthy adult in 5 mm slices) without it.
        """
        model = self.draw(seed, settings or HeadSettings())
        stack = lay_slices(model)
        slices = []
        hu = np.empty(stack.shape, dtype=np.int16)
        for k, piece in enumerate(scan_slices(model, stack, seed)):
            hu[:, :, k] = _rounded(piece)
            slices.append(read_labels(piece.weights, piece.points, model.head))
        return SyntheticCase(
            seed=seed,
            settings=model.settings,
            volume=Volume(hu, stack.ijk_to_ras),
            truth=stack_truth(slices, stack.ijk_to_ras),
            template_to_scanner=as_affine(np.linalg.inv(model.deformation.scanner_to_template)),
        )

    @torch.no_grad()
    def truth_on(self, grid: Volume, seed: int, settings: HeadSettings | None = None) -> Truth:
        """The truth of a case at the voxel centres of any grid in the scanner, such as one that a reader made."""
        model = self.draw(seed, settings or HeadSettings())
        planes = SliceStack(grid.shape, grid.ijk_to_ras)
        slices = []
        for k in range(grid.shape[2]):
            points = planes.points(k, self.device)
            rendered = model.render(model.deformation.template_points(points.reshape(3, -1)), edge=0.5)
            shape = points.shape[1:]
            slices.append(read_labels(rendered.truth_weights(shape), rendered.drawn_from(shape), model.head))
        return stack_truth(slices, grid.ijk_to_ras)

    def draw(self, seed: int, settings: HeadSettings, texture_period_mm: float | None = None) -> CaseModel:
        """Draw everything random about a case, ready to be scanned or rendered anywhere.

        Fine textures that repeat after a period are others than those without, and are drawn many times as fast.
        """
        return draw_case(seed, settings, self.template, self.device, texture_period_mm)


def _rounded(piece: ScannedSlice) -> np.ndarray:
    """A slice in whole HU as a scanner stores it."""
    return piece.hu.round().clamp(-1024, 3071).cpu().numpy().astype(np.int16)
