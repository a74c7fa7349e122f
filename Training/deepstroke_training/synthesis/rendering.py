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
class BrainPart:
    """What those of n points hold that lie inside the inner table or on it.

    Attributes:
        rows: (b) which points these are.
        inside: (b) 0..1 inside the inner table.
        hu: (b) density.
        tissue: (3, b) weights of grey, white and fluid.
        lesions: (4, b) weights by ``LesionLabel`` 1..4.
        points: (3, b) template mm from which they are drawn, once ventricles and lesions have pushed.
    """

    rows: torch.Tensor
    inside: torch.Tensor
    hu: torch.Tensor
    tissue: torch.Tensor
    lesions: torch.Tensor
    points: torch.Tensor

    @property
    def truth_weights(self) -> torch.Tensor:
        """Inside, grey, white, fluid and the four lesions as (8, b)."""
        return torch.cat([self.inside[None], self.tissue, self.lesions])


@dataclass(frozen=True, eq=False)
class Rendered:
    """What a set of n points holds.

    Attributes:
        hu: (n) density.
        points: (3, n) template mm, before anything pushes the brain.
        brain: those in the brain.
    """

    hu: torch.Tensor
    points: torch.Tensor
    brain: BrainPart

    def truth_weights(self, shape: Sequence[int]) -> torch.Tensor:
        """Brain, grey, white, fluid and the four lesions of every point as (8, *shape)."""
        part = self.brain
        return self.hu.new_zeros((8, self.hu.numel())).index_copy(1, part.rows, part.truth_weights).reshape(8, *shape)

    def drawn_from(self, shape: Sequence[int]) -> torch.Tensor:
        """Template mm (3, *shape) from which every point is drawn, once the brain has been pushed."""
        return self.points.index_copy(1, self.brain.rows, self.brain.points).reshape(3, *shape)


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

    def render(self, points: torch.Tensor, edge: float) -> Rendered:
        """Density and truth at template points (3, n) in RAS+ mm, with surfaces ``edge`` mm wide.

        Only points near the head are worked on: those inside the inner table as brain, those outside it as head, and
        of these only those near a part of the face or the base as such.
        """
        surfaces = self.head.surfaces.sample(points)
        inner = surfaces["inner"]
        brain_part = self._render_brain(points, inner, inner.lt(edge).nonzero()[:, 0], edge)
        hu = points.new_full(inner.shape, AIR_HU).index_copy_(0, brain_part.rows, brain_part.hu)
        around = torch.minimum(surfaces["skin"], inner - self._widest_shell_mm).lt(edge) & inner.gt(-edge)
        near = surfaces["parts"].lt(skull.reach(edge) + self.head.parts.step)
        for rows, with_parts in (((around & near).nonzero()[:, 0], True), ((around & ~near).nonzero()[:, 0], False)):
            hu.index_copy_(
                0, rows, self._render_head(points[:, rows], hu[rows], _rows(surfaces, rows), edge, with_parts)
            )
        return Rendered(hu, points, brain_part)

    @property
    def _widest_shell_mm(self) -> float:
        """No skull and scalp are thicker than this, template mm."""
        return 20.0 * self.settings.anatomy.vault + 25.0 * self.settings.anatomy.scalp

    def _render_head(
        self, points: torch.Tensor, brain_hu: torch.Tensor, surfaces: Maps, edge: float, with_parts: bool
    ) -> torch.Tensor:
        fields = surfaces | self.head.shells.sample(points)
        parts = self.head.parts.sample(points) if with_parts else None
        return skull.head_density(points, brain_hu, fields, self.skull_texture, self.settings.anatomy, edge, parts)

    def _render_brain(
        self, all_points: torch.Tensor, inner: torch.Tensor, rows: torch.Tensor, edge: float
    ) -> BrainPart:
        """The rows of all points that lie in the brain: pushed, and drawn where they came from."""
        points, inner = all_points[:, rows], inner[rows]
        anatomy = self.settings.anatomy
        for lesion in self.lesions:
            if lesion.lesion.swelling_mm:
                points = lesion.push(points, -inner)
        points = push_ventricles(points, self.head.ventricles, anatomy)
        fields = self.head.depths.sample(points) | {"inner": inner}
        broad = self.brain_texture.broad.at(points)
        probability = self.head.tissue.sample(points)
        weights = brain.tissue_weights(points, probability, fields, broad, self.brain_texture, anatomy)
        healthy = brain.brain_density(weights, fields, broad, anatomy)
        hu, lesions = self._brain_density(healthy, points, weights, fields, edge)
        return BrainPart(rows, skull.inside(inner, edge), hu, weights, lesions, points)

    def _brain_density(
        self, hu: torch.Tensor, points: torch.Tensor, weights: torch.Tensor, fields: Maps, edge: float
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Density with lesions, vessels and dura in a healthy brain of density ``hu``, and the lesions' weights."""
        settings = self.settings.anatomy
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
            away = (points[0].abs() - u).square() + (points[1] - y).square() + (points[2] - z).square()
            # No grain of more than six standard deviations exists.
            rows = away.sqrt_().lt(radius + edge + 4.2 * radius).nonzero()[:, 0]
            distance = away[rows] + 0.7 * radius * self.skull_texture.grain.at(points[:, rows])[0] - radius
            hu[rows] = skull.over(hu[rows], skull.inside(distance, 2.0 * edge), CALCIFIED_HU)
        return hu


def _rows(maps: Maps, chosen: torch.Tensor) -> Maps:
    return {name: values[chosen] for name, values in maps.items()}


def draw_case(
    seed: int,
    settings: HeadSettings,
    head: TemplateHead,
    device: torch.device,
    texture_period_mm: float | None = None,
) -> CaseModel:
    """Draw everything that is random about a case; fine textures repeat after the period, where one is given."""
    return CaseModel(
        head=head,
        settings=settings,
        deformation=draw_deformation(seed, settings.anatomy, settings.acquisition, head, device),
        brain_texture=brain.draw_texture(seed, device, texture_period_mm),
        skull_texture=skull.draw_texture(seed, device, texture_period_mm),
        lesions=pathology.draw_lesions(seed, settings.pathology, head),
    )
