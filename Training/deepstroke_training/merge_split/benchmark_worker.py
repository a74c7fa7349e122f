"""The process of one contender: ``python -m deepstroke_training.merge_split.benchmark_worker WORK FOLDER PHASE``.

Training and inference run in processes of their own, so that the most memory of each is its own. The last line on
standard output is JSON.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast

import numpy as np
import psutil
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from deepstroke.labels import MergePlan
from deepstroke_training.benchmarks.training_work import peak_memory_mb
from deepstroke_training.merge_split.benchmark_work import (
    PLAN_FILE,
    SLIDE_CASE_FILE,
    SLIDE_PLAN_FILE,
    BenchmarkCase,
    MergeWork,
    read_case,
    read_case_file,
)

_WEIGHTS = "{}.pt"
#: Volumes of many windows take long.
_MOST_SLIDES = 3
_MOMENTUM, _LEARNING_RATE, _POWER, _DECAY, _CLIP = 0.99, 0.01, 0.9, 3e-5, 12.0


@dataclass(frozen=True)
class PhaseTimes:
    """What a process measured.

    Attributes:
        wall_s, cpu_s: of each step or volume.
        rest_mb: memory before the first.
        peak_mb: most memory; of PyTorch's allocations on a GPU.
        dice: mean over the labels, of each held-out case (inference alone).
    """

    wall_s: tuple[float, ...]
    cpu_s: tuple[float, ...]
    rest_mb: float
    peak_mb: float
    dice: tuple[float, ...] = ()


def main(arguments: list[str]) -> int:
    """Do one phase and write what it took."""
    work, folder = MergeWork(**json.loads(arguments[0])), Path(arguments[1])
    torch.backends.cudnn.benchmark = True
    phases: dict[str, Callable[[MergeWork, Path], PhaseTimes]] = {"train": train, "infer": infer, "slide": slide}
    times = phases[arguments[2]](work, folder)
    sys.stdout.write(json.dumps(asdict(times)) + "\n")
    return 0


def train(work: MergeWork, folder: Path) -> PhaseTimes:
    """Train by the paper's policy and keep the weights; the first step isn't counted."""
    plan = MergePlan.load(folder / PLAN_FILE)
    cases = [_target(read_case(folder, number), plan, work) for number in range(work.training_cases)]
    network = work.network(_channels(work, plan)).to(work.device).train()
    loss = work.loss().to(work.device)
    optimizer = torch.optim.SGD(network.parameters(), _LEARNING_RATE, _MOMENTUM, weight_decay=_DECAY, nesterov=True)
    order = np.random.default_rng(work.seed)

    def step(number: int) -> None:
        for group in optimizer.param_groups:
            group["lr"] = _LEARNING_RATE * (1 - number / work.steps) ** _POWER
        chosen = [cases[each] for each in order.integers(len(cases), size=work.batch)]
        image, target = (torch.cat(parts).to(work.device) for parts in zip(*chosen, strict=True))
        optimizer.zero_grad(set_to_none=True)
        loss(network(image), target).backward()
        nn.utils.clip_grad_norm_(network.parameters(), _CLIP)
        optimizer.step()

    times = _measure(step, work.steps, work.device)
    torch.save(network.state_dict(), folder / _WEIGHTS.format(work.name))
    return times


def infer(work: MergeWork, folder: Path) -> PhaseTimes:
    """Segment each held-out case at once, splitting included; the first is also done once before, uncounted."""
    plan = MergePlan.load(folder / PLAN_FILE)
    network = work.network(_channels(work, plan)).eval()
    network.load_state_dict(torch.load(folder / _WEIGHTS.format(work.name), weights_only=True))
    network.to(work.device)
    first = work.training_cases
    cases = [read_case(folder, first + number) for number in range(work.held_out_cases)]
    dices: list[float] = []

    def segment(number: int) -> None:
        case = cases[max(number - 1, 0)]
        with torch.inference_mode():
            labels = network(case.image_batch(work.device)).argmax(dim=1)[0].to(torch.int16).cpu().numpy()
        found = plan.split(labels) if work.merged else labels
        dices.append(mean_dice(found, case.labels))

    times = _measure(segment, len(cases) + 1, work.device)
    return PhaseTimes(times.wall_s, times.cpu_s, times.rest_mb, times.peak_mb, tuple(dices[1:]))


def slide(work: MergeWork, folder: Path) -> PhaseTimes:
    """Segment a larger volume by windows that overlap by half, splitting included; with weights as they begin.

    The windows' outputs are weighed by a Gaussian and summed up on the device, as nnU-Net does it.
    """
    from monai.inferers import SlidingWindowInferer

    plan = MergePlan.load(folder / SLIDE_PLAN_FILE)
    network = work.network(_channels(work, plan)).eval().to(work.device)
    image = read_case_file(folder / SLIDE_CASE_FILE).image_batch(work.device)
    windows = SlidingWindowInferer((work.size,) * 3, overlap=0.5, mode="gaussian")

    def segment(_: int) -> None:
        with torch.inference_mode():
            channels = cast(Tensor, windows(image, network))
            labels = channels.argmax(dim=1)[0].to(torch.int16).cpu().numpy()
        if work.merged:
            plan.split(labels)

    return _measure(segment, min(work.held_out_cases, _MOST_SLIDES), work.device)


def mean_dice(found: NDArray, truth: NDArray) -> float:
    """Mean of the labels' Dice, of those that the truth has, background left out."""
    top = int(max(found.max(), truth.max())) + 1
    both = np.bincount(truth[found == truth], minlength=top)
    total = np.bincount(found.ravel(), minlength=top) + np.bincount(truth.ravel(), minlength=top)
    there = np.bincount(truth.ravel(), minlength=top) > 0
    there[0] = False
    return float(np.mean(2 * both[there] / total[there]))


def _channels(work: MergeWork, plan: MergePlan) -> int:
    return plan.n_merged if work.merged else plan.n_labels


def _target(case: BenchmarkCase, plan: MergePlan, work: MergeWork) -> tuple[Tensor, Tensor]:
    labels = plan.merge(case.labels) if work.merged else case.labels
    return case.image_batch("cpu"), torch.from_numpy(labels.astype(np.uint8 if labels.max() < 256 else np.int16))[
        None, None
    ]


def _measure(work: Callable[[int], None], times: int, device: str) -> PhaseTimes:
    rest = _memory_mb(device, peak=False)
    wall, cpu = [], []
    for number in range(times):
        began = time.perf_counter(), time.process_time()
        work(number)
        if device == "cuda":
            torch.cuda.synchronize()
        wall.append(time.perf_counter() - began[0])
        cpu.append(time.process_time() - began[1])
    counted = slice(1 if times > 1 else 0, None)
    return PhaseTimes(tuple(wall[counted]), tuple(cpu[counted]), rest, _memory_mb(device, peak=True))


def _memory_mb(device: str, peak: bool) -> float:
    if device == "cuda":
        return (torch.cuda.max_memory_allocated() if peak else torch.cuda.memory_allocated()) / 1e6
    return peak_memory_mb() if peak else psutil.Process().memory_info().rss / 1e6


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
