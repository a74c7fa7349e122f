"""What the panel remembers in the scene."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

from slicer.i18n import tr as _
from slicer.parameterNodeWrapper import WithinRange, parameterNodeWrapper

from slicer import vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode

_A_SIDE = 10


class Scope(Enum):
    """Which regions a tool changes."""

    SELECTED = "selected"
    LEFT = "left"
    RIGHT = "right"
    BOTH = "both"

    def label(self) -> str:
        """As shown in the list."""
        return {
            Scope.SELECTED: _("Selected region"),
            Scope.LEFT: _("All on the left"),
            Scope.RIGHT: _("All on the right"),
            Scope.BOTH: _("All on both sides"),
        }[self]

    def regions(self, selected: int | None) -> set[int]:
        """The sided labels; none where the selected region is asked for and none is selected."""
        left, right = range(1, _A_SIDE + 1), range(_A_SIDE + 1, 2 * _A_SIDE + 1)
        return {
            Scope.SELECTED: set() if selected is None else {selected},
            Scope.LEFT: set(left),
            Scope.RIGHT: set(right),
            Scope.BOTH: {*left, *right},
        }[self]


@parameterNodeWrapper
class Parameters:
    """The choices of the panel; they are saved with the scene.

    Attributes:
        overlayShare: percent of the overlay's strongest lines from which on anything may change.
        smoothing: standard deviation in mm.
    """

    template: vtkMRMLScalarVolumeNode
    overlay: vtkMRMLScalarVolumeNode
    regions: vtkMRMLSegmentationNode
    scope: Scope = Scope.SELECTED
    maskToBrain: bool = True  # noqa: N815 - names of Slicer's parameter nodes
    maskToOverlay: bool = False  # noqa: N815
    overlayShare: Annotated[float, WithinRange(0.1, 100.0)] = 10.0  # noqa: N815
    smoothing: Annotated[float, WithinRange(0.2, 5.0)] = 1.0
    author: str = ""
    atlasName: str = ""  # noqa: N815
    version: str = ""
    note: str = ""
