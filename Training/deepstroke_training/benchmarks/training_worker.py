"""The process of one contender: ``python -m deepstroke_training.benchmarks.training_worker '{"trainer": "plain"}'``.

It takes orders on standard input and answers on standard output, where nothing else may write.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from contextlib import suppress

import torch

from deepstroke.errors import DeepStrokeError
from deepstroke_training.benchmarks.training_work import GatedBatches, NoMoreOrdersError, TrainerName, Work


def main() -> int:
    """Train as ordered until there are no more orders."""
    work = Work(**json.loads(sys.argv[1]))
    with os.fdopen(os.dup(sys.stdout.fileno()), "w") as answers:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # trainers print
        sys.stdout = sys.stderr  # so that what they print stands before an error, not after it
        torch.set_num_threads(work.threads)
        torch.backends.cudnn.benchmark = True  # as ours and nnU-Net's have it
        try:
            with suppress(NoMoreOrdersError):
                _trainer(work.trainer)(work, GatedBatches(work, sys.stdin, answers))
        except DeepStrokeError as error:
            answers.write(f"refused {json.dumps(str(error))}\n")
    return 0


def _trainer(name: TrainerName) -> Callable[[Work, GatedBatches], None]:
    if name == "deepstroke":
        from deepstroke_training.benchmarks.training_ours import train
    elif name == "nnunet":
        from deepstroke_training.benchmarks.training_nnunet import train
    else:
        from deepstroke_training.benchmarks.training_plain import train
    return train


if __name__ == "__main__":
    raise SystemExit(main())
