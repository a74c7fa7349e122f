"""Second half of a run: curate every chosen case, from the journal where that was done before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepstroke.errors import InputError
from deepstroke.progress import Progress
from deepstroke_training.curation.cases import CaseJob, CaseReceipt, curate_case
from deepstroke_training.curation.cluster import Failure, Outcome, run_tasks
from deepstroke_training.curation.eta import Counter
from deepstroke_training.curation.identities import without_identifiers
from deepstroke_training.curation.storage import DISK_CODES, WrittenFile
from deepstroke_training.curation.workspace import Workspace

if TYPE_CHECKING:
    from distributed import Client

#: Columns that a case takes over from its series.
_SERIES_COLUMNS = (
    "case",
    "patient",
    "study",
    "series",
    "part",
    "input",
    "slices",
    "thickness_mm",
    "tilt_deg",
    "kernel",
)


def curate_cases(
    workspace: Workspace, client: Client, atlas: dict[str, str], retry: bool, progress: Progress
) -> dict[str, list[float]]:
    """Curate the selected cases and keep their rows.

    Args:
        workspace: of the run.
        client: of the cluster.
        atlas: name, version and sha256 of the atlas.
        retry: whether cases that failed in an earlier run are tried again.
        progress: told how far it is.

    Returns:
        Wall seconds of every stage in every case of this run, by stage.

    Raises:
        InputError: the disk is full or broken; what is done stays.
        ConfigError: a worker runs other code.
    """
    counter = Counter(workspace.index.count_rows("selected"), "cases")
    keys: dict[str, str] = {}
    seconds: dict[str, list[float]] = {}

    def jobs() -> Iterator[tuple[str, CaseJob]]:
        for row in workspace.index.rows("selected"):
            key = workspace.key("case", row["case"], row["input"], row["part"], atlas)
            entry = workspace.done("case", row["case"], key)
            if entry is None or not _still_holds(entry, retry, workspace.dataset):
                keys[row["case"]] = key
                yield row["case"], _job(row, workspace)
            else:
                _keep_row(row, entry, workspace)
                progress(counter.add(known=True, failed=entry["status"] == "failed"), counter.text())

    for outcome in run_tasks(client, curate_case, jobs()):
        row = workspace.index.row("selected", outcome.name)
        entry = workspace.record("case", outcome.name, keys.pop(outcome.name), _content(outcome, row, workspace))
        _keep_row(row, entry, workspace)
        for stage, time in (outcome.result.seconds if outcome.result else {}).items():
            seconds.setdefault(stage, []).append(time)
        progress(counter.add(failed=outcome.failure is not None), counter.text())
    return seconds


def _job(row: dict[str, Any], workspace: Workspace) -> CaseJob:
    return CaseJob(
        name=row["case"],
        series=row["series"],
        part=row["part"],
        sources=tuple(file.source for file in workspace.index.files_of(row["series"])),
        dataset=workspace.dataset,
        settings=workspace.settings,
        salt=workspace.salt,
        findings=tuple(row["findings"]),
    )


def _still_holds(entry: dict[str, Any], retry: bool, dataset: Path) -> bool:
    """Whether an earlier run's work needn't be done again."""
    if entry["status"] == "failed":
        return not retry
    return all(WrittenFile(**file).is_there(dataset) for file in entry["files"])


def _content(outcome: Outcome[CaseReceipt], row: dict[str, Any], workspace: Workspace) -> dict[str, Any]:
    """What the journal keeps of a case.

    Raises:
        InputError: the disk is at fault, which concerns every case, so the run stops.
    """
    if outcome.result is not None:
        files = [asdict(file) for file in outcome.result.files]
        return {"status": "done", "figures": outcome.result.figures, "files": files}
    failure = outcome.failure or Failure("internal-error", "no result")
    if failure.code in DISK_CODES:
        raise InputError(failure.message, code=failure.code)
    paths = {file.path for file in workspace.index.files_of(row["series"])}
    return {"status": "failed", "code": failure.code, "why": without_identifiers(failure.message, paths)}


def _keep_row(row: dict[str, Any], entry: dict[str, Any], workspace: Workspace) -> None:
    known = {column: row.get(column) for column in _SERIES_COLUMNS}
    if entry["status"] == "failed":
        content = {"stage": "case", **known, "code": entry["code"], "why": entry["why"]}
        workspace.index.put_row("quarantine", f"case-{row['case']}", content)
        return
    figures = entry["figures"]
    workspace.index.put_row("cases", row["case"], {**known, **figures})
    workspace.index.put_row("sheets", f"{int(not figures['review'])}-{row['case']}", {"case": row["case"]})
