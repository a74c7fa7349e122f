"""DeepStroke ASPECTS: the ten ASPECTS regions of each hemisphere on non-contrast head CT. The module's entry."""
# ruff: noqa: E402 - see the comment on reloading

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

# Reload in developer mode imports this file anew: then its library must be read anew too.
for _name in [name for name in sys.modules if name.partition(".")[0] == "DeepStrokeASPECTSLib"]:
    del sys.modules[_name]

from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import ScriptedLoadableModule

import slicer
from DeepStrokeASPECTSLib.logic import DeepStrokeASPECTSLogic
from DeepStrokeASPECTSLib.sample import register_sample
from DeepStrokeASPECTSLib.self_tests import DeepStrokeASPECTSTest
from DeepStrokeASPECTSLib.widget import DeepStrokeASPECTSWidget

__all__ = ["DeepStrokeASPECTS", "DeepStrokeASPECTSLogic", "DeepStrokeASPECTSTest", "DeepStrokeASPECTSWidget"]

PAGE = "https://github.com/DeepStroke/DeepStroke/blob/main/DeepStrokeASPECTS/Resources/Docs/README.md"


class DeepStrokeASPECTS(ScriptedLoadableModule):
    """What Slicer shows of the module, and what it registers once Slicer has started."""

    def __init__(self, parent: Any) -> None:
        ScriptedLoadableModule.__init__(self, parent)
        parent.title = _("DeepStroke ASPECTS")
        parent.categories = [translate("qSlicerAbstractCoreModule", "Segmentation")]
        parent.dependencies = ["Segmentations", "Volumes", "Terminologies"]
        parent.contributors = ["The DeepStroke developers"]
        parent.helpText = _(
            "Finds the ten ASPECTS regions of each hemisphere on a non-contrast head CT, measures them, and leaves the "
            "judgement to the reader. Research use only, not a medical device. "
            'Help: <a href="{page}">{page}</a>.'
        ).format(page=PAGE)
        parent.acknowledgementText = _(
            "DeepStroke is free software (Apache-2.0). Its atlas derives from the ICBM 2009a MNI152 averages."
        )
        slicer.app.connect("startupCompleted()", self._register)

    def _register(self) -> None:
        register_sample(Path(self.resourcePath("Icons")))
        terminology = self.resourcePath("DeepStrokeASPECTS.term.json")
        slicer.modules.terminologies.logic().LoadTerminologyFromFile(terminology)
