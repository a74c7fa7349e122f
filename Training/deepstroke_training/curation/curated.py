"""What curating a case makes of it, still in memory."""

from __future__ import annotations

from dataclasses import dataclass

from deepstroke.findings import Finding
from deepstroke.volume import LabelMap, Volume
from deepstroke_training.curation.quality import CaseQuality


@dataclass(frozen=True, eq=False)
class CarriedOverlay:
    """The outlines that a series carries as overlays.

    Attributes:
        points: how many overlay points lie in each voxel of the scan's grid.
        carried: the outline on the template's grid in 2^-20 mm2, -1 where the scan doesn't reach; what
            ``OverlaySum.outline`` holds of one case.
    """

    points: Volume
    carried: Volume


@dataclass(frozen=True, eq=False)
class CuratedCase:
    """Everything that a case leaves in the data set.

    Attributes:
        raw, raw_labels: the scan in whole HU and its regions, on the scan's orthogonal grid.
        stripped: the scan with 0 outside the brain.
        registered, registered_labels: the stripped scan and its regions on the template's grid.
        overlay: None where the series carries none.
        quality: figures.
        findings: of every stage.
    """

    raw: Volume
    raw_labels: LabelMap
    stripped: Volume
    registered: Volume
    registered_labels: LabelMap
    overlay: CarriedOverlay | None
    quality: CaseQuality
    findings: tuple[Finding, ...]

    def volumes(self) -> dict[str, Volume]:
        """Every volume by the folder of the data set that it goes to."""
        volumes: dict[str, Volume] = {
            "raw_volumes": self.raw,
            "raw_segmentation": self.raw_labels,
            "stripped_volumes": self.stripped,
            "registered_volumes": self.registered,
            "registered_segmentation": self.registered_labels,
        }
        if self.overlay is not None:
            volumes |= {"raw_overlays": self.overlay.points, "registered_overlays": self.overlay.carried}
        return volumes
