"""DeepStroke Atlas Refine: annotators redraw the regions of an atlas and publish them as a new version."""
# ruff: noqa: E402 - see the comment on reloading

from __future__ import annotations

import sys
from typing import Any

# Reload in developer mode imports this file anew: then its library must be read anew too.
for _name in [name for name in sys.modules if name.partition(".")[0] == "DeepStrokeAtlasRefineLib"]:
    del sys.modules[_name]

from DeepStrokeAtlasRefineLib.logic import DeepStrokeAtlasRefineLogic
from DeepStrokeAtlasRefineLib.self_tests import DeepStrokeAtlasRefineTest
from DeepStrokeAtlasRefineLib.widget import DeepStrokeAtlasRefineWidget
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import ScriptedLoadableModule

__all__ = [
    "DeepStrokeAtlasRefine",
    "DeepStrokeAtlasRefineLogic",
    "DeepStrokeAtlasRefineTest",
    "DeepStrokeAtlasRefineWidget",
]

PAGE = "https://github.com/DeepStroke/DeepStroke/blob/main/DeepStrokeAtlasRefine/Resources/Docs/refine-the-atlas.md"


class DeepStrokeAtlasRefine(ScriptedLoadableModule):
    """What Slicer shows of the module."""

    def __init__(self, parent: Any) -> None:
        ScriptedLoadableModule.__init__(self, parent)
        parent.title = _("DeepStroke Atlas Refine")
        parent.categories = [translate("qSlicerAbstractCoreModule", "Segmentation")]
        parent.dependencies = ["DeepStrokeASPECTS", "Segmentations", "SegmentEditor", "Volumes"]
        parent.contributors = ["The DeepStroke developers"]
        parent.helpText = _(
            "Redraw the ten ASPECTS regions of each hemisphere on a template, over the lines that radiologists drew on "
            "many scans, check them, and publish them as a new version of the atlas. Research use only, not a medical "
            'device. Help: <a href="{page}">{page}</a>.'
        ).format(page=PAGE)
        parent.acknowledgementText = _(
            "DeepStroke is free software (Apache-2.0). Its atlas derives from the ICBM 2009a MNI152 averages."
        )
