"""The check line: what the selected volume is, and in plain words what speaks against reading it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from slicer.i18n import tr as _

from deepstroke.frames import shear_degrees
from deepstroke.volume import Volume

#: HU of air; a CT has voxels near it, an MR or a mask has none.
AIR_BELOW_HU = -500.0
LEAST_COVERAGE_MM = 100.0
LEAST_SLICES = 8
THICK_MM = 7.0
#: Tilts below are rounding of the header.
TILT_FROM_DEG = 0.3
#: More of the head than this in the range of contrast-filled vessels and grey matter speaks for contrast.
_EVERY = 4


@dataclass(frozen=True)
class SliceFacts:
    """What the DICOM headers say; None where they don't.

    Attributes:
        modality: such as ``"CT"``.
        contrast: the agent that was given.
        thickness_mm: nominal.
        steps_mm: distances between neighbouring slices.
        tilt_deg: of the gantry, from the positions.
    """

    modality: str | None = None
    contrast: str | None = None
    thickness_mm: float | None = None
    steps_mm: tuple[float, ...] = ()
    tilt_deg: float | None = None


@dataclass(frozen=True)
class ScanCheck:
    """What is shown under the volume selector.

    Attributes:
        facts: one line.
        warnings: in plain words; the run may still be tried.
        obstacle: why the run would be refused; None where nothing speaks against it.
    """

    facts: str
    warnings: tuple[str, ...] = ()
    obstacle: str | None = None


def check_scan(volume: Volume, facts: SliceFacts = SliceFacts()) -> ScanCheck:
    """Look at a volume and what its headers say. Takes milliseconds.

    Args:
        volume: HU in RAS+ mm, sheared where the gantry was tilted.
        facts: of the headers, where the volume came from DICOM.
    """
    steps = facts.steps_mm or (_step_mm(volume),)
    coverage = float(sum(facts.steps_mm)) if facts.steps_mm else steps[0] * (volume.shape[2] - 1)
    tilt = shear_degrees(volume.ijk_to_ras) if facts.tilt_deg is None else facts.tilt_deg
    line = " · ".join(
        [
            _("CT") if _looks_like_ct(volume, facts) else _("no CT"),
            _("{count} slices, {steps} mm apart").format(count=volume.shape[2], steps=_range(steps)),
            _("{coverage:.0f} mm covered").format(coverage=coverage),
            _("tilt {tilt:.1f}°").format(tilt=tilt) if tilt >= TILT_FROM_DEG else _("no tilt"),
            _("contrast: {agent}").format(agent=facts.contrast) if facts.contrast else _("no contrast noted"),
        ]
    )
    return ScanCheck(line, tuple(_warnings(facts, steps, tilt, coverage)), _obstacle(volume, facts))


def _step_mm(volume: Volume) -> float:
    """Distance between neighbouring slices along their normal."""
    columns = volume.ijk_to_ras[:3, :3]
    normal = np.cross(columns[:, 0], columns[:, 1])
    return float(abs(columns[:, 2] @ normal) / np.linalg.norm(normal))


def _range(steps: tuple[float, ...]) -> str:
    low, high = min(steps), max(steps)
    return f"{low:.1f}" if high - low < 0.05 else _("{low:.1f} to {high:.1f}").format(low=low, high=high)


def _looks_like_ct(volume: Volume, facts: SliceFacts) -> bool:
    if facts.modality is not None:
        return facts.modality == "CT"
    return bool(_sample(volume).min() < AIR_BELOW_HU)


def _sample(volume: Volume) -> NDArray:
    return volume.data[::_EVERY, ::_EVERY, ::2]


def _obstacle(volume: Volume, facts: SliceFacts) -> str | None:
    if not _looks_like_ct(volume, facts):
        found = facts.modality or _("no voxel near air's -1000 HU")
        return _("This is no CT in Hounsfield units ({found}). Choose the non-contrast head CT.").format(found=found)
    normal = np.cross(volume.ijk_to_ras[:3, 0], volume.ijk_to_ras[:3, 1])
    if abs(normal[2]) / np.linalg.norm(normal) < np.cos(np.deg2rad(45)):
        return _("The slices are not axial. Choose the axial series, not a reformat.")
    if volume.shape[2] < LEAST_SLICES:
        return _("Only {count} slices: this is a localizer or a part of a head.").format(count=volume.shape[2])
    return None


def _warnings(facts: SliceFacts, steps: tuple[float, ...], tilt: float, coverage: float) -> list[str]:
    found = []
    if facts.contrast:
        found.append(_("A contrast agent is noted: ASPECTS is read on the scan without contrast."))
    if coverage < LEAST_COVERAGE_MM:
        found.append(_("Only {mm:.0f} mm are covered: a part of the brain may be missing.").format(mm=coverage))
    if max(steps) > THICK_MM:
        found.append(_("Slices {mm:.1f} mm apart: small regions rest on few slices.").format(mm=max(steps)))
    if max(steps) - min(steps) > 0.1 * max(steps):
        found.append(_("The slices are unevenly spaced; their true positions are used."))
    if tilt >= TILT_FROM_DEG:
        found.append(_("The gantry was tilted; the result lies on the tilted slices."))
    return found
