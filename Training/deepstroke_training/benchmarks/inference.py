"""The benchmark ``inference``: from a scan to labels, stage by stage, and the network's stage against nnU-Net's.

Contenders take turns on one prepared volume in one process, with the same network; what each does there is written in
``inference_contenders``. Stages are those of ``deepstroke segment``, the network's route and the atlas's.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from torch import Tensor

from deepstroke import __version__
from deepstroke.commands.console import table
from deepstroke.devices import Device, choose_device
from deepstroke.inference import InferenceSettings, NetworkSegmenter, find_weights
from deepstroke.inference.backends import CONVERSION_S
from deepstroke.inference.predict import shown_of
from deepstroke.inference.preparation import head_on_grid, network_image
from deepstroke.loading import load_scan
from deepstroke.nifti import write_json
from deepstroke.preprocess.brain import analyse_head
from deepstroke.progress import Progress, silent, within
from deepstroke.resources import resources_folder
from deepstroke_training.benchmarks.inference_contenders import NNUNET, REFERENCE, Contender, make_contenders
from deepstroke_training.benchmarks.inference_stages import Scan, StageTimes, thin_scan, time_routes
from deepstroke_training.benchmarks.timing import Lap, timed

#: How much faster than nnU-Net's predictor ours is to be.
TARGET_SPEEDUP = 1.5
#: For so long each contender computes before it is measured; by then ours has chosen its backend for good.
WARM_UP_S = CONVERSION_S + 1.0


@dataclass(frozen=True)
class ContenderTimes:
    """One contender on the prepared volume.

    Attributes:
        name: of what computes.
        first: of its first call.
        laps: of the calls that count.
        agreement: share of voxels with the same label as PyTorch in 32 bits.
        largest_difference: of its logits from PyTorch's in 32 bits.
    """

    name: str
    first: Lap
    laps: tuple[Lap, ...]
    agreement: float
    largest_difference: float

    @property
    def wall_s(self) -> float:
        """Median by the clock."""
        return median(lap.wall_s for lap in self.laps)

    @property
    def cpu_s(self) -> float:
        """Median of the process's processor time."""
        return median(lap.cpu_s for lap in self.laps)


@dataclass(frozen=True)
class InferenceBenchmark:
    """Everything that was measured.

    Attributes:
        machine: processor and versions.
        device: where the network computed.
        threads: of PyTorch and OpenVINO on a processor.
        weights: their name and sha256.
        shape: of the prepared volume.
        contenders: of the network's stage.
        scans: stages of both routes on each scan.
        skipped: why a contender or scan is missing, by name.
        load: the machine's load average before.
    """

    machine: str
    device: str
    threads: int
    weights: Mapping[str, str]
    shape: tuple[int, int, int]
    contenders: tuple[ContenderTimes, ...]
    scans: tuple[StageTimes, ...]
    skipped: Mapping[str, str] = field(default_factory=dict)
    load: float = 0.0

    @property
    def speedup(self) -> float | None:
        """How many times faster than nnU-Net's predictor the default is, by the clock; None without nnU-Net."""
        peers = [each for each in self.contenders if each.name == NNUNET]
        return peers[0].wall_s / self.contenders[0].wall_s if peers else None

    def as_dict(self) -> dict[str, Any]:
        """The figures for JSON."""
        return {
            "benchmark": "inference",
            "version": __version__,
            "machine": self.machine,
            "load_before": self.load,
            "device": self.device,
            "threads": self.threads,
            "weights": dict(self.weights),
            "shape": list(self.shape),
            "speedup_over_nnunet": self.speedup,
            "target_speedup": TARGET_SPEEDUP,
            "contenders": [asdict(each) | {"wall_s": each.wall_s, "cpu_s": each.cpu_s} for each in self.contenders],
            "scans": [each.as_dict() for each in self.scans],
            "skipped": dict(self.skipped),
        }

    def table(self) -> str:
        """The figures as text."""
        parts = [table(header, rows) for header, rows in self._tables()]
        return "\n\n".join([*parts, "\n".join(self._remarks())])

    def markdown(self) -> str:
        """The same for a page."""
        pages = []
        for header, rows in self._tables():
            lines = [header, ["---"] * len(header), *rows]
            pages.append("\n".join(f"| {' | '.join(line)} |" for line in lines))
        return "\n\n".join([*pages, "\n".join(f"- {text}" for text in self._remarks())])

    def _tables(self) -> list[tuple[list[str], list[list[str]]]]:
        network = [self._row(each) for each in self.contenders]
        stages = [row for scan in self.scans for row in scan.rows()]
        return [
            (
                ["network", "wall s", "CPU s", "first wall s", "same labels", "largest difference", "times slower"],
                network,
            ),
            (["scan", "stage", "wall s", "CPU s"], stages),
        ]

    def _row(self, each: ContenderTimes) -> list[str]:
        slower = each.wall_s / self.contenders[0].wall_s
        times = [f"{value:.3f}" for value in (each.wall_s, each.cpu_s, each.first.wall_s)]
        return [each.name, *times, f"{each.agreement:.4%}", f"{each.largest_difference:.1e}", f"{slower:.2f}"]

    def _remarks(self) -> list[str]:
        shape = " x ".join(str(n) for n in self.shape)
        texts = [
            f"weights {self.weights['name']}, one look at {shape} voxels, {len(self.contenders[0].laps)} turns",
            f"{self.machine}, {self.device}, {self.threads} threads, load before: {self.load:.1f}",
        ]
        if self.speedup is not None:
            texts.insert(0, f"{self.speedup:.2f} times as fast as nnU-Net's predictor (target: {TARGET_SPEEDUP})")
        return [*texts, *(f"not measured: {name}: {why}" for name, why in self.skipped.items())]


