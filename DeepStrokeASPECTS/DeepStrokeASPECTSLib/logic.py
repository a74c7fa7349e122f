"""The module's work for scripts and tests, without a panel."""

from __future__ import annotations

import time
from typing import Any

from slicer.ScriptedLoadableModule import ScriptedLoadableModuleLogic

import slicer
from DeepStrokeASPECTSLib.parameters import Device, Engine, Method, Parameters
from DeepStrokeASPECTSLib.run import Run, RunResult
from DeepStrokeSlicerLib.jobs import JobState
from DeepStrokeSlicerLib.sources import find_source
from DeepStrokeSlicerLib.timers import run_now


class DeepStrokeASPECTSLogic(ScriptedLoadableModuleLogic):
    """Segments a volume node; the panel does the same step by step.

    Example:
        >>> result = DeepStrokeASPECTSLogic().segment(slicer.util.getNode("CT"))  # doctest: +SKIP
        >>> result.segmentation.GetSegmentation().GetNumberOfSegments()  # doctest: +SKIP
        20
    """

    def getParameterNode(self) -> Parameters:  # noqa: N802 - Slicer's name
        """The panel's choices in the scene."""
        return Parameters(super().getParameterNode())

    def segment(
        self,
        volume: Any,
        method: Method = Method.AUTOMATIC,
        engine: Engine = Engine.AUTOMATIC,
        device: Device = Device.AUTOMATIC,
    ) -> RunResult:
        """Segment a volume node and wait for it; Slicer's events go on meanwhile.

        Raises:
            JobFailedError: the child refused the scan or failed; the message is its own.
            InputError, GeometryError: the volume can't be handed over.
        """
        run = Run(volume, run_now(find_source(volume)), method, engine, device)
        try:
            while run.poll() is JobState.RUNNING:
                slicer.app.processEvents()
                time.sleep(0.02)
            if run.poll() is not JobState.DONE:
                raise run.failure()
            return run_now(run.load())
        except BaseException:
            run.cancel()
            raise
