"""Child processes: progress, the cause of a failure, and a cancel that leaves nothing behind. No Slicer is needed."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import pytest

from DeepStrokeSlicerLib import jobs
from DeepStrokeSlicerLib.jobs import JobState


@pytest.fixture(autouse=True)
def _own_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests in other processes make folders of their own meanwhile."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


def run(code: str, *arguments: str, on_progress: object = None) -> jobs.Job:
    return jobs.Job(arguments, on_progress, command=[sys.executable, "-c", code])


def finish(job: jobs.Job, seconds: float = 60.0) -> JobState:
    deadline = time.monotonic() + seconds
    while job.poll() is JobState.RUNNING:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return job.state


def scratch_folders() -> set[str]:
    return {path.name for path in Path(tempfile.gettempdir()).glob("deepstroke-job-*")}


def test_progress_lines_are_told_and_the_rest_is_output() -> None:
    told: list[jobs.JobProgress] = []
    job = run("print('progress 5% reading'); print('wrote out'); print('progress 100%')", on_progress=told.append)
    assert finish(job) is JobState.DONE
    assert told == [jobs.JobProgress(5, "reading"), jobs.JobProgress(100, "")]
    assert job.output == "wrote out"


def test_progress_comes_while_the_child_still_works(tmp_path: Path) -> None:
    told: list[jobs.JobProgress] = []
    go = str(tmp_path / "go")
    code = f"import os, time\nprint('progress 50% half')\nwhile not os.path.exists({go!r}): time.sleep(.01)"
    job = run(code, on_progress=told.append)
    while not told:
        assert job.poll() is JobState.RUNNING
        time.sleep(0.01)
    (tmp_path / "go").touch()
    assert finish(job) is JobState.DONE


def test_the_childs_own_error_is_the_cause() -> None:
    job = run("import sys; print('warning: x', file=sys.stderr); sys.exit('error: no head was found')")
    assert finish(job) is JobState.FAILED
    assert str(job.failure()) == "no head was found"


def test_without_an_error_line_the_last_lines_are_shown() -> None:
    job = run("raise ValueError('seven')")
    finish(job)
    assert "ValueError: seven" in str(job.failure())


def test_a_child_that_says_nothing_is_explained() -> None:
    job = run("import sys; sys.exit(3)")
    finish(job)
    assert "status 3" in str(job.failure())


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_a_child_killed_by_the_system_names_memory() -> None:
    job = run("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    finish(job)
    assert "memory" in str(job.failure())


def test_the_librarys_refusal_arrives(tmp_path: Path) -> None:
    job = jobs.Job(["evaluate", str(tmp_path / "absent.nii.gz"), str(tmp_path / "absent.nii.gz")])
    assert finish(job) is JobState.FAILED
    assert "absent.nii.gz: no such file" in str(job.failure())


def test_the_environment_of_a_child(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ITK_AUTOLOAD_PATH", "/slicer/itk")
    monkeypatch.setenv("PYTHONPATH", "/slicer/python")
    environment = jobs.child_environment(tmp_path)
    assert "ITK_AUTOLOAD_PATH" not in environment
    first, second = environment["PYTHONPATH"].split(os.pathsep)
    assert (Path(first) / "deepstroke" / "__main__.py").is_file()
    assert second == "/slicer/python"
    assert environment["TMPDIR"] == str(tmp_path)


def test_a_path_with_spaces_and_umlauts_arrives(tmp_path: Path) -> None:
    job = run("import sys; print(sys.argv[1])", str(tmp_path / "Bild Köpfe 頭.nii"))
    assert finish(job) is JobState.DONE
    assert job.output.endswith("Bild Köpfe 頭.nii")


def test_a_child_that_prints_much_does_not_stall() -> None:
    job = run("import sys\nfor n in range(40000): print('x' * 60); print('y' * 60, file=sys.stderr)")
    assert finish(job) is JobState.DONE
    assert len(job.output.splitlines()) == 40000


@pytest.mark.skipif(sys.platform == "win32", reason="sessions")
@pytest.mark.parametrize("own_session", [False, True])
def test_cancel_ends_the_whole_tree(tmp_path: Path, own_session: bool) -> None:
    told: list[jobs.JobProgress] = []
    code = (
        "import subprocess, sys, time\n"
        "grand = 'import subprocess, sys, time; "
        'p = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(99)"]); '
        "print(p.pid, flush=True); time.sleep(99)'\n"
        f"c = subprocess.Popen([sys.executable, '-c', grand], stdout=-1, start_new_session={own_session})\n"
        "print(f'progress 1% {c.pid} {int(c.stdout.readline())}')\ntime.sleep(99)"
    )
    before = scratch_folders()
    job = run(code, on_progress=told.append)
    while not told:
        job.poll()
        time.sleep(0.01)
    pids = [job.pid, *(int(pid) for pid in told[0].text.split())]
    assert all(psutil.pid_exists(pid) for pid in pids)
    job.cancel()
    assert job.state is JobState.CANCELLED
    psutil.wait_procs([psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)], timeout=10.0)
    assert not [pid for pid in pids if _alive(pid)]
    assert scratch_folders() == before


def _alive(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


@pytest.mark.skipif(sys.platform == "win32", reason="groups")
def test_a_child_ends_with_a_parent_that_was_killed(tmp_path: Path) -> None:
    child = Path(jobs.__file__).with_name("child.py")
    (tmp_path / "deepstroke").mkdir()
    (tmp_path / "deepstroke" / "__init__.py").touch()
    (tmp_path / "deepstroke" / "cli.py").write_text("import time\ndef main(arguments): time.sleep(99)\n")
    parent = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(99)"])
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    orphan = subprocess.Popen(
        [sys.executable, str(child), str(parent.pid)], env=environment, start_new_session=True, cwd=tmp_path
    )
    time.sleep(1.0)
    assert orphan.poll() is None
    parent.kill()
    parent.wait()
    assert orphan.wait(timeout=30) != 0


def test_cancel_after_the_end_changes_nothing() -> None:
    job = run("print('done')")
    finish(job)
    job.cancel()
    assert job.state is JobState.DONE


def test_twenty_jobs_leave_no_folder_and_no_open_file() -> None:
    before, files = scratch_folders(), len(psutil.Process().open_files())
    for _ in range(20):
        finish(run("pass"))
    assert scratch_folders() == before
    assert len(psutil.Process().open_files()) == files


def test_what_can_not_be_started_is_named() -> None:
    before = scratch_folders()
    with pytest.raises(jobs.JobFailedError, match="absent-python can't be started"):
        jobs.Job([], command=["absent-python"])
    assert scratch_folders() == before
