"""Everything around the brain: calvarium with diploe, skull base, orbits, sinuses, soft tissue of face and scalp."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from deepstroke.regions import Side
from deepstroke_training.synthesis.acquisition import AIR_HU
from deepstroke_training.synthesis.random_fields import RandomField, draw_field
from deepstroke_training.synthesis.settings import AnatomySettings

FAT_HU = -85.0
MUSCLE_HU = 55.0
SKIN_HU = 20.0
#: Template mm of the middle of a craniectomy on the right, and the flap's radius.
FLAP_CENTRE = (62.0, -6.0, 26.0)
FLAP_RADIUS_MM = 44.0
#: What lies in the gap: dura, muscle and galea.
FLAP_HU = 38.0

Maps = dict[str, torch.Tensor]


@dataclass(frozen=True, eq=False)
class SkullTexture:
    """The random fields of bone and soft tissue.

    Attributes:
        grain: one field of about 5 mm: diploe, air cells, strands in fat.
        bundles: one field of about 16 mm: muscle and the fat between.
        broad: two fields of about 90 mm: thickness of the vault and of the scalp.
    """

    grain: RandomField
    bundles: RandomField
    broad: RandomField


def draw_texture(seed: int, device: torch.device, period_mm: float | None = None) -> SkullTexture:
    """The texture of one case; with a period its grain repeats."""
    return SkullTexture(
        grain=draw_field(seed, "grain", 5.0, device, period_mm=period_mm),
        bundles=draw_field(seed, "bundles", 16.0, device),
        broad=draw_field(seed, "vault", 90.0, device, channels=2),
    )


def inside(distance: torch.Tensor, width: float) -> torch.Tensor:
    """1 inside a solid, 0 outside, linear over ``width`` mm across its surface."""
    return (0.5 - distance / width).clamp(0.0, 1.0)


def over(below: torch.Tensor, amount: torch.Tensor, density: torch.Tensor | float) -> torch.Tensor:
    """Lay a density over another where ``amount`` is 1."""
    return below + amount * (density - below)


def head_density(
    points: torch.Tensor,
    brain: torch.Tensor,
    fields: Maps,
    texture: SkullTexture,
    anatomy: AnatomySettings,
    edge: float,
    parts: Maps | None,
) -> torch.Tensor:
    """Density in HU of the whole head, shape (n).

    Args:
        points: (3, n) template mm.
        brain: (n) density of what lies inside the inner table.
        fields: the surfaces and shells at the points.
        texture: the case's random fields.
        anatomy: the case's settings.
        edge: width of surfaces in mm, about the rendering's step.
        parts: distances to the parts of face and base, or None for points further than ``reach(edge)`` from all.
    """
    grain = texture.grain.at(points)[0]
    broad = texture.broad.at(points)
    vault = (fields["vault"] * anatomy.vault * (1.0 + 0.10 * broad[0])).clamp_min(1.2) + fields["groove"]
    scalp = fields["scalp"] * anatomy.scalp * (1.0 + 0.10 * broad[1])
    skin = torch.minimum(fields["skin"], fields["inner"] - vault - scalp)
    hu = _under_skin(skin, fields, grain, texture.bundles.at(points)[0], vault)
    if parts is not None:
        muscle = inside(parts["muscle"], 2.0) * inside(skin + 4.0, 2.0)
        hu = over(hu, muscle, MUSCLE_HU + 5.0 * grain)
    hu = _galea_and_skin(hu, skin, fields, vault, edge)
    hu = _calvarium(hu, points, fields, grain, vault, anatomy, edge, parts)
    if parts is not None:
        hu = _bones(hu, parts, grain, anatomy, edge)
        hu = _cavities(hu, parts, grain, anatomy, edge)
    hu = over(hu, inside(fields["inner"], edge), brain)
    return over(torch.full_like(hu, AIR_HU), inside(skin, edge), hu)


def reach(edge: float) -> float:
    """How far from its surface a part still counts, mm."""
    return max(1.0, 0.5 * edge)


def _under_skin(
    skin: torch.Tensor, fields: Maps, grain: torch.Tensor, bundles: torch.Tensor, vault: torch.Tensor
) -> torch.Tensor:
    """Fat with strands under the skin, muscle with fat between below it."""
    fat = FAT_HU + 8.0 * grain + 70.0 * (grain > 1.3)
    muscle = MUSCLE_HU + 5.0 * grain
    planes = inside(0.35 - bundles, 0.5) * inside(skin + 9.0, 4.0) * inside(-fields["inner"] + 16.0, 6.0)
    hu = over(over(muscle, planes, fat), inside(-skin - 7.0, 3.0), fat)
    return over(hu, inside(fields["inner"] - vault - 14.0, 6.0), fat)


def _galea_and_skin(
    hu: torch.Tensor, skin: torch.Tensor, fields: Maps, vault: torch.Tensor, edge: float
) -> torch.Tensor:
    """The galea on the bone, and the skin."""
    galea = ((fields["inner"] - vault).abs() < 1.2).float() * 0.7
    hu = over(hu, galea, MUSCLE_HU - 15.0)
    return over(hu, inside(-skin - 1.8, edge), SKIN_HU + 15.0)


def _calvarium(
    hu: torch.Tensor,
    points: torch.Tensor,
    fields: Maps,
    grain: torch.Tensor,
    vault: torch.Tensor,
    anatomy: AnatomySettings,
    edge: float,
    parts: Maps | None,
) -> torch.Tensor:
    """The shell around the inner table, open for the spinal cord and where a flap is missing."""
    compact = anatomy.bone_hu
    from_table = torch.minimum(fields["inner"], vault - fields["inner"])
    diploe = 0.42 * compact + 0.10 * compact * grain
    calvarium = over(diploe, inside(from_table - 1.7, 1.2), compact)
    here = inside(torch.maximum(-fields["inner"], fields["inner"] - vault), edge)
    if parts is not None:
        here = here * (1.0 - inside(parts["canal"], edge))
    if anatomy.craniectomy is None:
        return over(hu, here, calvarium)
    flap = _flap(points, anatomy.craniectomy)
    return over(over(hu, here * flap, FLAP_HU), here * (1.0 - flap), calvarium)


def _bones(hu: torch.Tensor, fields: Maps, grain: torch.Tensor, anatomy: AnatomySettings, edge: float) -> torch.Tensor:
    """The bones of face, base and neck."""
    compact = anatomy.bone_hu
    for name, marrow in (("bone", 0.30), ("vertebra", 0.22)):
        inner = marrow * compact + 60.0 * grain
        hu = over(hu, inside(fields[name], edge), over(inner, inside(-fields[name] - 1.6, 1.2), 0.85 * compact))
    dense = 1.15 * compact + 180.0 * grain
    return over(hu, inside(fields["petrous"], edge), dense)


def _flap(points: torch.Tensor, side: Side) -> torch.Tensor:
    """Where the calvarium is missing after a craniectomy."""
    sign = -1.0 if side == "left" else 1.0
    centre = torch.tensor([sign * FLAP_CENTRE[0], *FLAP_CENTRE[1:]], device=points.device).reshape(3, 1)
    return inside((points - centre).square().sum(0).sqrt() - FLAP_RADIUS_MM, 3.0)


def _cavities(
    hu: torch.Tensor, fields: Maps, grain: torch.Tensor, anatomy: AnatomySettings, edge: float
) -> torch.Tensor:
    """Orbits, the spinal canal, sinuses and honeycombed bone."""
    hu = over(hu, inside(fields["orbit"], edge), FAT_HU - 10.0)
    hu = over(hu, inside(fields["nerve"], edge), 38.0)
    hu = over(hu, inside(fields["globe"], edge), 45.0)
    hu = over(hu, inside(fields["globe"] + 1.4, edge), 9.0)
    hu = over(hu, inside(fields["lens"], edge), 75.0)
    hu = over(hu, inside(fields["canal"], edge), anatomy.csf_hu + 4.0)
    hu = over(hu, inside(fields["cord"], edge), 34.0)
    hu = over(hu, inside(fields["air"], edge), AIR_HU)
    if anatomy.frontal_sinus:
        hu = over(hu, inside(fields["frontal_sinus"], edge), AIR_HU)
    walls = (grain.abs() < 0.28).float()
    cells = over(torch.full_like(hu, -880.0), walls, 0.35 * anatomy.bone_hu)
    return over(hu, inside(fields["cells"], edge), cells)
