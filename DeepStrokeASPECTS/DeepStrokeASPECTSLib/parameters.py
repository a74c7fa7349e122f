"""What the panel remembers in the scene."""

from __future__ import annotations

from enum import Enum

from slicer.i18n import tr as _
from slicer.parameterNodeWrapper import parameterNodeWrapper

from slicer import vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode


class Method(Enum):
    """How the regions are found; the values are those of the command line."""

    AUTOMATIC = "auto"
    UNET = "unet"
    ATLAS = "atlas"
    BOTH = "both"

    def label(self) -> str:
        """As shown in the list."""
        return {
            Method.AUTOMATIC: _("Automatic"),
            Method.UNET: _("U-Net"),
            Method.ATLAS: _("Atlas"),
            Method.BOTH: _("U-Net and atlas, compared"),
        }[self]


class Engine(Enum):
    """Registration engine of the atlas."""

    AUTOMATIC = "auto"
    FAST = "fast"
    ANTS = "ants"

    def label(self) -> str:
        """As shown in the list."""
        return {
            Engine.AUTOMATIC: _("Automatic"),
            Engine.FAST: _("Fast (seconds)"),
            Engine.ANTS: _("ANTs (minutes)"),
        }[self]


class Device(Enum):
    """Processor that does the work."""

    AUTOMATIC = "auto"
    CPU = "cpu"
    GPU = "cuda"

    def label(self) -> str:
        """As shown in the list."""
        return {Device.AUTOMATIC: _("Automatic"), Device.CPU: _("CPU"), Device.GPU: _("GPU (CUDA)")}[self]


@parameterNodeWrapper
class Parameters:
    """The choices of the panel; they are saved with the scene."""

    inputVolume: vtkMRMLScalarVolumeNode  # noqa: N815 - names of Slicer's parameter nodes
    segmentation: vtkMRMLSegmentationNode
    method: Method = Method.AUTOMATIC
    engine: Engine = Engine.AUTOMATIC
    device: Device = Device.AUTOMATIC
    reader: str = ""
