"""The module's work for scripts and tests, without a panel."""

from __future__ import annotations

import time
from collections.abc import Generator
from pathlib import Path
from typing import Any, Protocol, TypeVar

from slicer.ScriptedLoadableModule import ScriptedLoadableModuleLogic

import slicer
from DeepStrokeASPECTSLib.infarct_result import InfarctResult
from DeepStrokeASPECTSLib.infarct_run import InfarctRun
from DeepStrokeASPECTSLib.parameters import Device, Engine, Method, Parameters
from DeepStrokeASPECTSLib.run import Run, RunResult
from DeepStrokeSlicerLib.jobs import JobState
from DeepStrokeSlicerLib.sources import find_source
from DeepStrokeSlicerLib.timers import run_now

Loaded = TypeVar("Loaded", covariant=True)


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
        return _waited_for(Run(volume, run_now(find_source(volume)), method, engine, device))

    def find_infarct(self, volume: Any, model: str | Path, device: Device = Device.AUTOMATIC) -> InfarctResult:
        """Look for an infarct by the weights of an asymmetry network, and wait for it.

        Raises:
            JobFailedError: the child refused the scan or the weights, or failed; the message is its own.
            InputError, GeometryError: the volume can't be handed over.
        """
        return _waited_for(InfarctRun(volume, run_now(find_source(volume)), Path(model), device))


class _LoadedJob(Protocol[Loaded]):
    """A run that brings something into the scene."""

    def poll(self) -> JobState: ...
    def failure(self) -> Exception: ...
    def load(self) -> Generator[object, None, Loaded]: ...
    def cancel(self) -> None: ...


def _waited_for(run: _LoadedJob[Loaded]) -> Loaded:
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
