"""Tables, TensorBoard, pictures and records of a run."""

from __future__ import annotations

import csv
import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from deepstroke.errors import InputError
from deepstroke.regions import BY_ABBREVIATION
from deepstroke_training.configuration import load_configuration
from deepstroke_training.training.curves import draw_curves
from deepstroke_training.training.fit import fit
from deepstroke_training.training.overlays import draw_overlay
from deepstroke_training.training.provenance import git_revision
from deepstroke_training.training.run_folder import Table, read_record, read_table
from deepstroke_training.training.settings import MEASURES
from phantoms_training import phantom_data, phantom_settings


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    settings = phantom_settings(
        optimizer={"lr": 0.02, "schedule": "cosine"},
        trainer={"max_epochs": 3, "accumulate": 2, "overlays_every": 2, "overlay_cases": 1},
    )
    told: list[tuple[float, str]] = []
    fit(settings, folder, data=phantom_data(settings), progress=lambda done, text: told.append((done, text)))
    (folder / "told.json").write_text(json.dumps(told))
    return folder


def test_a_row_for_each_step_and_each_validation(run: Path) -> None:
    """Eight cases, batches of two, two batches a step: two steps an epoch."""
    steps, validations = read_table(run / "steps.csv"), read_table(run / "validations.csv")
    assert [row["step"] for row in steps] == [1, 2, 3, 4, 5, 6]
    assert [row["epoch"] for row in steps] == [0, 1, 1, 2, 2, 3]
    assert steps[0]["lr"] == pytest.approx(0.02)
    assert all(a["lr"] > b["lr"] for a, b in itertools.pairwise(steps))
    assert all(0 <= row["waiting"] <= 1 and row["samples_per_second"] > 0 for row in steps)
    assert [row["step"] for row in validations] == [2, 4, 6]
    with (run / "validations.csv").open(encoding="utf-8", newline="") as stream:
        assert next(csv.reader(stream)) == ["step", "epoch", "minutes", *MEASURES]


def test_tensorboard_holds_the_same(run: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(run / "tensorboard"))
    events.Reload()
    table = read_table(run / "steps.csv")
    found = [(event.step, event.value) for event in events.Scalars("train/loss")]
    assert [step for step, _ in found] == [row["step"] for row in table]
    assert [value for _, value in found] == pytest.approx([row["loss"] for row in table], abs=1e-5)
    assert [event.step for event in events.Scalars("val/dice_mean")] == [2, 4, 6]


def test_what_made_the_run_is_kept(run: Path) -> None:
    assert load_configuration(run / "config.yaml").optimizer.lr == 0.02
    (start,) = read_record(run, "run.json")["starts"]
    assert start["git_revision"] == git_revision()
    assert start["versions"]["torch"] == __import__("torch").__version__
    assert start["placement"] == {
        "accelerator": "cpu",
        "processes": 1,
        "strategy": "single",
        "precision": "32-true",
        "notes": [],
    }
    assert start["hardware"]["threads"] >= 1
    assert read_record(run, "split.json") == {"splits": []}
    summary = read_record(run, "summary.json")
    assert (summary["epochs"], summary["steps"], summary["stopped"]) == (3, 6, "3 epochs done")
    best = max(read_table(run / "validations.csv"), key=lambda row: row["val/dice_mean"])
    assert summary["best_step"] == best["step"]
    assert summary["best"] == pytest.approx(best["val/dice_mean"], abs=1e-6)


def test_progress_is_told_from_0_to_1(run: Path) -> None:
    told = json.loads((run / "told.json").read_text())
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert told[-1][0] == 1.0
    assert told[-1][1].startswith("epoch 3, step 6: validated, Dice 0.")


def test_pictures_are_drawn(run: Path) -> None:
    """At the end of the second epoch, and of the third no overlay."""
    assert [path.name for path in (run / "overlays").iterdir()] == ["epoch-0002-case-0.png"]
    for name in ("curves.png", "dice.png"):
        picture = np.asarray(Image.open(run / name).convert("RGB"))
        assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 20


def test_a_missing_record_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"run\.json can't be read.* is .* the folder of a run"):
        read_record(tmp_path, "run.json")


def test_a_table_forgets_what_will_be_done_again(tmp_path: Path) -> None:
    table = Table(tmp_path / "steps.csv", ("step", "loss"))
    for step in (1, 2, 3):
        table.append({"step": step, "loss": float("nan") if step == 2 else step / 3})
    with table.path.open("a", encoding="utf-8") as stream:
        stream.write("4")  # as a kill leaves it
    assert [row["step"] for row in read_table(table.path)] == [1, 2, 3]
    table.forget_after(2)
    assert table.path.read_text() == "step,loss\n1,0.3333333\n2,\n"
    assert read_table(table.path) == [{"step": 1.0, "loss": 0.3333333}, {"step": 2.0}]


def test_curves_of_a_run_without_rows_are_not_drawn(tmp_path: Path) -> None:
    draw_curves(tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_patients_left_is_on_the_right_of_an_overlay(tmp_path: Path) -> None:
    """A cube of L at low i, the patient's left: its outline must stand in the right half of the panel of truth."""
    labels = np.zeros((40, 40, 20), np.uint8)
    labels[5:12, 15:25, 5:15] = BY_ABBREVIATION["L"].number
    path = tmp_path / "overlay.png"
    draw_overlay(np.full(labels.shape, 40.0, np.float32), labels, np.zeros_like(labels), 2.0, "case", path)
    picture = np.asarray(Image.open(path).convert("RGB")).astype(int)
    colour = np.array(BY_ABBREVIATION["L"].colour)
    columns = np.flatnonzero((np.abs(picture - colour).sum(axis=2) < 60).any(axis=0)) / picture.shape[1]
    assert 1 / 3 + 1 / 6 < columns.min() < columns.max() < 2 / 3
