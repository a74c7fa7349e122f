"""What ends a run before its time."""

from __future__ import annotations

from deepstroke.errors import DeepStrokeError, InputError


class TrainingError(DeepStrokeError):
    """Training can't go on; the message says at which step, why and what to try."""

    default_code = "training"


class CheckpointError(InputError):
    """A checkpoint is missing, damaged or of another network."""

    default_code = "checkpoint"
