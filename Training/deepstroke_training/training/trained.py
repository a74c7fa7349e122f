"""What a run learnt: its settings and its best weights."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from torch import Tensor, nn

from deepstroke.networks import build
from deepstroke_training.configuration import load_configuration
from deepstroke_training.training.checkpoint_files import BEST, FOLDER, read_checkpoint
from deepstroke_training.training.failures import CheckpointError
from deepstroke_training.training.run_folder import CONFIG
from deepstroke_training.training.run_settings import RunSettings


@dataclass(frozen=True, eq=False)
class TrainedRun:
    """The best of a run.

    Attributes:
        settings: of the run.
        weights: of the best validation, averaged where the run averages.
        measures: of that validation, by name.
        step: after which it was.
    """

    settings: RunSettings
    weights: dict[str, Tensor]
    measures: dict[str, float]
    step: int

    def network(self) -> nn.Module:
        """The network with these weights, in evaluation mode, on the CPU."""
        network = build(self.settings.network.name, **self.settings.network_arguments)
        network.load_state_dict(self.weights)
        return network.eval()


def read_trained(run: Path) -> TrainedRun:
    """The best weights of a run's folder.

    Raises:
        CheckpointError: there was no validation yet, or the file is damaged.
        ConfigError: the folder is no run.
    """
    settings = load_configuration(run / CONFIG)
    path = run / FOLDER / BEST
    if not path.exists():
        raise CheckpointError(
            f"{run} has no best weights yet: they are kept after the first validation; let the run go on with --resume"
        )
    content = read_checkpoint(path)
    return TrainedRun(settings, content["weights"], content["measures"], content["step"])
