"""A full synthetic non-contrast head CT with its truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from deepstroke.frames import Affine, apply_affine, as_affine
from deepstroke.regions import REGIONS, SIDES, Side
from deepstroke.volume import LabelMap, Volume
from deepstroke_training.synthesis import acquisition
from deepstroke_training.synthesis.acquisition import SliceStack
from deepstroke_training.synthesis.pathology import LesionLabel
from deepstroke_training.synthesis.rendering import CaseModel, Rendered, draw_case
from deepstroke_training.synthesis.settings import AcquisitionSettings, HeadSettings
from deepstroke_training.synthesis.template_head import TemplateHead, embedded_template_head, sample_grid

#: A region counts as involved from this part of its brain tissue on.
INVOLVED_FRACTION = 0.2


@dataclass(frozen=True, eq=False)
class Truth:
    """What is where, all on one grid.

    Attributes:
        regions: ASPECTS regions, 1..10 left and 11..20 right.
        lesions: ``LesionLabel`` 1..4.
        brain: intracranial space: brain and fluid up to the inner table, down to the foramen magnum.
        tissue: inside the brain mask 1 grey, 2 white, 3 fluid.
    """

    regions: LabelMap
    lesions: LabelMap
    brain: LabelMap
    tissue: LabelMap

    def involvement(self) -> dict[int, float]:
        """Part of the brain tissue of each sided region (label 1..20) that is acutely ischemic, 0..1."""
        parenchyma = (self.tissue.data == 1) | (self.tissue.data == 2)
        acute = parenchyma & (self.lesions.data == LesionLabel.ACUTE_INFARCT)
        whole = np.bincount(self.regions.data[parenchyma], minlength=21)
        part = np.bincount(self.regions.data[acute], minlength=21)
        return {label: float(part[label] / whole[label]) for label in range(1, 21) if whole[label]}

    def aspects(self, side: Side) -> int:
        """The ASPECTS of one side: 10 less one for each involved region."""
        involvement = self.involvement()
        return 10 - sum(involvement.get(region.label(side), 0.0) >= INVOLVED_FRACTION for region in REGIONS)


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
        >>> case.volume.shape, case.aspects("left")  # doctest: +SKIP
        ((512, 512, 34), 10)
    """

    def __init__(self, device: str | torch.device = "cpu", template: TemplateHead | None = None) -> None:
        self.device = torch.device(device)
        self.template = (template or embedded_template_head()).to(self.device)

    @torch.no_grad()
    def generate(self, seed: int, settings: HeadSettings | None = None) -> SyntheticCase:
        """A case with its truth.

        Args:
            seed: everything random is drawn from it, each part from a stream of its own.
            settings: what to make; the defaults (a healthy adult in 5 mm slices) without it.
        """
        settings = settings or HeadSettings()
        model = draw_case(seed, settings, self.template, self.device)
        stack = self._stack(model)
        slices = [self._slice(model, stack, k) for k in range(stack.shape[2])]
        return _assemble(seed, model, stack, slices)

    @torch.no_grad()
    def truth_on(self, grid: Volume, seed: int, settings: HeadSettings | None = None) -> Truth:
        """The truth of a case at the voxel centres of any grid in the scanner, such as one that a reader made."""
        model = draw_case(seed, settings or HeadSettings(), self.template, self.device)
        planes = SliceStack(grid.shape, grid.ijk_to_ras)
        slices = []
        for k in range(grid.shape[2]):
            points = planes.points(k, self.device)
            rendered = model.render(points.reshape(3, -1), edge=0.5)
            slices.append(
                _truth(rendered.truth_weights(points.shape[1:]), rendered.points.reshape(points.shape), model)
            )
        return _stacked(slices, grid.ijk_to_ras)

    def _stack(self, model: CaseModel) -> SliceStack:
        """Lay the slices over this head."""
        settings = model.settings.acquisition
        to_scanner = np.linalg.inv(model.deformation.scanner_to_template)
        x, y, _ = self.template.centre
        low, high = (apply_affine(to_scanner, (x, y, z))[2] for z in (settings.bottom_mm, settings.top_mm))
        centre = model.deformation.head_to_scanner[:3, 3]
        return acquisition.plan_slices(settings, low, high, centre)

    def _slice(self, model: CaseModel, stack: SliceStack, k: int) -> _Slice:
        """One slice without noise, averaged over its thickness, on the rendering's pixels."""
        settings = model.settings.acquisition
        coarse = stack.coarser(settings.render_mm)
        edge = max(settings.render_mm, 0.5)
        middle = coarse.points(k, self.device)
        normal = torch.as_tensor(stack.normal, dtype=torch.float32, device=self.device).reshape(3, 1, 1)
        layers = []
        for offset in acquisition.subslice_offsets(settings.thickness_mm):
            points = middle + offset * normal
            layers.append((points, model.render(points.reshape(3, -1), edge)))
        return _averaged(layers, coarse, settings)


