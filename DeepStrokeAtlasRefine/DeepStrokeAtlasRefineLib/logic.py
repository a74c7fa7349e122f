"""The module's work for scripts and tests, without a panel."""

from __future__ import annotations

from pathlib import Path

from slicer.ScriptedLoadableModule import ScriptedLoadableModuleLogic

from DeepStrokeAtlasRefineLib.figures import Checks, check
from DeepStrokeAtlasRefineLib.parameters import Parameters
from DeepStrokeAtlasRefineLib.session import Session, begin
from DeepStrokeSlicerLib.timers import run_now


class DeepStrokeAtlasRefineLogic(ScriptedLoadableModuleLogic):
    """Loads, checks and publishes an atlas's regions; the panel does the same step by step.

    Example:
        >>> logic = DeepStrokeAtlasRefineLogic()  # doctest: +SKIP
        >>> session = logic.begin("deepstroke-mni152", Path("mean_overlay.nii.gz"))  # doctest: +SKIP
        >>> logic.check(session).publishable  # doctest: +SKIP
        True
    """

    def getParameterNode(self) -> Parameters:  # noqa: N802 - Slicer's name
        """The panel's choices in the scene."""
        return Parameters(super().getParameterNode())

    def begin(self, name: str, overlay: Path | None = None) -> Session:
        """Load an atlas and an aggregated overlay into the scene.

        Raises:
            InputError: they can't be read.
            GeometryError: the overlay lies on another grid.
        """
        return run_now(begin(name, overlay))

    def check(self, session: Session) -> Checks:
        """Check the regions as they are drawn."""
        return run_now(check(session))

    def publish(self, session: Session, name: str, version: str, author: str, note: str) -> Path:
        """Make the regions a new version, which `deepstroke atlas` takes at once.

        Returns:
            The folder of the new version.

        Raises:
            InputError: the regions or the texts have faults; every one of them is named.
        """
        from deepstroke.atlas import Publication, publish

        labels = session.merged().require_disjoint()
        return publish(labels, Publication(name, version, author, note, session.parent))
