"""Make many cases at once by processes, one crowd of them at a time in a folder."""

from __future__ import annotations

import contextlib
import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from deepstroke.errors import DeepStrokeError, InputError
from deepstroke.progress import Progress, silent

#: Makes one case; for more than one process it must be picklable.
Job = Callable[[], None]


def run_jobs(jobs: Sequence[Job], processes: int = 1, progress: Progress = silent, what: str = "case") -> None:
    """Run all jobs, here or in processes that are started anew and use one thread each.

    Args:
        jobs: in the order in which they are begun.
        processes: 1 to work in this process.
        progress: told after each job.
        what: is made, for the progress.

    Raises:
        DeepStrokeError: a job failed; jobs that have not begun are dropped.
    """

    def tell(done: int) -> None:
        progress(done / len(jobs), f"{what} {done} of {len(jobs)}")

    if min(processes, len(jobs)) <= 1:
        for done, job in enumerate(jobs, start=1):
            job()
            tell(done)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(processes, len(jobs)), context, use_one_thread) as pool:
        futures = [pool.submit(job) for job in jobs]
        try:
            for done, future in enumerate(as_completed(futures), start=1):
                future.result()
                tell(done)
        except BrokenProcessPool as error:
            raise DeepStrokeError(
                f"a process that makes a {what} was killed, perhaps for want of memory; use fewer processes",
                code="process-killed",
            ) from error
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def use_one_thread() -> None:
    """Keep this process to one thread: there are several of it, and training beside them."""
    import torch

    torch.set_num_threads(1)


@contextlib.contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Wait until no other process is in this block for the same folder; a process that is killed leaves it.

    Raises:
        InputError: the folder can't be written.
    """
    import fcntl

    try:
        folder.mkdir(parents=True, exist_ok=True)
        stream = (folder / ".lock").open("w")
    except OSError as error:
        raise InputError(f"{folder} can't be written: {error.strerror or error}", code="write") from error
    with stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield
