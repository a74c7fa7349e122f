"""Train one network for one structure, and compare models on the test cases as they are and turned."""

from __future__ import annotations

import json
import math
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from deepstroke.errors import DeepStrokeError, WeightsError
from deepstroke.networks import build
from deepstroke.nifti import atomic_path, write_json
from deepstroke.progress import Progress, silent, within
from deepstroke_training.cerebellum.augmentation import Augmentation, Pair, augmented
from deepstroke_training.cerebellum.data import PreparedCases, make_cases, with_copies
from deepstroke_training.cerebellum.metrics import (
    OverlapScores,
    comparison_table,
    overlap_scores,
    squared_dice_loss,
    volume_table,
)
from deepstroke_training.cerebellum.settings import CerebellumSettings

WEIGHTS, HISTORY, SETTINGS = "weights.safetensors", "history.json", "settings.json"
TABLE, FIGURES = "comparison.md", "comparison.json"
#: Mean loss of an epoch in which no case was marked anywhere.
_NOTHING_MARKED = 1.0 - 1e-4


@dataclass(frozen=True)
class Epoch:
    """Losses of one epoch.

    Attributes:
        training, validation: mean squared-Dice losses.
    """

    training: float
    validation: float


def fit(
    settings: CerebellumSettings, folder: Path, cases: PreparedCases | None = None, progress: Progress = silent
) -> list[Epoch]:
    """Train by the paper's policy (Adam, batches of one) and keep the weights of the best validation loss.

    Args:
        settings: of the run.
        folder: for ``weights.safetensors``, ``settings.json`` and ``history.json``.
        cases: those that the settings name are made where none are given.
        progress: told each epoch's loss.

    Returns:
        The losses of all epochs.

    Raises:
        DeepStrokeError: the network has come to mark nothing, or has nothing to find (code ``collapsed``).
        InputError: a case can't be used, or the disk refuses.
    """
    cases = cases or make_cases(settings)
    network = _network(settings)
    optimizer = torch.optim.Adam(network.parameters(), settings.lr)
    order = np.random.default_rng([settings.seed, 3])
    began = time.monotonic()
    history: list[Epoch] = []
    write_json(_as_json(settings), folder / SETTINGS)
    for number in range(settings.epochs):
        training = _train_epoch(network, optimizer, cases.training, order, settings.precision == "bf16")
        _require_learning(training, settings)
        epoch = Epoch(training, _validation(network, cases.validation))
        if not history or epoch.validation < min(each.validation for each in history):
            _save(network, folder)
        history.append(epoch)
        write_json([asdict(each) for each in history], folder / HISTORY)
        steps = (number + 1) * len(cases.training)
        share = max((number + 1) / settings.epochs, steps / (settings.max_steps or math.inf))
        progress(min(share, 1.0), f"epoch {number + 1}: validation Dice {1 - epoch.validation:.3f}")
        if share >= 1 or _is_late(settings, began):
            break
    return history


def _require_learning(training: float, settings: CerebellumSettings) -> None:
    """Raise where the loss was 1 in a whole epoch: of a network that marks nothing it is flat, so it stays as it is."""
    if training > _NOTHING_MARKED:
        raise DeepStrokeError(
            "nothing was marked rightly in a whole epoch, and from there the loss leads nowhere; lr is "
            f"{settings.lr:g}, try half of it, or another seed, and look whether the masks hold the structure",
            code="collapsed",
        )


def _is_late(settings: CerebellumSettings, began: float) -> bool:
    return settings.max_minutes is not None and time.monotonic() - began > 60 * settings.max_minutes


def load(settings: CerebellumSettings, folder: Path) -> nn.Module:
    """The network of a run, for inference.

    Raises:
        WeightsError: there are no weights, or they are another network's.
    """
    path, network = folder / WEIGHTS, _network(settings)
    if not path.is_file():
        raise WeightsError(f"{path}: no such file; deepstroke-train cerebellum fit makes it")
    try:
        network.load_state_dict(load_file(path))
    except RuntimeError as error:
        raise WeightsError(f"{path} holds no weights of {settings.network}: {str(error).splitlines()[0]}") from error
    return network.eval()