@dataclass(frozen=True, eq=False)
class _Slice:
    """A slice on the rendering's pixels: density, exposure, truth weights, and template points of its middle."""

    hu: torch.Tensor
    exposure: torch.Tensor
    weights: torch.Tensor
    points: torch.Tensor


def _averaged(layers: list[tuple[torch.Tensor, Rendered]], stack: SliceStack, settings: AcquisitionSettings) -> _Slice:
    """A slab from its sub-slices: (scanner points, what is rendered there)."""
    shape = stack.shape[:2]
    hu = torch.zeros(shape, device=layers[0][0].device)
    weights = torch.zeros((8, *shape), device=hu.device)
    for points, layer in layers:
        density = layer.hu.reshape(shape)
        if settings.head_rest:
            density = torch.maximum(density, acquisition.head_rest(points))
        hu += density / len(layers)
        weights += layer.truth_weights(shape) / len(layers)
    pixel_mm = float(np.linalg.norm(stack.ijk_to_ras[:3, 0]))
    exposure = acquisition.exposure(hu, weights[0], settings, pixel_mm)
    return _Slice(hu, exposure, weights, layers[len(layers) // 2][1].points.reshape(3, *shape))


def _assemble(seed: int, model: CaseModel, stack: SliceStack, slices: list[_Slice]) -> SyntheticCase:
    """Bring the slices to the matrix, add noise, and read the truth off."""
    ni, nj, nk = stack.shape
    settings = model.settings.acquisition
    hu = np.empty(stack.shape, dtype=np.int16)
    truths = []
    noise = acquisition.slice_noise(settings, nk, seed, slices[0].hu.device)
    for k, (piece, grain) in enumerate(zip(slices, noise, strict=True)):
        values, exposure, weights, points = (
            acquisition.to_matrix(v, (ni, nj)) for v in (piece.hu[None], piece.exposure, piece.weights, piece.points)
        )
        noisy = acquisition.expose(values[0], exposure, grain)
        hu[:, :, k] = noisy.round().clamp(-1024, 3071).cpu().numpy().astype(np.int16)
        truths.append(_truth(weights, points, model))
    return SyntheticCase(
        seed=seed,
        settings=model.settings,
        volume=Volume(hu, stack.ijk_to_ras),
        truth=_stacked(truths, stack.ijk_to_ras),
        template_to_scanner=as_affine(np.linalg.inv(model.deformation.scanner_to_template)),
    )


def _truth(weights: torch.Tensor, points: torch.Tensor, model: CaseModel) -> dict[str, torch.Tensor]:
    """Labels (i, j) of one slice from its truth weights (8, i, j) and template points (3, i, j)."""
    brain = weights[0] >= 0.5
    regions = model.head.regions
    region = sample_grid(regions.data, points, regions.first, regions.step, nearest=True)[0].round()
    labels = {
        "brain": brain,
        "regions": brain * region,
        "lesions": brain * (weights[4:].amax(0) >= 0.5) * _heaviest(weights[4:]),
        "tissue": brain * _heaviest(weights[1:4]),
    }
    return {name: label.to(torch.uint8) for name, label in labels.items()}


def _heaviest(weights: torch.Tensor) -> torch.Tensor:
    """1 + the channel of the largest weight, the first of equals."""
    best, winner = weights[0], torch.ones_like(weights[0])
    for channel, weight in enumerate(weights[1:], start=2):
        winner = torch.where(weight > best, torch.full_like(winner, channel), winner)
        best = torch.maximum(best, weight)
    return winner


def _stacked(slices: list[dict[str, torch.Tensor]], ijk_to_ras: Affine) -> Truth:
    """The truth of a volume from that of its slices."""
    return Truth(
        **{
            name: LabelMap(torch.stack([labels[name] for labels in slices], dim=-1).cpu().numpy(), ijk_to_ras)
            for name in slices[0]
        }
    )
