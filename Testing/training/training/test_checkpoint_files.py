"""Checkpoints are whole or not there, and a damaged one is passed over."""

from __future__ import annotations

import os
import pickle
import warnings
from pathlib import Path

import pytest
import torch

from deepstroke.errors import InputError
from deepstroke_training.training.checkpoint_files import (
    FOLDER,
    LAST,
    PREVIOUS,
    has_checkpoint,
    read_checkpoint,
    read_latest,
    write_best,
    write_last,
)
from deepstroke_training.training.failures import CheckpointError


def state(step: int) -> dict[str, object]:
    return {"step": step, "weights": {"w": torch.full((1000,), float(step))}}


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    place = bytes(content).index(torch.full((4,), 2.0).numpy().tobytes())
    content[place] ^= 1
    path.write_bytes(content)


def test_the_last_two_are_kept(tmp_path: Path) -> None:
    assert not has_checkpoint(tmp_path)
    for step in (1, 2, 3):
        write_last(state(step), tmp_path)
    assert read_latest(tmp_path)[0]["step"] == 3
    assert read_checkpoint(tmp_path / FOLDER / PREVIOUS)["step"] == 2
    assert sorted(path.name for path in (tmp_path / FOLDER).iterdir()) == [LAST, PREVIOUS]


@pytest.mark.parametrize(
    "damage",
    [
        flip_a_bit,
        lambda path: path.write_bytes(path.read_bytes()[:-100]),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(os.urandom(3000)),
    ],
    ids=["a bit flipped", "cut short", "empty", "noise"],
)
def test_a_damaged_one_falls_back_to_the_one_before_with_a_warning(tmp_path: Path, damage) -> None:
    write_last(state(1), tmp_path)
    write_last(state(2), tmp_path)
    damage(tmp_path / FOLDER / LAST)
    with pytest.warns(UserWarning, match=r"last\.ckpt .*; going on from previous\.ckpt"):
        found, path = read_latest(tmp_path)
    assert (found["step"], path.name) == (1, PREVIOUS)


def test_killed_between_its_two_renames_the_one_before_is_found(tmp_path: Path) -> None:
    write_last(state(1), tmp_path)
    (tmp_path / FOLDER / LAST).replace(tmp_path / FOLDER / PREVIOUS)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_latest(tmp_path)[0]["step"] == 1


def test_nothing_to_resume_from_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="nothing to resume from: no checkpoint is there"):
        read_latest(tmp_path)
    write_last(state(1), tmp_path)
    (tmp_path / FOLDER / LAST).write_bytes(b"?")
    with pytest.raises(CheckpointError, match=r"nothing to resume from: .*last\.ckpt can't be read"):
        read_latest(tmp_path)


class Payload:
    def __reduce__(self) -> tuple:
        return (os.system, ("echo owned",))


def test_code_in_a_checkpoint_is_not_run(tmp_path: Path) -> None:
    path = tmp_path / "evil.ckpt"
    torch.save({"weights": Payload()}, path)
    with pytest.raises(CheckpointError, match="can't be read"):
        read_checkpoint(path)
    path.write_bytes(pickle.dumps(Payload()))
    with pytest.raises(CheckpointError, match="can't be read"):
        read_checkpoint(path)


class FailingDisk:
    """Breaks the writing off as PyTorch does where a disk is full."""

    def __reduce__(self) -> tuple:
        raise RuntimeError("the disk is gone")


def test_a_write_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    write_best(state(1), tmp_path)
    write_last(state(1), tmp_path)
    for write in (write_best, write_last):
        with pytest.raises(InputError, match=r"can't be written .the disk is gone.; .* MB are free"):
            write({"step": FailingDisk()}, tmp_path)
    assert read_latest(tmp_path)[0]["step"] == 1
    assert read_checkpoint(tmp_path / FOLDER / "best.ckpt")["step"] == 1
    assert not list((tmp_path / FOLDER).glob(".*"))
