"""``deepstroke segment``: a head CT in, ASPECTS regions out."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import get_args

from deepstroke.atlas.clipping import Clip
from deepstroke.commands.console import console_progress, show, show_findings
from deepstroke.errors import DeepStrokeError
from deepstroke.inference.settings import BackendName, InferenceSettings
from deepstroke.options import Engine, Method, Start
from deepstroke.progress import within


def add_parser(commands: argparse._SubParsersAction, common: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser = commands.add_parser(
        "segment", parents=[common], help="segment the ten ASPECTS regions of each hemisphere on a head CT"
    )
    parser.add_argument(
        "path", metavar="PATH", type=Path, help="a DICOM folder, DICOMDIR or zip, a NIfTI or an NRRD file"
    )
    parser.add_argument("-o", "--output", metavar="OUT", type=Path, required=True, help="folder for the results")
    parser.add_argument("--series", metavar="UID", help="use this series instead of the best one")
    parser.add_argument("--method", choices=get_args(Method), default="auto", help="auto: what measurements favour")
    parser.add_argument("--engine", choices=get_args(Engine), default="auto", help="registration engine (auto: fast)")
    parser.add_argument("--device", default="auto", metavar="DEVICE", help="auto, cpu, cuda or cuda:N")
    parser.add_argument("--atlas", metavar="NAME", help="name or folder of the atlas whose regions are carried over")
    parser.add_argument("--template", metavar="NAME", help="atlas whose template the scan is registered to")
    parser.add_argument(
        "--clip", choices=get_args(Clip), default="none", help="cut regions to the brain, or also out of CSF"
    )
    parser.add_argument("--weights", metavar="NAME", help="name or file of the network's weights")
    parser.add_argument(
        "--model", metavar="NAME", help="find the infarct instead, by these weights of an asymmetry network (adn)"
    )
    parser.add_argument(
        "--flips",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="the network also sees the mirrored head, and both answers count (default)",
    )
    parser.add_argument(
        "--backend", choices=get_args(BackendName), default="auto", help="of the network (auto: the fastest)"
    )
    parser.add_argument(
        "--start", choices=get_args(Start), default="auto", help="of the registration (auto: the heads' moments)"
    )
    parser.add_argument(
        "--least-agreement", type=float, default=0.6, metavar="DICE", help="below it network and atlas part (0.6)"
    )
    parser.add_argument("--save-transform", action="store_true", help="also write the transform to the atlas (60 MB)")
    parser.add_argument("--no-score", action="store_true", help="leave out the measures of the regions and the score")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Segment, write all outputs and print the warnings; a refusal is recorded in ``OUT/rejected.json``."""
    from deepstroke.outputs import record_rejection
    from deepstroke.pipeline import segment

    if arguments.model is not None:
        _find_infarct(arguments)
        return
    try:
        with console_progress(arguments.quiet) as progress:
            result = segment(
                arguments.path,
                method=arguments.method,
                device=arguments.device,
                series=arguments.series,
                engine=arguments.engine,
                atlas=arguments.atlas,
                template=arguments.template,
                clip=arguments.clip,
                score=not arguments.no_score,
                weights=arguments.weights,
                start=arguments.start,
                inference=_inference(arguments),
                progress=within(progress, 0.0, 0.8),
            )
            result.save(arguments.output, within(progress, 0.8, 1.0), with_transform=arguments.save_transform)
    except DeepStrokeError as error:
        record_rejection(error, arguments.path, arguments.output)
        raise
    show_findings(result.findings)
    show(f"wrote {arguments.output}")


def _find_infarct(arguments: argparse.Namespace) -> None:
    from deepstroke.infarct import segment_infarct
    from deepstroke.outputs import record_rejection

    try:
        with console_progress(arguments.quiet) as progress:
            found = within(progress, 0.0, 0.9)
            result = segment_infarct(arguments.path, arguments.model, arguments.series, arguments.device, found)
            result.save(arguments.output)
    except DeepStrokeError as error:
        record_rejection(error, arguments.path, arguments.output)
        raise
    show_findings(result.findings)
    sides = f"left {result.left_ml:.1f} ml, right {result.right_ml:.1f} ml"
    show(f"infarct: {result.lesion.volume_ml():.1f} ml ({sides}); wrote {arguments.output}")


def _inference(arguments: argparse.Namespace) -> InferenceSettings:
    return InferenceSettings(
        backend=arguments.backend, flips=arguments.flips, least_agreement=arguments.least_agreement
    )
