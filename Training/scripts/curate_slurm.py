#!/usr/bin/env python3
"""Curate on SLURM: dask-jobqueue asks for nodes, each runs one worker a core, and the run goes on as nodes come and go.

Run it on a node that may stay up for the whole run (inside ``tmux`` or as a job of one core), with media and data set
on a file system that all nodes share:

    python Training/scripts/curate_slurm.py --nodes 20 --cores 24 --partition cpu -- MEDIA... -o DATASET

What stands after ``--`` is that of ``deepstroke-train curate``. Killed or out of time, it is simply started again.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from deepstroke_training.cli import main as train

if TYPE_CHECKING:
    from dask_jobqueue import SLURMCluster


def build_parser() -> argparse.ArgumentParser:
    """What is asked of SLURM; the rest goes to ``deepstroke-train curate``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, default=1, help="number of jobs, one a node (default 1)")
    parser.add_argument("--cores", type=int, default=24, help="cores, and so workers, of a job (default 24)")
    parser.add_argument("--memory", default="96GB", help="memory of a job (default 96GB: 4 GB a worker)")
    parser.add_argument("--walltime", default="12:00:00", help="of a job (default 12:00:00)")
    parser.add_argument("--partition", help="SLURM partition")
    parser.add_argument("--account", help="SLURM account")
    parser.add_argument("--interface", help="network interface that the nodes share, such as ib0")
    parser.add_argument("--show-job", action="store_true", help="print the job script and stop")
    parser.add_argument("curate", nargs=argparse.REMAINDER, help="-- MEDIA... -o DATASET [options]")
    return parser


def open_cluster(arguments: argparse.Namespace) -> SLURMCluster:
    """A cluster of one job a node with a worker of one thread for each core."""
    from dask_jobqueue import SLURMCluster

    return SLURMCluster(
        cores=arguments.cores,
        processes=arguments.cores,
        memory=arguments.memory,
        walltime=arguments.walltime,
        queue=arguments.partition,
        account=arguments.account,
        interface=arguments.interface,
        job_name="deepstroke-curate",
        job_script_prologue=["export OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1"],
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Ask SLURM for nodes and curate on them; the exit status is that of ``deepstroke-train``."""
    arguments = build_parser().parse_args(argv)
    options = [part for part in arguments.curate if part != "--"]
    with open_cluster(arguments) as cluster:
        if arguments.show_job:
            sys.stdout.write(cluster.job_script())
            return 0
        cluster.scale(jobs=arguments.nodes)
        return train(["curate", *options, "--scheduler", cluster.scheduler_address])


if __name__ == "__main__":
    sys.exit(main())
