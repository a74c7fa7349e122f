"""Which loss a run is trained by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from deepstroke.errors import ConfigError

#: What turns logits into the probabilities that Dice sees.
DiceActivation = Literal["sigmoid", "softmax"]


@dataclass(frozen=True)
class LossSettings:
    """Dice plus cross-entropy of a softmax; the defaults are the published loss.

    Attributes:
        dice_activation: Dice of a sigmoid of each class, as published, or of the softmax.
        lambda_dice, lambda_ce: weights of both terms.
        include_background: whether Dice counts class 0; cross-entropy always does.
        class_weights: one number for each class from 0, 0 or more; as in MONAI both terms take them.
        chunked: compute the same value and gradient part by part, with far less memory.
        chunk_voxels: how many voxels of the batch are in a part, at least one slice of each case; null: 2^16 on a CPU,
            whose caches hold them, and 2^20 on a GPU, where every part costs launches.

    Raises:
        ConfigError: a value is out of range; one fault a line.
    """

    dice_activation: DiceActivation = "sigmoid"
    lambda_dice: float = 1.0
    lambda_ce: float = 0.2
    include_background: bool = True
    class_weights: tuple[float, ...] | None = None
    chunked: bool = False
    chunk_voxels: int | None = None

    def __post_init__(self) -> None:
        faults = [*self._term_faults(), *self._weight_faults()]
        if self.dice_activation not in get_args(DiceActivation):
            known = ", ".join(get_args(DiceActivation))
            faults.append(f"dice_activation: one of {known} is expected, found {self.dice_activation!r}")
        if self.chunk_voxels is not None and self.chunk_voxels < 1:
            faults.append(f"chunk_voxels: 1 or more is expected, found {self.chunk_voxels}")
        if faults:
            raise ConfigError("\n".join(faults), code="loss-settings")

    def require_classes(self, classes: int) -> None:
        """Refuse logits of another number of classes than there are weights.

        Raises:
            ConfigError: they differ.
        """
        if self.class_weights is not None and len(self.class_weights) != classes:
            found = len(self.class_weights)
            raise ConfigError(
                f"class_weights: {classes} numbers are expected, one a class, found {found}", code="loss-settings"
            )

    def _term_faults(self) -> list[str]:
        terms = {"lambda_dice": self.lambda_dice, "lambda_ce": self.lambda_ce}
        faults = [f"{name}: 0 or more is expected, found {value}" for name, value in terms.items() if value < 0]
        if not any(terms.values()):
            faults.append("lambda_ce: lambda_dice and lambda_ce are both 0: there is nothing to learn from")
        return faults

    def _weight_faults(self) -> list[str]:
        weights = self.class_weights
        if weights is None or (weights and min(weights) >= 0 and max(weights) > 0):
            return []
        return [f"class_weights: numbers of 0 or more, one above 0, are expected, found {list(weights)}"]
