"""Evaluate a trained run on a part of its data, on the network's grid and on the scans' own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from deepstroke.errors import ConfigError
from deepstroke.preprocess.resampling import Grid
from deepstroke.progress import Progress, silent
from deepstroke.volume import LabelMap, Volume
from deepstroke_training.data import ScanDataModule
from deepstroke_training.data.curated_dataset import DatasetCase
from deepstroke_training.data.opening import StagedCases
from deepstroke_training.data.prepared_case import Stage
from deepstroke_training.data.preprocessing import GridSettings
from deepstroke_training.data.samples import collate, sample_of
from deepstroke_training.data.sources import StagedSource
from deepstroke_training.data.splits import PARTS, Part
from deepstroke_training.evaluation.evaluating import CasePrediction, Evaluation, EvaluationSettings, EvaluationStream
from deepstroke_training.evaluation.native import grid_of, labels_on
from deepstroke_training.evaluation.predictor import RunPredictor
from deepstroke_training.evaluation.records import CaseName

#: Folders of a run's evaluation, a folder for each part within; in each of them one for each grid.
EVALUATION_FOLDER, NETWORK_GRID, NATIVE_GRID = "evaluation", "network", "native"
#: Short names of parts.
_SHORT: dict[str, Part] = {"val": "validation"}


@dataclass(frozen=True)
class RunEvaluation:
    """A run on a part of its data.

    Attributes:
        network: on the network's grid.
        native: on the scans' own grids; None where there are none, as of synthetic heads.
    """

    network: Evaluation
    native: Evaluation | None


def evaluate_run(
    run: Path,
    split: str = "test",
    output: Path | None = None,
    settings: EvaluationSettings | None = None,
    device: str = "auto",
    data: ScanDataModule | None = None,
    progress: Progress = silent,
) -> RunEvaluation:
    """Apply a run's best weights to a part of its data and compare with the truth, case by case.

    Args:
        run: folder of the run.
        split: ``test``, ``validation`` (or ``val``) or ``train``.
        output: folder for ``network/`` and ``native/``; ``evaluation/<split>`` in the run's without it.
        settings: how.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        data: instead of what the run's settings describe.
        progress: told after each case.

    Raises:
        ConfigError: the folder holds no run, the part is unknown or empty, or the settings don't fit the run.
        InputError: data are missing, or the disk refuses.
        CheckpointError: the weights are missing or damaged.

    Example:
        >>> evaluate_run(Path("runs/small-cpu")).network.summary.mean["dice"].mean  # doctest: +SKIP
    """
    part = _part(split)
    predictor = RunPredictor(run, device)
    settings = _settings_for(predictor, settings or EvaluationSettings())
    data = data or ScanDataModule(predictor.settings.data, predictor.settings.seed)
    sources = data.sources(part)
    total = sum(len(source.cases) for source in sources)
    if not total:
        raise ConfigError(f"the run's data have no {part} case; choose another split or settings", code="split-empty")
    output = output or run / EVALUATION_FOLDER / part
    facts = {**predictor.describe(), "split": part}
    with ExitStack() as stack:
        network = stack.enter_context(
            EvaluationStream(output / NETWORK_GRID, settings, {**facts, "grid": NETWORK_GRID})
        )
        native: EvaluationStream | None = None
        for predicted in _predict(predictor, data, sources):
            network.add(predicted.case)
            if predicted.scan is not None:
                if native is None:
                    stream = EvaluationStream(output / NATIVE_GRID, settings, {**facts, "grid": NATIVE_GRID})
                    native = stack.enter_context(stream)
                native.add(predicted.on(predicted.scan))
            progress(0.95 * network.cases / total, f"case {network.cases} of {total}")
    results = RunEvaluation(network.result(), None if native is None else native.result())
    progress(1.0, "evaluated")
    return results


@dataclass(frozen=True, eq=False)
class _Predicted:
    """A case on the network's grid, and what is needed to carry it to its scan's."""

    case: CasePrediction
    logits: torch.Tensor
    stage: Stage
    scan: DatasetCase | None
    grid: GridSettings

    def on(self, scan: DatasetCase) -> CasePrediction:
        """The case on the grid of its scan, against the truth as it was drawn there."""
        image, truth = scan.read(self.stage)
        found = labels_on(self.logits, grid_of(scan, self.stage, self.grid), truth)
        return CasePrediction(self.case.name, found, truth, image)


def _part(split: str) -> Part:
    for part in PARTS:
        if _SHORT.get(split, split) == part:
            return part
    raise ConfigError(f"split {split!r}: expected {', '.join(PARTS)} or val", code="split")


def _settings_for(predictor: RunPredictor, settings: EvaluationSettings) -> EvaluationSettings:
    """Sides as the run has them, unless they are to be dropped."""
    sided = predictor.settings.data.sided
    if settings.sides == "sided" and not sided:
        raise ConfigError("sides: the run was trained without sides; evaluate it without", code="sides")
    return replace(settings, sides="sided" if sided and settings.sides != "unsided" else "unsided")


def _predict(predictor: RunPredictor, data: ScanDataModule, sources: list[StagedSource]) -> Iterator[_Predicted]:
    """Every case of the sources, one at a time."""
    settings = predictor.settings.data
    grid = GridSettings(settings.spacing_mm, settings.shape, settings.centre)
    for source in sources:
        for number in range(len(source.cases)):
            prepared = source.cases[number]
            sample = collate([sample_of(prepared, source.stage, settings.coordinates)])
            batch = data.prepare_batch({name: _moved(value, predictor.device.name) for name, value in sample.items()})
            logits = predictor.logits(batch["image"])
            scan = source.cases.cases[number] if isinstance(source.cases, StagedCases) else None
            name = CaseName(prepared.name, prepared.name if scan is None else scan.patient, source.stage)
            yield _Predicted(_as_case(name, batch, logits, grid), logits, source.stage, scan, grid)


def _moved(value: Any, device: str) -> Any:
    return value.to(device) if isinstance(value, torch.Tensor) else value


def _as_case(name: CaseName, batch: dict[str, Any], logits: torch.Tensor, settings: GridSettings) -> CasePrediction:
    """The case on the network's grid, with an origin of its own."""
    ijk_to_ras = Grid(settings.shape, np.diag([settings.spacing_mm] * 3 + [1.0])).ijk_to_ras
    found = logits.argmax(dim=0).to(torch.uint8)
    true, image = batch["label"][0, 0], batch["image"][0, 0]
    return CasePrediction(
        name,
        LabelMap(found.cpu().numpy(), ijk_to_ras),
        LabelMap(true.cpu().numpy(), ijk_to_ras),
        Volume(image.float().cpu().numpy(), ijk_to_ras),
    )
