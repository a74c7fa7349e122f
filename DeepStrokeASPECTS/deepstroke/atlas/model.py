"""An atlas: a template, its brain and the ASPECTS regions on one grid, with a manifest of where they come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deepstroke.findings import Finding
from deepstroke.volume import LabelMap, Volume


@dataclass(frozen=True, eq=False)
class Atlas:
    """A template with its regions; ``load`` makes checked ones.

    Attributes:
        name: such as ``"deepstroke-mni152"``.
        template: CT-like image in HU, 0 outside the brain.
        labels: the regions, 1..10 on the left and 11..20 on the right, on the template's grid.
        brain: brain mask on the template's grid.
        manifest: version, provenance, licence, sha256 of each file, region volumes, borders.
        findings: what a reader of a result made with it must know.

    Raises:
        GeometryError: labels or brain lie on another grid than the template.
    """

    name: str
    template: Volume
    labels: LabelMap
    brain: LabelMap
    manifest: Mapping[str, Any]
    findings: tuple[Finding, ...] = ()

    def __post_init__(self) -> None:
        self.template.require_same_grid(self.labels, f"the label map of atlas {self.name}")
        self.template.require_same_grid(self.brain, f"the brain mask of atlas {self.name}")

    @property
    def version(self) -> str:
        """The version its manifest states."""
        return str(self.manifest.get("version", "unknown"))
