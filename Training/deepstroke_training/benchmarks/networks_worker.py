"""The process of one network: ``python -m deepstroke_training.benchmarks.networks_worker WORK.json FOLDER NUMBER``.

Each network trains and segments in a process of its own, so that its memory is its own. The last line on standard
output is JSON.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import psutil
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from deepstroke.regions import REGIONS
from deepstroke_training.benchmarks.networks_work import HeadCase, NetworksWork, read_case
from deepstroke_training.benchmarks.training_work import peak_memory_mb
from deepstroke_training.configuration import fill

_BETAS, _CLIP, _RISE = (0.9, 0.999), 1.0, 0.2


@dataclass(frozen=True)
class NetworkFigures:
    """What one network took and gave.

    Attributes:
        parameters: learnt numbers.
        steps: that it took within the budget.
        step_s: median of a step, and ``infer_s`` of a held-out head: processor time, on a GPU by the clock.
        train_s: all steps together.
        train_mb: most memory of training beyond what lay there before.
        dice: of each held-out case (cases, 10): none where a case lacks the region.
    """

    parameters: int
    steps: int
    step_s: float
    infer_s: float
    train_s: float
    train_mb: float
    dice: tuple[tuple[float | None, ...], ...]


def main(arguments: list[str]) -> int:
    """Train and test one network, and write its figures."""
    work = fill(NetworksWork, json.loads(Path(arguments[0]).read_text(encoding="utf-8")))
    figures = measure(work, Path(arguments[1]), int(arguments[2]))
    sys.stdout.write(json.dumps(asdict(figures)) + "\n")
    return 0


def measure(work: NetworksWork, folder: Path, number: int) -> NetworkFigures:
    """Train one network on the training cases and segment the held-out ones."""
    cases = [read_case(folder, each) for each in range(work.training_cases + work.held_out_cases)]
    network = work.network(number).to(work.device)
    rest_mb = _memory_mb(work.device, peak=False)
    steps = _train(work, network.train(), cases[: work.training_cases], work.networks[number].lr or work.lr)
    train_mb = _memory_mb(work.device, peak=True) - rest_mb
    network.eval()
    held_out = cases[work.training_cases :]
    _segment(work, network, held_out[0])  # the first is slower
    tested = [_tested(work, network, case) for case in held_out]
    return NetworkFigures(
        parameters=sum(each.numel() for each in network.parameters()),
        steps=len(steps),
        step_s=float(np.median(steps[1:] or steps)),
        infer_s=float(np.median([seconds for seconds, _ in tested])),
        train_s=float(sum(steps)),
        train_mb=train_mb,
        dice=tuple(dice for _, dice in tested),
    )


def region_dice(found: NDArray, truth: NDArray) -> tuple[float | None, ...]:
    """Dice of the regions 1..10; none where the truth lacks one."""
    values: list[float | None] = []
    for region in range(1, len(REGIONS) + 1):
        here, there = found == region, truth == region
        values.append(float(2 * (here & there).sum() / (here.sum() + there.sum())) if there.any() else None)
    return tuple(values)


def rate_factor(share: float) -> float:
    """One cycle: from 0 to 1 over the first fifth of the budget, then as a cosine to 0."""
    if share < _RISE:
        return max(share, 0.01) / _RISE
    return 0.5 * (1 + float(np.cos(np.pi * min((share - _RISE) / (1 - _RISE), 1))))


def _train(work: NetworksWork, network: nn.Module, cases: list[HeadCase], lr: float) -> list[float]:
    """Seconds of each step."""
    loss = work.loss_function().to(work.device)
    optimizer = torch.optim.AdamW(network.parameters(), lr, _BETAS, weight_decay=work.weight_decay)
    order = np.random.default_rng([work.seed, 6])
    seconds: list[float] = []
    while len(seconds) < work.steps and (work.seconds is None or sum(seconds) < work.seconds):
        began = _clock(work)
        share = max(len(seconds) / work.steps, sum(seconds) / work.seconds if work.seconds else 0.0)
        for group in optimizer.param_groups:
            group["lr"] = lr * rate_factor(share)
        image, labels = _batch(work, [cases[each] for each in order.integers(len(cases), size=work.batch)])
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(work.device, torch.bfloat16, enabled=work.precision == "bf16"):
            logits = network(image)
        loss(logits.float(), labels).backward()
        nn.utils.clip_grad_norm_(network.parameters(), _CLIP)
        optimizer.step()
        seconds.append(_clock(work) - began)
    return seconds


def _tested(work: NetworksWork, network: nn.Module, case: HeadCase) -> tuple[float, tuple[float | None, ...]]:
    began = _clock(work)
    found = _segment(work, network, case)
    return _clock(work) - began, region_dice(found, case.labels)


def _segment(work: NetworksWork, network: nn.Module, case: HeadCase) -> NDArray[np.uint8]:
    with torch.inference_mode():
        return network(_batch(work, [case])[0]).argmax(dim=1)[0].to(torch.uint8).cpu().numpy()


def _batch(work: NetworksWork, cases: list[HeadCase]) -> tuple[Tensor, Tensor]:
    image = torch.from_numpy(np.stack([case.image for case in cases]))[:, None]
    labels = torch.from_numpy(np.stack([case.labels for case in cases]))[:, None]
    return image.to(work.device), labels.to(work.device)


def _clock(work: NetworksWork) -> float:
    if work.device == "cuda":
        torch.cuda.synchronize()
        return time.perf_counter()
    return time.process_time()


def _memory_mb(device: str, peak: bool) -> float:
    if device == "cuda":
        return (torch.cuda.max_memory_allocated() if peak else torch.cuda.memory_allocated()) / 1e6
    return peak_memory_mb() if peak else psutil.Process().memory_info().rss / 1e6


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
