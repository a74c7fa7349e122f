"""``deepstroke-train bench NAME``: one part measured against its peers on the same work in the same run."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from deepstroke.commands.console import console_progress, show
from deepstroke.progress import Progress


class Figures(Protocol):
    """What a benchmark gives."""

    def table(self) -> str:
        """The figures as text."""
        ...


def add_parser(commands: argparse._SubParsersAction, common: argparse.ArgumentParser) -> None:
    """Add ``bench`` with a command of its own for each benchmark."""
    parser = commands.add_parser(
        "bench", parents=[common], help="measure one part against its peers on the same work in the same run"
    )
    names = parser.add_subparsers(title="benchmarks", metavar="NAME", required=True)
    registration = _add(names, common, "registration", _registration, "engines on pairs of known truth")
    registration.add_argument("--pairs", type=int, default=4, help="number of synthetic pairs (default 4)")
    curation = _add(names, common, "curation", _curation, "index, throughput, and media against their truth")
    curation.add_argument("--cases", type=int, default=4, help="synthetic heads for the throughput (default 4)")
    curation.add_argument("--patients", type=int, default=4, help="patients of the synthetic media (default 4)")
    curation.add_argument("--cohort", metavar="FOLDER", type=Path, help="media with truth made by synthesize")
    curation.add_argument("--coarse", action="store_true", help="compare workers at reduced settings")
    training = _add(names, common, "training", _training, "a step of our trainer, a plain loop and nnU-Net")
    training.add_argument("--size", type=int, default=64, help="edge of the volume in voxels (default 64)")
    training.add_argument("--batch", type=int, default=2, help="volumes of a batch (default 2)")
    training.add_argument("--base-channels", type=int, default=8, help="of the network (default 8)")
    training.add_argument("--steps", type=int, default=20, help="measured steps (default 20)")
    training.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    inference = _add(names, common, "inference", _inference, "scan to labels by stages, and nnU-Net's predictor")
    inference.add_argument("scans", metavar="SCAN", type=Path, nargs="*", help="DICOM folder, NIfTI or NRRD file")
    inference.add_argument("--weights", metavar="NAME", help="name or file of the network's weights")
    inference.add_argument("--rounds", type=int, default=5, help="turns of each contender (default 5)")
    inference.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    inference.add_argument("--threads", type=int, help="of a processor (default: as PyTorch has)")
    inference.add_argument("--thin-mm", type=float, default=1.25, help="slices of a synthetic scan; 0: none")
    merge_split = _add(names, common, "merge-split", _merge_split, "a network on all labels and on merged ones")
    merge_split.add_argument("--labels", type=int, default=108, help="of the parcellation (default 108)")
    merge_split.add_argument("--size", type=int, default=64, help="edge of the volume in voxels (default 64)")
    merge_split.add_argument("--batch", type=int, default=2, help="volumes of a batch (default 2)")
    merge_split.add_argument("--base-channels", type=int, default=32, help="of the DynUNet (default 32)")
    merge_split.add_argument("--depth", type=int, default=5, help="halvings of the DynUNet (default 5)")
    merge_split.add_argument("--cases", type=int, default=6, help="training cases (default 6)")
    merge_split.add_argument("--held-out", type=int, default=4, help="held-out cases (default 4)")
    merge_split.add_argument("--steps", type=int, default=8, help="of training (default 8)")
    merge_split.add_argument(
        "--slide-size", type=int, default=0, help="measure inference by windows through a cube of so many voxels"
    )
    merge_split.add_argument("--chunked", action="store_true", help="with the loss by chunks")
    merge_split.add_argument("--device", default="auto", help="auto, cpu or cuda")
    networks = _add(names, common, "networks", _networks, "UNet3D, DynUNet and SwinUNETR, and where they err")
    networks.add_argument("--steps", type=int, default=200, help="of training each (default 200)")
    networks.add_argument("--seconds", type=float, help="or so many of processor time (on a GPU of the clock) each")
    networks.add_argument("--cases", type=int, default=60, help="training heads (default 60)")
    networks.add_argument("--held-out", type=int, default=24, help="held-out heads (default 24)")
    networks.add_argument("--device", default="auto", help="auto, cpu or cuda")
    appearance = _add(names, common, "appearance", _appearance, "noise and HU of synthetic scans beside real ones")
    appearance.add_argument("--real", metavar="STUDY", type=Path, nargs="+", default=[], help="folders of real studies")
    appearance.add_argument(
        "--synthetic", metavar="STUDY", type=Path, nargs="+", default=[], help="of synthesize --dicom"
    )


def _add(
    names: argparse._SubParsersAction,
    common: argparse.ArgumentParser,
    name: str,
    work: Callable[[argparse.Namespace, Progress], Figures],
    help_text: str,
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = names.add_parser(name, parents=[common], help=help_text)
    parser.add_argument("-o", "--output", metavar="F", type=Path, help="write the figures to this JSON file")
    parser.set_defaults(run=lambda arguments: _run(arguments, work))
    return parser


def _run(arguments: argparse.Namespace, work: Callable[[argparse.Namespace, Progress], Figures]) -> None:
    with console_progress(arguments.quiet) as progress:
        figures = work(arguments, progress)
    show(figures.table())


def _registration(arguments: argparse.Namespace, progress: Progress) -> Figures:
    from deepstroke_training.benchmarks import registration

    return registration.run(pairs=arguments.pairs, output=arguments.output, progress=progress)


def _curation(arguments: argparse.Namespace, progress: Progress) -> Figures:
    from deepstroke_training.benchmarks import curation

    return curation.run(
        arguments.cases, arguments.coarse, arguments.patients, arguments.cohort, arguments.output, progress
    )


def _training(arguments: argparse.Namespace, progress: Progress) -> Figures:
    from deepstroke_training.benchmarks import training

    return training.run(
        arguments.size,
        arguments.batch,
        arguments.base_channels,
        arguments.steps,
        arguments.device,
        output=arguments.output,
        progress=progress,
    )


def _inference(arguments: argparse.Namespace, progress: Progress) -> Figures:
    from deepstroke_training.benchmarks import inference

    return inference.run(
        arguments.weights,
        arguments.scans,
        arguments.rounds,
        arguments.device,
        arguments.threads,
        arguments.thin_mm or None,
        arguments.output,
        progress,
    )


def _merge_split(arguments: argparse.Namespace, progress: Progress) -> Figures:
    from deepstroke_training.merge_split import benchmark
    from deepstroke_training.merge_split.benchmark_work import MergeWork

    work = MergeWork(
        labels=arguments.labels,
        size=arguments.size,
        batch=arguments.batch,
        base_channels=arguments.base_channels,
        depth=arguments.depth,
        training_cases=arguments.cases,
        held_out_cases=arguments.held_out,
        steps=arguments.steps,
        device=benchmark.choose_device(arguments.device),
        chunked=arguments.chunked,
        slide_size=arguments.slide_size,
    )
    return benchmark.run(work, arguments.output, progress)


def _networks(arguments: argparse.Namespace, progress: Progress) -> Figures:
    from deepstroke_training.benchmarks import networks
    from deepstroke_training.benchmarks.networks_work import NetworksWork
    from deepstroke_training.merge_split.benchmark import choose_device

    work = NetworksWork(
        steps=arguments.steps,
        seconds=arguments.seconds,
        training_cases=arguments.cases,
        held_out_cases=arguments.held_out,
        device=choose_device(arguments.device),
    )
    return networks.run(work, arguments.output, progress)


def _appearance(arguments: argparse.Namespace, progress: Progress) -> Figures:
    from deepstroke_training.benchmarks import appearance

    return appearance.run(arguments.real, arguments.synthetic, arguments.output, progress)
