"""Many scans one after another: what is done is passed over, and a table tells all of them."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from deepstroke.errors import InputError
from DeepStrokeASPECTSLib.reading import aspects, read_report
from DeepStrokeSlicerLib.jobs import Job, JobProgress, JobState

TABLE = "batch.csv"
_VOLUME_SUFFIXES = (".nii", ".nii.gz", ".nrrd", ".nhdr", ".zip")
_COLUMNS = ("case", "source", "state", "aspects_left", "aspects_right", "method", "warnings", "message")


@dataclass(frozen=True)
class Case:
    """One scan of a batch.

    Attributes:
        path: a folder of DICOM files, a zip, a NIfTI or an NRRD file.
        source: its path below the batch's folder.
    """

    path: Path
    source: str

    @property
    def name(self) -> str:
        """Name of its results: a hash, since folders are often named after patients."""
        return f"case-{hashlib.sha256(self.source.encode()).hexdigest()[:10]}"


def find_cases(folder: Path) -> tuple[Case, ...]:
    """Every subfolder, zip, NIfTI and NRRD file of a folder; the folder itself where it holds files alone.

    Raises:
        InputError: nothing is there.
    """
    try:
        entries = sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))
    except OSError as error:
        raise InputError(f"{folder} can't be read: {error.strerror or error}", code="missing-folder") from error
    found = [entry for entry in entries if entry.is_dir() or entry.name.lower().endswith(_VOLUME_SUFFIXES)]
    if not found and entries:
        found = [folder]
    if not found:
        raise InputError(f"{folder} holds no scans: expected a folder, zip, NIfTI or NRRD file a scan", code="no-scans")
    return tuple(Case(path, path.name) for path in found)


class Batch:
    """Runs `deepstroke segment` on one case after another; a case that is done, or was refused, isn't run again.

    Args:
        cases: what to do.
        output: a folder a case, and the table.
        options: further words of the command line, such as the method.
        on_progress: told the percentage of the whole batch and what is being done.

    Raises:
        InputError: the output folder can't be made.
    """

    def __init__(
        self,
        cases: Sequence[Case],
        output: Path,
        options: Sequence[str] = (),
        on_progress: Callable[[JobProgress], None] | None = None,
    ) -> None:
        self._cases, self._output, self._options = tuple(cases), output, tuple(options)
        self._on_progress = on_progress
        self._index = -1
        self._job: Job | None = None
        self._failures: dict[str, str] = {}
        try:
            output.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"{output} can't be made: {error.strerror or error}", code="write") from error

    @property
    def pid(self) -> int | None:
        """Process id of the case that is being done."""
        return None if self._job is None else self._job.pid

    def poll(self) -> bool:
        """Look at the child, begin the next case; False once all are done."""
        if self._job is not None:
            state = self._job.poll()
            if state is JobState.RUNNING:
                return True
            if state is JobState.FAILED:
                self._failures[self._cases[self._index].name] = str(self._job.failure())
            self._job = None
            self._write_table()
        return self._begin_next()

    def cancel(self) -> None:
        """End the case that is being done; those before it stay, a later batch begins with it."""
        if self._job is not None:
            self._job.cancel()
            self._job = None
        self._write_table()

    def _begin_next(self) -> bool:
        self._index += 1
        while self._index < len(self._cases) and self._is_done(self._cases[self._index]):
            self._index += 1
        if self._index >= len(self._cases):
            self._write_table()
            return False
        case = self._cases[self._index]
        arguments = ["segment", str(case.path), "--output", str(self._output / case.name), *self._options]
        self._job = Job(arguments, self._tell)
        return True

    def _is_done(self, case: Case) -> bool:
        return any((self._output / case.name / name).is_file() for name in ("report.json", "rejected.json"))

    def _tell(self, progress: JobProgress) -> None:
        if self._on_progress is not None:
            share = (self._index + progress.percent / 100) / len(self._cases)
            text = f"{self._index + 1} / {len(self._cases)}: {progress.text}"
            self._on_progress(JobProgress(round(100 * share), text))

    def _write_table(self) -> None:
        rows = [self._row(case) for case in self._cases]
        path = self._output / TABLE
        temporary = path.with_suffix(".part")
        with temporary.open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream).writerows([_COLUMNS, *rows])
        temporary.replace(path)

    def _row(self, case: Case) -> list[object]:
        folder = self._output / case.name
        if (folder / "report.json").is_file():
            reading = read_report(folder / "report.json")
            scores = aspects(reading, {})
            left, right = scores["left"].score, scores["right"].score
            return [case.name, case.source, "done", left, right, reading.method, len(reading.warnings), ""]
        if (folder / "rejected.json").is_file():
            message = json.loads((folder / "rejected.json").read_text(encoding="utf-8")).get("message", "")
            return [case.name, case.source, "refused", None, None, None, None, message]
        failure = self._failures.get(case.name)
        return [case.name, case.source, "failed" if failure else "waiting", None, None, None, None, failure or ""]
