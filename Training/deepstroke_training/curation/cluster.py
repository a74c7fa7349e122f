"""Run many tasks on dask: a few in flight at a time, each giving a small receipt, none able to stop the others."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from deepstroke.errors import ConfigError, DeepStrokeError, MissingDependencyError
from deepstroke_training.curation.versions import code_version

if TYPE_CHECKING:
    from distributed import Client

Job = TypeVar("Job")
Result = TypeVar("Result")

#: How often a task is given to another worker after its worker died.
WORKER_DEATHS = 3
#: Tasks handed to the scheduler for each worker thread, so that none waits for the next.
_IN_FLIGHT = 2
_OTHER_VERSION = "worker-version"


@dataclass(frozen=True)
class Failure:
    """Why a task gave no result.

    Attributes:
        code: stable name of the cause.
        message: the cause in words; it may name files.
    """

    code: str
    message: str


@dataclass(frozen=True)
class Outcome(Generic[Result]):
    """What became of one task: its result or its failure."""

    name: str
    result: Result | None
    failure: Failure | None


@contextmanager
def connect(scheduler: str | None, workers: int | None, folder: Path) -> Iterator[Client]:
    """A client of a running scheduler, or of a cluster of processes on this machine for as long as the block lasts.

    Args:
        scheduler: address such as ``tcp://node1:8786``; None starts a local cluster.
        workers: processes of a local cluster; the number of cores without one.
        folder: where local workers may spill to.

    Raises:
        ConfigError: the scheduler doesn't answer, or ``workers`` isn't positive.
        MissingDependencyError: dask isn't installed.
    """
    try:
        import dask
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise MissingDependencyError("curation runs on dask: pip install 'deepstroke[train]'") from error
    if workers is not None and workers < 1:
        raise ConfigError(f"--workers is 1 or more, found {workers}", code="workers")
    # One task at a time on a worker: one that waited there would share the blame when the worker dies.
    settings = {"distributed.scheduler.worker-saturation": 1.0, "distributed.admin.tick.limit": "1h"}
    with dask.config.set(settings):
        if scheduler is not None:
            with _connected(Client, scheduler) as client:
                yield client
            return
        with (
            LocalCluster(
                n_workers=workers or _cores(),
                threads_per_worker=1,
                processes=True,
                host="127.0.0.1",
                dashboard_address=None,
                local_directory=str(folder),
                silence_logs=logging.CRITICAL,
            ) as cluster,
            Client(cluster) as client,
        ):
            client.run_on_scheduler(_allow_worker_deaths)
            yield client


@contextmanager
def _connected(client_type: Callable[..., Any], scheduler: str) -> Iterator[Client]:
    try:
        client = client_type(scheduler, timeout="10s")
    except (OSError, ValueError, TimeoutError) as error:
        raise ConfigError(
            f"no dask scheduler answers at {scheduler} ({type(error).__name__})", code="scheduler"
        ) from error
    with client:
        client.run_on_scheduler(_allow_worker_deaths)
        yield client


def run_tasks(
    client: Client, function: Callable[[Job], Result], jobs: Iterable[tuple[str, Job]]
) -> Iterator[Outcome[Result]]:
    """The outcome of every job, in the order of their ending; jobs are drawn as workers get free.

    Args:
        client: of the cluster.
        function: of a module that workers can import; what it raises becomes a failure.
        jobs: name (unique in the run) and job.

    Raises:
        ConfigError: a worker runs other code than this process, or the scheduler is gone.
    """
    from distributed import as_completed

    remaining = iter(jobs)
    version = code_version()

    def submit(count: int) -> list[Any]:
        key = function.__name__
        return [
            client.submit(_guarded, function, job, name, version, key=f"{key}-{name}", pure=False)
            for name, job in islice(remaining, count)
        ]

    running = as_completed(submit(_window(client)))
    for future in running:
        outcome = _outcome(future)
        future.release()
        for follower in submit(max(_window(client) - running.count(), 0)):
            running.add(follower)
        yield outcome


def _guarded(function: Callable[[Job], Result], job: Job, name: str, version: str) -> Outcome[Result]:
    """Runs on a worker: nothing that goes wrong with one job may reach dask's logs, which would print the job."""
    if code_version() != version:
        message = f"a worker runs code {code_version()}, this run {version}; install the same version on every node"
        return Outcome(name, None, Failure(_OTHER_VERSION, message))
    try:
        return Outcome(name, function(job), None)
    except DeepStrokeError as error:
        return Outcome(name, None, Failure(error.code, str(error)))
    except MemoryError:
        return Outcome(name, None, Failure("memory", "not enough memory on the worker"))
    except Exception as error:  # noqa: BLE001 - one case must never stop the batch
        where = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{Path(where.filename).name}, line {where.lineno}"
        return Outcome(name, None, Failure("internal-error", f"{type(error).__name__} in {place}"))


def _outcome(future: Any) -> Outcome[Any]:
    from distributed import KilledWorker

    name = future.key.split("-", 1)[1]
    if future.status == "finished":
        outcome = future.result()
        if outcome.failure is not None and outcome.failure.code == _OTHER_VERSION:
            raise ConfigError(outcome.failure.message, code=_OTHER_VERSION)
        return outcome
    error = future.exception() if future.status == "error" else None
    if isinstance(error, KilledWorker):
        message = f"its worker died {WORKER_DEATHS + 1} times; too little memory, or a fault in a codec"
        return Outcome(name, None, Failure("worker-died", message))
    if error is not None:
        return Outcome(name, None, Failure("internal-error", f"{type(error).__name__} while the task was run"))
    raise ConfigError("the dask scheduler is gone; run the same command again, it goes on from here", code="scheduler")


def _window(client: Client) -> int:
    threads = sum(client.nthreads().values())
    return max(_IN_FLIGHT * threads, _IN_FLIGHT)


def _allow_worker_deaths(dask_scheduler: Any = None) -> None:
    dask_scheduler.allowed_failures = WORKER_DEATHS


def _cores() -> int:
    import os

    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
