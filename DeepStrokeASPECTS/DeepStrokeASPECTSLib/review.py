"""The reader's word on a result: overrides, the score that follows from them, and the audit trail in the scene."""

from __future__ import annotations

from slicer.i18n import tr as _

import slicer
from deepstroke.regions import Side
from DeepStrokeASPECTSLib.audit import AuditEntry, entry_of
from DeepStrokeASPECTSLib.reading import RegionReading, SideScore, Status, aspects
from DeepStrokeASPECTSLib.run import RunResult

AUDIT_REFERENCE = "DeepStroke.auditTrail"


class Review:
    """A result under a reader's eyes.

    The trail is a text node that the segmentation refers to, so that it is saved with the scene.

    Attributes:
        result: of the run.
        overrides: by sided label: what the reader says of a region.
        trail: every decision, in order; nothing is ever taken out.
    """

    def __init__(self, result: RunResult) -> None:
        self.result = result
        self.overrides: dict[int, Status] = {}
        self.trail: list[AuditEntry] = []

    @property
    def scores(self) -> dict[Side, SideScore]:
        """ASPECTS of both sides as it stands now."""
        return aspects(self.result.reading, self.overrides)

    def overrule(self, region: RegionReading, status: Status | None, who: str, why: str = "") -> None:
        """Note the reader's word on a region; None takes it back, and the score's stands again."""
        before = dict(self.overrides)
        if status is None:
            self.overrides.pop(region.label, None)
        else:
            self.overrides[region.label] = status
        if before != self.overrides:
            self.trail.append(entry_of(self.result.reading, region, before, self.overrides, who, why))
            self._write_trail()

    def trail_text(self) -> str:
        """The trail as JSON lines."""
        return "".join(entry.line() + "\n" for entry in self.trail)

    def _write_trail(self) -> None:
        segmentation = self.result.segmentation
        node = segmentation.GetNodeReference(AUDIT_REFERENCE)
        if node is None:
            name = _("{name} audit trail").format(name=segmentation.GetName())
            node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTextNode", name)
            segmentation.SetNodeReferenceID(AUDIT_REFERENCE, node.GetID())
        node.SetText(self.trail_text())
