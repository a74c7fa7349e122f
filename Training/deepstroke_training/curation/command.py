"""``deepstroke-train curate``: hospital media in, data set out."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import get_args

from deepstroke.commands.console import console_progress, show
from deepstroke.register.settings import FastSettings
from deepstroke_training.curation.settings import CurationSettings, Selection, coarse_registration

_DESCRIPTION = """\
Find every series on DICOM media, judge it, and make a data set of the usable head CTs: HU, brain, registration to the
atlas's template, regions, figures and pictures of quality. Started again after it was killed, it goes on where it
stood. Names in the data set are salted hashes; the salt and the names of files lie in DATASET.private, which must not
be given away with the data set."""


def add_parser(commands: argparse._SubParsersAction, common: argparse.ArgumentParser) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "curate", parents=[common], help="make a data set from hospital media", description=_DESCRIPTION
    )
    parser.add_argument("media", metavar="MEDIA", nargs="+", type=Path, help="folder, DICOMDIR or archive")
    parser.add_argument("-o", "--output", metavar="DATASET", type=Path, required=True, help="folder of the data set")
    places = parser.add_argument_group("where it runs")
    places.add_argument("--scheduler", metavar="ADDRESS", help="running dask scheduler, such as tcp://node1:8786")
    places.add_argument("--workers", metavar="N", type=int, help="processes on this machine (default: one a core)")
    places.add_argument("--device", default="cpu", help="of the registration: cpu (default), cuda or auto")
    secrets = parser.add_argument_group("what stays outside the data set")
    secrets.add_argument("--salt-file", metavar="F", type=Path, help="the same salt gives the same names")
    secrets.add_argument("--private", metavar="FOLDER", type=Path, help="instead of DATASET.private")
    work = parser.add_argument_group("what is done")
    work.add_argument("--atlas", metavar="NAME", help="name or folder of the atlas (default: the embedded one)")
    work.add_argument("--select", choices=get_args(Selection), default="every", help="which usable series become cases")
    work.add_argument("--coarse", action="store_true", help="register at 4 mm, to try a run out; not to train on")
    work.add_argument(
        "--no-second-pass", action="store_true", help="don't refine labels by the overlay of a series that carries one"
    )
    work.add_argument("--index-only", action="store_true", help="stop when index.csv says what would become a case")
    work.add_argument("--retry", action="store_true", help="try quarantined cases again")
    work.add_argument(
        "--reserve-mb", metavar="MB", type=float, default=500.0, help="stop when less is free (default 500)"
    )
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> None:
    from deepstroke_training.curation.run import curate_media

    settings = CurationSettings(
        atlas=arguments.atlas,
        device=arguments.device,
        second_pass=not arguments.no_second_pass,
        selection=arguments.select,
        reserve_mb=arguments.reserve_mb,
        registration=coarse_registration() if arguments.coarse else FastSettings(),
    )
    with console_progress(arguments.quiet) as progress:
        report = curate_media(
            arguments.media,
            arguments.output,
            settings,
            scheduler=arguments.scheduler,
            workers=arguments.workers,
            salt_file=arguments.salt_file,
            private=arguments.private,
            index_only=arguments.index_only,
            retry=arguments.retry,
            progress=progress,
        )
    show(report.summary())