def predict(network: nn.Module, image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Probabilities (i, j, k) of a prepared image (i, j, k)."""
    with torch.inference_mode():
        return network(_batch(image))[0, 0].numpy()


def evaluate(network: nn.Module, pairs: tuple[Pair, ...], voxel_mm3: float) -> list[OverlapScores]:
    """The measures of each case; predictions are binary, at 0.5."""
    return [overlap_scores(predict(network, image) >= 0.5, mask, voxel_mm3) for image, mask in pairs]


def turned(pairs: tuple[Pair, ...], augmentation: Augmentation, seed: int = 0) -> tuple[Pair, ...]:
    """One turned and shifted copy of each test case; those that lose the structure are left out."""
    rng = np.random.default_rng([seed, 4])
    once = replace(augmentation, copies=1)
    copies = [copy for image, mask in pairs for copy in augmented(image, mask, once, rng)]
    return tuple(copy for copy in copies if copy[1].any())


def fit_and_test(settings: CerebellumSettings, folder: Path, progress: Progress = silent) -> str:
    """Train one network and test it on cases it hasn't seen; the table also goes to ``comparison.md``.

    Args:
        settings: of the run.
        folder: for weights, losses and table.
        progress: told each epoch.

    Raises:
        InputError: a case can't be used, or the disk refuses.
    """
    cases = make_cases(settings)
    fit(settings, folder, cases, progress)
    scores = evaluate(load(settings, folder), cases.test, cases.voxel_mm3)
    found: dict[str, list[OverlapScores]] = {settings.network: scores}
    return _written(found, folder)


def compare_augmentation(settings: CerebellumSettings, folder: Path, progress: Progress = silent) -> str:
    """Train with and without augmentation and test both on cases as they are and turned: the paper's experiment.

    Args:
        settings: of both runs, but for ``augment``.
        folder: for both runs (``wda``, ``nda``) and ``comparison.md``.
        progress: told each epoch.

    Returns:
        The tables as text.

    Raises:
        InputError: a case can't be used, or the disk refuses.
    """
    found: dict[str, list[OverlapScores]] = {}
    bare = make_cases(replace(settings, augment=False))
    for number, (name, augment) in enumerate((("nda", False), ("wda", True))):
        run, cases = replace(settings, augment=augment), with_copies(bare, settings) if augment else bare
        fit(run, folder / name, cases, within(progress, number / 2, (number + 1) / 2))
        network = load(run, folder / name)
        found[f"{name}, in place"] = evaluate(network, cases.test, cases.voxel_mm3)
        moved = turned(cases.test, settings.augmentation, settings.seed)
        found[f"{name}, turned"] = evaluate(network, moved, cases.voxel_mm3)
    return _written(found, folder)


def _written(found: dict[str, list[OverlapScores]], folder: Path) -> str:
    """The tables as text, those of volumes for the cases in place; also as files."""
    in_place = {name: scores for name, scores in found.items() if not name.endswith("turned")}
    text = f"{comparison_table(found)}\n\nvolumes in mm3\n{volume_table(in_place)}"
    with atomic_path(folder / TABLE) as temporary:
        temporary.write_text(f"```\n{text}\n```\n", encoding="utf-8")
    write_json({name: [asdict(each) for each in scores] for name, scores in found.items()}, folder / FIGURES)
    return text


def _network(settings: CerebellumSettings) -> nn.Module:
    torch.manual_seed(settings.seed)
    return build(settings.network, dropout=float(settings.dropout))


def _train_epoch(
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    pairs: tuple[Pair, ...],
    order: np.random.Generator,
    bf16: bool,
) -> float:
    network.train()
    losses = []
    for number in order.permutation(len(pairs)):
        image, mask = pairs[number]
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            found = network(_batch(image))
        loss = squared_dice_loss(found.float(), _batch(mask))
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    return float(np.mean(losses))


@torch.no_grad()
def _validation(network: nn.Module, pairs: tuple[Pair, ...]) -> float:
    network.eval()
    return float(np.mean([float(squared_dice_loss(network(_batch(image)), _batch(mask))) for image, mask in pairs]))


def _batch(array: NDArray) -> Tensor:
    return torch.from_numpy(array.astype(np.float32))[None, None]


def _save(network: nn.Module, folder: Path) -> None:
    with atomic_path(folder / WEIGHTS) as temporary:
        save_file(network.state_dict(), temporary)


def _as_json(settings: CerebellumSettings) -> dict[str, object]:
    return json.loads(json.dumps(asdict(settings), default=str))
