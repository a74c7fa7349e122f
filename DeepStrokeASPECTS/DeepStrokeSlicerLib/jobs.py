"""`deepstroke` in a child process: progress, cancelling the whole tree, and the cause of a failure.

A child's output goes to files that are read from time to time. Pipes would need threads, and Python's threads stand
still in Slicer while Qt waits for events. No Qt here: `timers.Repeater` calls `poll`.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import IO

from deepstroke.errors import DeepStrokeError, MissingDependencyError

#: The folder that holds the package `deepstroke`, of a checkout as well as of an installed extension.
PACKAGE_PARENT = Path(__file__).resolve().parents[1]
_PROGRESS = re.compile(r"^progress (\d+)% ?(.*)$")
_LAST_LINES = 12
_KILL_SECONDS = 1.0


class JobState(Enum):
    """What has become of a child process."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class JobFailedError(DeepStrokeError):
    """A child process ended with an error; the message is the child's own."""

    default_code = "job"


@dataclass(frozen=True)
class JobProgress:
    """How far a child is.

    Attributes:
        percent: 0..100.
        text: what it is doing.
    """

    percent: int
    text: str


def python_executable() -> str:
    """Slicer's Python for child processes, or this interpreter outside Slicer.

    Raises:
        MissingDependencyError: inside Slicer no PythonSlicer is on the PATH.
    """
    if found := shutil.which("PythonSlicer"):
        return found
    if "python" in Path(sys.executable).name.lower():
        return sys.executable
    raise MissingDependencyError("PythonSlicer was not found beside Slicer; install Slicer again", code="python")


def child_environment(scratch: Path) -> dict[str, str]:
    """The environment of a child: without Slicer's ITK plug-ins, with the library on the path and its own scratch."""
    environment = {key: value for key, value in os.environ.items() if key != "ITK_AUTOLOAD_PATH"}
    paths = [str(PACKAGE_PARENT), *filter(None, [environment.get("PYTHONPATH")])]
    environment["PYTHONPATH"] = os.pathsep.join(paths)
    environment.update(PYTHONUNBUFFERED="1", PYTHONIOENCODING="utf-8", PYTHONUTF8="1")
    environment.update(dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(scratch)))
    return environment


class Job:
    """One `deepstroke ...` in a child process, which ends with Slicer whatever becomes of it.

    Args:
        arguments: of `deepstroke`.
        on_progress: called by `poll` with each new progress of the child.
        command: what is run instead of `deepstroke`, for tests of the process alone.

    Example:
        >>> job = Job(["doctor"])  # doctest: +SKIP
        >>> while job.poll() is JobState.RUNNING: ...  # doctest: +SKIP
    """

    def __init__(
        self,
        arguments: Sequence[str],
        on_progress: Callable[[JobProgress], None] | None = None,
        command: Sequence[str] | None = None,
    ) -> None:
        self._on_progress = on_progress
        self._scratch = Path(tempfile.mkdtemp(prefix="deepstroke-job-"))
        self._rest = ""
        self._output_lines: list[str] = []
        self._error_text = ""
        self._state = JobState.RUNNING
        self._output, self._process = self._start([*(command or self._deepstroke()), *arguments])

    @staticmethod
    def _deepstroke() -> list[str]:
        return [python_executable(), str(Path(__file__).with_name("child.py")), str(os.getpid())]

    def _start(self, command: list[str]) -> tuple[IO[str], subprocess.Popen[bytes]]:
        output_path, error_path = self._scratch / "stdout.txt", self._scratch / "stderr.txt"
        options = _own_group()
        try:
            with output_path.open("wb") as output, error_path.open("wb") as error:
                process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=error,
                    env=child_environment(self._scratch),
                    cwd=self._scratch,
                    **options,
                )
        except OSError as error:
            shutil.rmtree(self._scratch, ignore_errors=True)
            raise JobFailedError(f"{command[0]} can't be started: {error.strerror or error}") from error
        return output_path.open(encoding="utf-8", errors="replace"), process

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._process.pid

    @property
    def state(self) -> JobState:
        """What was known at the last `poll`."""
        return self._state

    @property
    def output(self) -> str:
        """What the child has printed on standard output, without its progress."""
        return "\n".join(self._output_lines)

    def poll(self) -> JobState:
        """Read what is new, tell the progress, and see whether the child has ended. Takes a millisecond."""
        if self._state is not JobState.RUNNING:
            return self._state
        code = self._process.poll()  # Before reading, so that nothing printed last is lost.
        self._read_new()
        if code is not None:
            self._finish(JobState.DONE if code == 0 else JobState.FAILED)
        return self._state

    def cancel(self) -> None:
        """End the child and all that it started, within a second; its scratch folder goes too."""
        if self._state is JobState.RUNNING:
            end_tree(self._process)
            self._finish(JobState.CANCELLED)

    def failure(self) -> JobFailedError:
        """Why the child failed, in its own words."""
        return JobFailedError(_cause(self._error_text, self._process.returncode))

    def _read_new(self) -> None:
        *lines, self._rest = (self._rest + self._output.read()).split("\n")
        for line in lines:
            if match := _PROGRESS.match(line):
                self._tell(JobProgress(int(match[1]), match[2]))
            else:
                self._output_lines.append(line)

    def _tell(self, progress: JobProgress) -> None:
        if self._on_progress is not None:
            self._on_progress(progress)

    def _finish(self, state: JobState) -> None:
        self._output.close()
        self._error_text = (self._scratch / "stderr.txt").read_text("utf-8", errors="replace")
        if self._rest:
            self._output_lines.append(self._rest)
        shutil.rmtree(self._scratch, ignore_errors=True)
        self._state = state


def _own_group() -> dict[str, object]:
    """Options that make the child the head of a group which can be ended as a whole."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}


def end_tree(process: subprocess.Popen[bytes]) -> None:
    """End a process and all of its descendants, those with a session of their own too."""
    if sys.platform == "win32":
        command = ["taskkill", "/F", "/T", "/PID", str(process.pid)]
        subprocess.run(command, check=False, capture_output=True, creationflags=subprocess.CREATE_NO_WINDOW)
    else:
        for pid in [process.pid, *_descendants(process.pid)]:
            _kill_group(pid)
    _reap(process)


def _descendants(pid: int) -> list[int]:
    """Process ids of all descendants, as far as psutil is here to tell."""
    try:
        import psutil
    except ImportError:
        return []
    try:
        return [child.pid for child in psutil.Process(pid).children(recursive=True)]
    except psutil.Error:  # The child ended by itself just now.
        return []


def _kill_group(pid: int) -> None:
    try:
        group = os.getpgid(pid)
        if group == os.getpgid(0):  # It left its group for ours: end it alone, not Slicer.
            os.kill(pid, signal.SIGKILL)
        else:
            os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return


def _reap(process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _KILL_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)


def _cause(error_text: str, code: int) -> str:
    """The child's ``error:`` line, or its last lines where it could not explain itself."""
    lines = [line for line in error_text.splitlines() if line.strip()]
    named = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    if named:
        return named[-1]
    if code < 0:
        return _ended_by_signal(-code)
    return "\n".join(lines[-_LAST_LINES:]) or f"the child process ended with status {code} and said nothing"


def _ended_by_signal(number: int) -> str:
    if number == signal.SIGKILL:
        return "the system ended the child process, as it does when memory runs out; close other programs"
    return f"the child process crashed ({signal.Signals(number).name})"
