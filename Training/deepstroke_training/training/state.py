"""Everything that a run needs to go on, as plain values and tensors; the same for one process, DDP and FSDP."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import lightning
import torch
from torch import Tensor
from torch.optim import Optimizer

from deepstroke_training.training.failures import CheckpointError
from deepstroke_training.training.module import SegmentationModule
from deepstroke_training.training.position import Position
from deepstroke_training.training.sharding import laid_out_like, whole

#: Changes with the layout of the state.
FORMAT = 1


def collect_state(trainer: lightning.Trainer, module: SegmentationModule) -> dict[str, Any]:
    """The state of a run between two steps; every process must ask at once.

    Random number generators are not in it: they are set from the position before each batch.
    """
    average = None if module.average is None else _on_cpu(module.average.tensors)
    return {
        "format": FORMAT,
        "network": _on_cpu(module.network.state_dict()),
        "average": average,
        "optimizer": _optimizer_state(trainer.optimizers[0]),
        "position": asdict(module.position),
        "samples_per_batch": trainer.world_size * module.settings.data.batch_size,
        "skipped": module.guard.skipped,
        "precision": dict(trainer.precision_plugin.state_dict()),
        "data": trainer.datamodule.state_dict(),  # type: ignore[attr-defined]
        "callbacks": {callback.state_key: callback.state_dict() for callback in _stateful(trainer)},
    }


def restore_state(trainer: lightning.Trainer, module: SegmentationModule, state: Mapping[str, Any]) -> None:
    """Go on from a state.

    Raises:
        CheckpointError: it is of another network or another layout.
    """
    if state.get("format") != FORMAT:
        raise CheckpointError(
            f"the checkpoint has layout {state.get('format')}, this version reads {FORMAT}: "
            "go on with the version that wrote it, or start anew with -o ANOTHER_FOLDER"
        )
    _restore_tensors(module.network.state_dict(), state["network"])
    if module.average is not None:
        _restore_tensors(module.average.tensors, state["average"] or state["network"])
    _restore_optimizer(trainer.optimizers[0], state["optimizer"])
    trainer.datamodule.load_state_dict(state["data"])  # type: ignore[attr-defined]
    module.position = position_in(state, trainer.world_size * module.settings.data.batch_size)
    module.guard.skipped = state["skipped"]
    if state["precision"]:
        trainer.precision_plugin.load_state_dict(state["precision"])
    for callback in _stateful(trainer):
        if callback.state_key in state["callbacks"]:
            callback.load_state_dict(state["callbacks"][callback.state_key])
    place_loops(trainer, module.position)


def position_in(state: Mapping[str, Any], samples_per_batch: int) -> Position:
    """Where a state stands, in batches of so many samples over all processes; other sizes may not meet it exactly."""
    position = Position(**state["position"])
    if state["samples_per_batch"] != samples_per_batch:
        position.batch = position.batch * state["samples_per_batch"] // samples_per_batch
        warnings.warn(
            f"the run goes on with {samples_per_batch} samples a batch over all processes instead of "
            f"{state['samples_per_batch']}; it won't be bit for bit the same",
            stacklevel=2,
        )
    return position


def place_loops(trainer: lightning.Trainer, position: Position) -> None:
    """Tell Lightning's loops which epoch and batch come next."""
    state = trainer.fit_loop.state_dict()
    epoch, batch = position.epoch, position.batch
    begun = epoch + (batch > 0)
    for counter in ("total", "current"):
        state["epoch_progress"][counter] = {"ready": begun, "started": begun, "processed": epoch, "completed": epoch}
        # As Lightning itself saves in the middle of an epoch: the last batch is done but not yet counted as complete.
        done = {"ready": batch, "started": batch, "processed": batch, "completed": max(batch - 1, 0)}
        state["epoch_loop.batch_progress"][counter] = done
    steps = state["epoch_loop.automatic_optimization.optim_progress"]["optimizer"]["step"]["total"]
    steps |= {"ready": position.step, "completed": position.step}
    trainer.fit_loop.load_state_dict(state)


def _stateful(trainer: lightning.Trainer) -> list[lightning.Callback]:
    return [callback for callback in trainer.callbacks if callback.state_dict()]  # type: ignore[attr-defined]


def _on_cpu(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: whole(tensor.detach()).cpu().clone() for name, tensor in tensors.items()}


@torch.no_grad()
def _restore_tensors(targets: Mapping[str, Tensor], values: Mapping[str, Tensor]) -> None:
    shapes = {name: tuple(tensor.shape) for name, tensor in targets.items()}
    found = {name: tuple(tensor.shape) for name, tensor in values.items()}
    if shapes != found:
        differing = sorted(name for name in shapes.keys() | found.keys() if shapes.get(name) != found.get(name))
        raise CheckpointError(
            f"the checkpoint is of another network: {len(differing)} of {len(shapes)} weights differ, such as "
            f"{differing[0]} ({found.get(differing[0], 'absent')} instead of {shapes.get(differing[0], 'none')}); "
            "give the run's own config.yaml"
        )
    for name, target in targets.items():
        target.copy_(laid_out_like(values[name], target))


def _optimizer_state(optimizer: Optimizer) -> dict[str, Any]:
    state = optimizer.state_dict()
    moments = {
        index: {name: whole(value).cpu().clone() if isinstance(value, Tensor) else value for name, value in of.items()}
        for index, of in state["state"].items()
    }
    return {"state": moments, "param_groups": state["param_groups"]}


def _restore_optimizer(optimizer: Optimizer, state: Mapping[str, Any]) -> None:
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    moments = {
        index: {name: _moment(value, parameters[index]) for name, value in of.items()}
        for index, of in state["state"].items()
    }
    optimizer.load_state_dict({"state": moments, "param_groups": state["param_groups"]})


def _moment(value: Any, parameter: Tensor) -> Any:
    """A moment lies as its parameter does; counts stay where they are."""
    shaped = isinstance(value, Tensor) and value.shape == parameter.shape and value.ndim > 0
    return laid_out_like(value, parameter) if shaped else value