def run(
    weights: str | Path | None = None,
    scans: Sequence[Path] = (),
    rounds: int = 5,
    device: str = "auto",
    threads: int | None = None,
    thin_mm: float | None = 1.25,
    output: Path | None = None,
    progress: Progress = silent,
) -> InferenceBenchmark:
    """Measure inference.

    Args:
        weights: name or file of the network's weights; those used by default without one.
        scans: DICOM folders, NIfTI or NRRD files, the first of which is what the network's contenders see; without
            any the sample scan.
        rounds: turns of each contender.
        device: where the network computes.
        threads: of PyTorch and OpenVINO on a processor; as many as PyTorch has without it.
        thin_mm: slice distance of a synthetic scan that is made and measured too; None leaves it out.
        output: a JSON file for the figures; a page with the tables is written beside it (``.md``).
        progress: told how far it is.

    Raises:
        WeightsError: there are no weights, or they can't be used.
        InputError: a scan is refused.
    """
    threads = threads or torch.get_num_threads()
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        result = _measured(find_weights(weights), scans, rounds, choose_device(device), threads, thin_mm, progress)
    finally:
        torch.set_num_threads(before)
    if output is not None:
        write_json(result.as_dict(), output)
        page = f"`deepstroke-train bench inference`\n\n{result.markdown()}\n"
        output.with_suffix(".md").write_text(page, encoding="utf-8")
    progress(1.0, "done")
    return result


def _measured(
    weights: Path,
    scans: Sequence[Path],
    rounds: int,
    device: Device,
    threads: int,
    thin_mm: float | None,
    progress: Progress,
) -> InferenceBenchmark:
    load = os.getloadavg()[0]
    paths = list(scans) or [resources_folder() / "SampleScan" / "series"]
    progress(0.0, f"preparing {paths[0].name}")
    segmenter = NetworkSegmenter.load(weights, device, InferenceSettings())
    image = _prepared_image(segmenter, paths[0])
    contenders, skipped = make_contenders(weights, device, tuple(image.shape))
    figures = _take_turns(contenders, image, rounds, within(progress, 0.1, 0.4))
    wanted = [Scan(path.parent.name if path.name == "series" else path.name, load_scan(path)) for path in paths]
    if thin_mm is not None:
        progress(0.4, f"making a scan of {thin_mm:g} mm slices")
        wanted.append(thin_scan(thin_mm))
    stages = []
    for number, scan in enumerate(wanted):
        part = within(progress, 0.5 + 0.5 * number / len(wanted), 0.5 + 0.5 * (number + 1) / len(wanted))
        stages.append(time_routes(scan, weights, device, part))
    return InferenceBenchmark(
        machine=_machine(),
        device=device.description,
        threads=threads,
        weights={"name": segmenter.manifest.name, "sha256": segmenter.manifest.sha256},
        shape=(image.shape[0], image.shape[1], image.shape[2]),
        contenders=figures,
        scans=tuple(stages),
        skipped=skipped,
        load=load,
    )


def _prepared_image(segmenter: NetworkSegmenter, path: Path) -> np.ndarray:
    """What the network is shown of a scan at its first look."""
    scan = load_scan(path).volume
    brain = analyse_head(scan).brain
    head = head_on_grid(scan, brain.mask, segmenter.predictor.first_grid(scan, brain))
    return network_image(head, shown_of(segmenter.manifest), segmenter.manifest.input.hu_range)


def _take_turns(
    contenders: Sequence[Contender], image: np.ndarray, rounds: int, progress: Progress
) -> tuple[ContenderTimes, ...]:
    """Each contender for a while, then all of them in turns."""
    firsts: dict[str, Lap] = {}
    outputs: dict[str, Tensor] = {}
    laps: dict[str, list[Lap]] = {each.name: [] for each in contenders}
    for each in contenders:
        progress(0.0, f"warming up {each.name}")
        outputs[each.name], firsts[each.name] = timed(partial(each.apply, image))
        began = time.perf_counter()
        while time.perf_counter() - began < WARM_UP_S:
            each.apply(image)
    for number in range(rounds):
        for each in contenders:
            progress(number / rounds, f"round {number + 1} of {rounds}: {each.name}")
            laps[each.name].append(timed(partial(each.apply, image))[1])
    reference = outputs[REFERENCE]
    return tuple(
        ContenderTimes(
            name,
            firsts[name],
            tuple(laps[name]),
            float((output.argmax(0) == reference.argmax(0)).float().mean()),
            float((output - reference).abs().max()),
        )
        for name, output in outputs.items()
    )


def _machine() -> str:
    versions = [f"Python {platform.python_version()}", f"PyTorch {torch.__version__}"]
    for package in ("openvino", "nnunetv2"):
        with suppress(PackageNotFoundError):
            versions.append(f"{package} {version(package)}")
    return f"{platform.machine()} {platform.system()}, {', '.join(versions)}"
