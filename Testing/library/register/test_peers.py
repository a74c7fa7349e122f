"""The engines of other projects, really called."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import phantoms_registration as phantoms
from deepstroke.errors import RegistrationError
from deepstroke.progress import silent
from deepstroke.register import ants as ants_engine
from deepstroke.register.ants import ants_transform
from deepstroke.register.greedy import greedy_transform
from deepstroke.register.transform import SpatialTransform
from deepstroke.register.working_image import WorkingImage, working_image

Heads = tuple[phantoms.Head, phantoms.Head]


@pytest.fixture(scope="module")
def images(heads: Heads) -> tuple[WorkingImage, WorkingImage]:
    fixed, moving = heads
    return working_image(fixed.image, fixed.brain, 4.0, 12.0), working_image(moving.image, moving.brain, 4.0, 12.0)


@pytest.fixture
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OMP_NUM_THREADS", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS"):
        monkeypatch.setenv(name, "1")


def assert_it_finds_the_bend(transform: SpatialTransform) -> None:
    points = phantoms.inside_points(0.7)
    before, after = (
        np.linalg.norm(mapped - phantoms.bend(points), axis=1).mean()
        for mapped in (points, transform.map_points(points))
    )
    assert after < 0.7 * before  # 0.60 to a hundredth either way, from run to run of the same seed
    there_and_back = transform.inverse().map_points(transform.map_points(points))
    assert np.linalg.norm(there_and_back - points, axis=1).mean() < 0.2


@pytest.mark.usefixtures("one_thread")
def test_ants_finds_the_bend_and_leaves_nothing_behind(
    images: tuple[WorkingImage, WorkingImage], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ants")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("ITK_AUTOLOAD_PATH", "/a/folder/of/slicer")
    transform = ants_transform(*images, None, "syn", silent)
    assert transform.engine == "ants syn"
    assert_it_finds_the_bend(transform)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("one_thread")
def test_ants_takes_a_given_start(images: tuple[WorkingImage, WorkingImage]) -> None:
    pytest.importorskip("ants")
    fixed, moving = images
    far = np.eye(4)
    far[:3, 3] = (300.0, 40.0, -200.0)
    elsewhere = WorkingImage(moving.data, moving.mask, moving.known, far @ moving.ijk_to_ras)
    transform = ants_transform(fixed, elsewhere, far, "syn", silent)
    assert_it_finds_the_bend(SpatialTransform((*transform.steps, np.linalg.inv(far)), (far, *transform.inverse_steps)))


def test_the_end_of_what_ants_said_stands_in_the_error(
    images: tuple[WorkingImage, WorkingImage], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ants")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setitem(ants_engine.PRESETS, "syn", {"type_of_transform": "NoSuchTransform"})
    with pytest.raises(RegistrationError, match=r"ANTs failed with status 1: .*NoSuchTransform"):
        ants_transform(*images, None, "syn", silent)
    assert list(tmp_path.iterdir()) == []


def test_ants_is_stopped_when_it_hangs(
    images: tuple[WorkingImage, WorkingImage], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ants")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(ants_engine, "TIMEOUT_S", 0.2)
    with pytest.raises(RegistrationError, match="ANTs was stopped after 0 s without a result"):
        ants_transform(*images, None, "aggressive", silent)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="kills a process as POSIX does")
def test_ants_ends_with_its_parent(tmp_path: Path) -> None:
    pytest.importorskip("ants")
    # A parent that starts ANTs on a folder without images and is killed while the child still imports.
    folder = tmp_path / "work"
    folder.mkdir()
    code = (
        "import pathlib, sys; from deepstroke.register.ants import _run_worker; _run_worker(pathlib.Path(sys.argv[1]))"
    )
    parent = subprocess.Popen([sys.executable, "-c", code, str(folder)])
    (child,) = _children_when_there(parent.pid)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    deadline = time.monotonic() + 60
    while (Path(f"/proc/{child}").exists() or folder.exists()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(f"/proc/{child}").exists()
    assert not folder.exists()


def _children_when_there(pid: int) -> list[int]:
    import psutil

    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if children := psutil.Process(pid).children():
            return [child.pid for child in children]
        time.sleep(0.01)
    raise TimeoutError("the parent started no child")


@pytest.mark.usefixtures("one_thread")
def test_greedy_finds_the_bend(images: tuple[WorkingImage, WorkingImage]) -> None:
    pytest.importorskip("picsl_greedy")
    transform = greedy_transform(*images, None, silent, "-m NCC 2x2x2 -n 60x30 -s 1.732vox 0.7071vox -e 0.5")
    assert transform.engine == "greedy"
    assert_it_finds_the_bend(transform)
