"""First half of a run: find the series on the media, judge each, and choose those that become cases."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepstroke.progress import Progress, within
from deepstroke_training.curation.cluster import Failure, Outcome, run_tasks
from deepstroke_training.curation.eta import Counter
from deepstroke_training.curation.file_index import IndexedFile
from deepstroke_training.curation.identities import Salt, without_identifiers
from deepstroke_training.curation.media import UnknownFile, look_up, walk
from deepstroke_training.curation.series_index import SeriesJob, SeriesReceipt, judge_series
from deepstroke_training.curation.workspace import Workspace

if TYPE_CHECKING:
    from distributed import Client

#: Rounds of judging: files that a DICOMDIR put into a wrong series are judged again with their own.
_ROUNDS = 3


@dataclass(frozen=True)
class LookUpJob:
    """Files whose series a worker looks up.

    Attributes:
        files: with their stamps.
        salt: of the names of series.
    """

    files: tuple[UnknownFile, ...]
    salt: Salt


def look_up_files(job: LookUpJob) -> list[IndexedFile]:
    """The task that finds the series of a batch of files."""
    return look_up(job.files, job.salt)


def index_media(media: Sequence[Path], workspace: Workspace, client: Client, progress: Progress) -> None:
    """Put every file on the media into its series.

    Raises:
        InputError: an archive that was named itself is refused.
    """
    index = workspace.index
    failed: list[tuple[UnknownFile, Failure]] = []
    batches: dict[str, tuple[UnknownFile, ...]] = {}

    def jobs(groups: Iterable[Sequence[UnknownFile]], kind: str) -> Iterator[tuple[str, LookUpJob]]:
        for number, group in enumerate(groups):
            batches[f"{kind}{number}"] = tuple(group)
            yield f"{kind}{number}", LookUpJob(tuple(group), workspace.salt)

    def collect(outcomes: Iterable[Outcome[list[IndexedFile]]]) -> None:
        looked_at = 0
        for outcome in outcomes:
            files = batches.pop(outcome.name)
            looked_at += len(files)
            if outcome.result is None and outcome.failure is not None:
                failed.extend((file, outcome.failure) for file in files)
            index.add(outcome.result or ())
            progress(0.0, f"looking at files, {looked_at} so far")

    collect(run_tasks(client, look_up_files, jobs(walk(media, index, workspace.salt), "batch")))
    alone = [[file] for file, _ in failed]
    failed.clear()
    collect(run_tasks(client, look_up_files, jobs(alone, "file")))
    index.add(_refused(file, failure) for file, failure in failed)
    index.finish_walk()
    progress(1.0, f"{index.count_files()} files of {index.count_series()} series")


def judge_media(workspace: Workspace, client: Client, progress: Progress) -> None:
    """Judge every series, from the journal where it was judged before, and keep its rows."""
    waiting: Iterable[str] = workspace.index.series()
    counter = Counter(workspace.index.count_series(), "series judged")
    for number in range(_ROUNDS):
        stage = within(progress, number / _ROUNDS, 1.0)
        waiting = sorted(_judge_round(waiting, workspace, client, counter, stage))
        if not waiting:
            break
    progress(1.0, counter.text())


def _judge_round(
    names: Iterable[str], workspace: Workspace, client: Client, counter: Counter, progress: Progress
) -> set[str]:
    """Judge series; gives those whose files changed meanwhile, because headers contradict their DICOMDIR."""
    keys: dict[str, str] = {}
    again: set[str] = set()

    def jobs() -> Iterator[tuple[str, SeriesJob]]:
        for name in names:
            files, lost = workspace.index.files_of(name), workspace.index.lost_of(name)
            key = workspace.key("series", name, lost, sorted((file.size, file.changed) for file in files))
            entry = workspace.done("series", name, key)
            if entry is None:
                keys[name] = key
                yield name, SeriesJob(name, tuple(file.source for file in files), lost, workspace.salt)
            else:
                _keep_rows(name, entry, workspace)
                progress(counter.add(), counter.text())

    for outcome in run_tasks(client, judge_series, jobs()):
        key = keys.pop(outcome.name)
        moved = _moved(outcome.result, workspace)
        if moved:
            again.update(moved, {outcome.name})
            continue
        entry = workspace.record("series", outcome.name, key, _content(outcome, workspace))
        _keep_rows(outcome.name, entry, workspace)
        progress(counter.add(failed=outcome.failure is not None), counter.text())
    return again


def _content(outcome: Outcome[SeriesReceipt], workspace: Workspace) -> dict[str, Any]:
    """What the journal keeps of a judged series, or of one that couldn't be judged."""
    if outcome.result is not None:
        for file in outcome.result.rejected:
            workspace.index.reject(file.source, file.code, file.message)
        return {"status": "done", "rows": list(outcome.result.rows)}
    failure = outcome.failure or Failure("internal-error", "no result")
    paths = {file.path for file in workspace.index.files_of(outcome.name)}
    return {"status": "failed", "code": failure.code, "why": without_identifiers(failure.message, paths)}


def _keep_rows(name: str, entry: dict[str, Any], workspace: Workspace) -> None:
    workspace.index.drop_rows("index", name)
    if entry["status"] == "failed":
        reason = {"reasons": [entry["code"]], "why": entry["why"]}
        workspace.index.put_row("index", f"{name}-0000", {"series": name, "part": 0, "usable": False, **reason})
        workspace.index.put_row("quarantine", f"series-{name}", {"stage": "series", "series": name, **entry})
        return
    for row in entry["rows"]:
        workspace.index.put_row("index", f"{name}-{row['part']:04d}", row)


def _moved(receipt: SeriesReceipt | None, workspace: Workspace) -> set[str]:
    """Put files that lie in another series than their DICOMDIR says where they belong; the series they went to."""
    misfiled = () if receipt is None else receipt.misfiled
    for source, series in misfiled:
        workspace.index.move(source, series)
    return {series for _, series in misfiled}


def _refused(file: UnknownFile, failure: Failure) -> IndexedFile:
    """A file on which a worker died or failed."""
    source = file.source
    return IndexedFile.of(source, file.size, file.changed, "", failure.code, f"{source}: {failure.message}")


def select_cases(workspace: Workspace) -> int:
    """Decide which usable series become cases; the others get the reason why not. Gives the number of cases."""
    index = workspace.index
    for row in index.rows("index"):
        if row["usable"]:
            best_first = f"{row['study']} {10_000 - row['score']:012.3f} {row['series']} {row['part']:04d}"
            index.put_row("candidates", best_first, row)
    seen = ""
    for row in index.rows("candidates"):
        if workspace.settings.selection == "best-of-study" and row["study"] == seen:
            left_out = {
                "case": "",
                "reasons": ["better-series-in-study"],
                "why": "a better series of its study was chosen",
            }
            index.put_row("index", f"{row['series']}-{row['part']:04d}", {**row, **left_out})
            continue
        seen = row["study"]
        index.put_row("selected", row["case"], row)
    return index.count_rows("selected")
