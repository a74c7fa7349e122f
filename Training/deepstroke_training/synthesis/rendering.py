"""Density and truth at any points of a case: everything that happens between coordinates and Hounsfield units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from deepstroke_training.synthesis import anatomy as brain
from deepstroke_training.synthesis import pathology, skull
from deepstroke_training.synthesis.acquisition import AIR_HU
from deepstroke_training.synthesis.deformation import Deformation, draw_deformation, push_ventricles
from deepstroke_training.synthesis.settings import Calcification, HeadSettings, HyperdenseArtery
from deepstroke_training.synthesis.template_head import TemplateHead

#: Template mm (u, y, z) and radii of what may be calcified.
CALCIFICATIONS: dict[Calcification, tuple[tuple[float, float, float], float]] = {
    "choroid": ((24.0, -42.0, 8.0), 2.6),
    "pineal": ((0.0, -29.0, 3.0), 1.9),
    "pallidum": ((20.0, -5.0, 0.0), 2.5),
    "falx": ((0.0, 34.0, 42.0), 2.5),
}
Maps = dict[str, torch.Tensor]

CALCIFIED_HU = 170.0
ARTERY_HU = 42.0
DURA_HU = 50.0
SINUS_HU = 56.0


@dataclass(frozen=True, eq=False)
class Rendered:
    """What a set of n points holds.

    Attributes:
        hu: (n) density.
        brain: (n) 0..1 inside the inner table.
        tissue: (3, n) weights of grey, white and fluid inside it.
        lesions: (4, n) weights by ``LesionLabel`` 1..4.
        points: (3, n) template mm of the brain.
    """

    hu: torch.Tensor
    brain: torch.Tensor
    tissue: torch.Tensor
    lesions: torch.Tensor
    points: torch.Tensor

    def truth_weights(self, shape: Sequence[int]) -> torch.Tensor:
        """Brain, grey, white, fluid and the four lesions as (8, *shape)."""
        return torch.cat([self.brain[None], self.tissue, self.lesions]).reshape(8, *shape)


@dataclass(frozen=True, eq=False)
class CaseModel:
    """Everything drawn for one case, ready to be rendered anywhere in the scanner."""

    head: TemplateHead
    settings: HeadSettings
    deformation: Deformation
    brain_texture: brain.BrainTexture
    skull_texture: skull.SkullTexture
    lesions: list[pathology.LesionMap]

    @property
    def device(self) -> torch.device:
        """Where the case is rendered."""
        return self.head.tissue.data.device

    def render(self, scanner: torch.Tensor, edge: float) -> Rendered:
        """Density and truth at scanner points (3, n) in RAS+ mm, with surfaces ``edge`` mm wide.

        Only points near the head are worked on, those inside the inner table as brain and those outside it as head.
        """
        points = self.deformation.template_points(scanner)
        surfaces = self.head.surfaces.sample(points)
        inner = surfaces["inner"]
        count = points.shape[1]
        around = torch.minimum(surfaces["skin"], inner - self._widest_shell_mm).lt(edge) & inner.gt(-edge)
        at_head, at_brain = around.nonzero()[:, 0], inner.lt(edge).nonzero()[:, 0]
        pushed, weights, brain_hu, lesions = self._render_brain(points[:, at_brain], inner[at_brain], edge)
        hu = points.new_full((count,), AIR_HU).index_copy(0, at_brain, brain_hu)
        head_hu = self._render_head(points[:, at_head], hu[at_head], _rows(surfaces, at_head), edge)
        hu = hu.index_copy(0, at_head, head_hu)
        return Rendered(
            hu=hu,
            brain=skull.inside(inner, edge),
            tissue=points.new_zeros((3, count)).index_copy(1, at_brain, weights),
            lesions=points.new_zeros((4, count)).index_copy(1, at_brain, lesions),
            points=points.index_copy(1, at_brain, pushed),
        )

    @property
    def _widest_shell_mm(self) -> float:
        """No skull and scalp are thicker than this, template mm."""
        return 20.0 * self.settings.anatomy.vault + 25.0 * self.settings.anatomy.scalp

    def _render_head(self, points: torch.Tensor, brain_hu: torch.Tensor, surfaces: Maps, edge: float) -> torch.Tensor:
        fields = surfaces | self.head.surroundings.sample(points)
        return skull.head_density(points, brain_hu, fields, self.skull_texture, self.settings.anatomy, edge)

    def _render_brain(
        self, points: torch.Tensor, inner: torch.Tensor, edge: float
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        """Template points after the push, tissue weights, density and lesion weights of points in the brain."""
        for lesion in self.lesions:
            if lesion.lesion.swelling_mm:
                points = lesion.push(points, -inner)
        points = push_ventricles(points, self.head.ventricles.sample(points), self.settings.anatomy)
        fields = self.head.depths.sample(points) | {"inner": inner}
        weights = brain.tissue_weights(
            points, self.head.tissue.sample(points), fields, self.brain_texture, self.settings.anatomy
        )
        hu, lesions = self._brain_density(points, weights, fields, edge)
        return points, weights, hu, lesions

    def _brain_density(
        self, points: torch.Tensor, weights: torch.Tensor, fields: Maps, edge: float
    ) -> tuple[torch.Tensor, torch.Tensor]:
        settings = self.settings.anatomy
        hu = brain.brain_density(points, weights, fields, self.brain_texture, settings)
        lesions = torch.zeros((4, points.shape[1]), device=points.device)
        for lesion in self.lesions:
            hu, weight = pathology.apply_lesion(hu, weights, lesion, points, settings.csf_hu)
            lesions[lesion.label - 1] = torch.maximum(lesions[lesion.label - 1], weight)
        contrast = self.settings.acquisition.enhancement_hu
        hu = hu + 0.03 * contrast * weights[0]
        hu = skull.over(hu, skull.inside(fields["artery"] - 1.6, edge), ARTERY_HU + contrast)
        hu = skull.over(hu, skull.inside(fields["mca"] - 1.1, edge), ARTERY_HU + contrast)
        for artery in self.settings.pathology.lesions:
            if isinstance(artery, HyperdenseArtery):
                hu, weight = pathology.apply_artery(hu, fields["mca"], points, artery, edge)
                lesions[pathology.LesionLabel.HYPERDENSE_ARTERY - 1] = weight
        hu = skull.over(hu, 0.8 * skull.inside(fields["dura"] - 0.7, edge), DURA_HU + 0.2 * contrast)
        hu = skull.over(hu, skull.inside(fields["sinus"], edge), SINUS_HU + 0.7 * contrast)
        return self._calcified(hu, points, edge), lesions

    def _calcified(self, hu: torch.Tensor, points: torch.Tensor, edge: float) -> torch.Tensor:
        for name in self.settings.anatomy.calcifications:
            (u, y, z), radius = CALCIFICATIONS[name]
            away = torch.stack([points[0].abs() - u, points[1] - y, points[2] - z]).square().sum(0).sqrt()
            away = away + 0.7 * radius * self.skull_texture.grain.at(points)[0]
            hu = skull.over(hu, skull.inside(away - radius, 2.0 * edge), CALCIFIED_HU)
        return hu


def _rows(maps: Maps, chosen: torch.Tensor) -> Maps:
    return {name: values[chosen] for name, values in maps.items()}


def draw_case(seed: int, settings: HeadSettings, head: TemplateHead, device: torch.device) -> CaseModel:
    """Draw everything that is random about a case."""
    return CaseModel(
        head=head,
        settings=settings,
        deformation=draw_deformation(seed, settings.anatomy, settings.acquisition, head, device),
        brain_texture=brain.draw_texture(seed, device),
        skull_texture=skull.draw_texture(seed, device),
        lesions=pathology.draw_lesions(seed, settings.pathology, head),
    )
