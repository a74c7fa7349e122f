"""Splits: no patient on two sides, the same for the same seed, and clear words where it can't be."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepstroke.errors import ConfigError, InputError
from deepstroke_training.data.splits import Split, draw_folds, draw_split, read_split, write_splits

PATIENTS = st.lists(st.text("abcdef0123456789", min_size=1, max_size=6), min_size=8, max_size=60)


@given(patients=PATIENTS, seed=st.integers(0, 2**40), test=st.floats(0, 0.4), validation=st.floats(0, 0.3))
def test_every_patient_is_in_exactly_one_part(patients: list[str], seed: int, test: float, validation: float) -> None:
    people = set(patients) | {f"more{n}" for n in range(8)}
    split = draw_split(people, seed, test, validation)
    assert sorted([*split.train, *split.validation, *split.test]) == sorted(people)
    assert not set(split.train) & set(split.validation)
    assert not {*split.train, *split.validation} & set(split.test)
    assert abs(len(split.test) - test * len(people)) <= 1
    assert abs(len(split.validation) - validation * len(people)) <= 1


@given(patients=PATIENTS, seed=st.integers(0, 2**40))
def test_neither_order_nor_repeated_scans_change_a_split(patients: list[str], seed: int) -> None:
    people = [*set(patients), *(f"more{n}" for n in range(8))]
    twice = people * 2
    random.Random(seed).shuffle(twice)
    assert draw_split(twice, seed) == draw_split(people, seed)


@given(patients=PATIENTS, seed=st.integers(0, 2**40), folds=st.integers(2, 5))
def test_folds_validate_everybody_but_the_test_once(patients: list[str], seed: int, folds: int) -> None:
    people = set(patients) | {f"more{n}" for n in range(8)}
    splits = draw_folds(people, folds, seed, test_size=0.2)
    assert len({split.test for split in splits}) == 1
    validated = [patient for split in splits for patient in split.validation]
    assert sorted(validated) == sorted(people - set(splits[0].test))
    for split in splits:
        assert {*split.train, *split.validation, *split.test} == people


def test_seeds_give_different_splits() -> None:
    people = [f"p{n}" for n in range(40)]
    assert len({draw_split(people, seed).test for seed in range(10)}) == 10


def test_too_few_patients_are_refused_with_their_number() -> None:
    with pytest.raises(ConfigError, match=r"study: 2 patients are too few for a test_size of 0.1 \(1\)"):
        draw_split(["a", "b", "a"], dataset="study")
    with pytest.raises(ConfigError, match="4 patients, 1 of them for the test, are too few for 5 folds"):
        draw_folds(["a", "b", "c", "d"], folds=5)
    assert draw_split(["a", "b"], test_size=0.0).test == ()


def test_a_split_by_hand_is_checked() -> None:
    with pytest.raises(ConfigError, match="more than once: b"):
        Split("study", ("a", "b"), ("b",))
    with pytest.raises(ConfigError, match="nobody to train on"):
        Split("study", (), ("b",))
    split = Split("study", ("b", "a"), ("c",), ("d",))
    assert split.train == ("a", "b")
    assert [split.part_of(patient) for patient in "abcd"] == ["train", "train", "validation", "test"]
    with pytest.raises(ConfigError, match="doesn't know patient e"):
        split.part_of("e")
    with pytest.raises(ConfigError, match=r"doesn't know 2 patients \(e, f\)"):
        split.require("abef")


def test_a_file_gives_each_data_set_its_split_back(tmp_path: Path) -> None:
    splits = [draw_split([f"{name}{n}" for n in range(9)], dataset=name) for name in ("here", "there")]
    write_splits(splits, tmp_path / "split.json")
    assert read_split(tmp_path / "split.json", "there") == splits[1]
    assert read_split(tmp_path / "split.json", "here") == splits[0]
    with pytest.raises(ConfigError, match="no split for elsewhere; it holds those of here, there"):
        read_split(tmp_path / "split.json", "elsewhere")


def test_faulty_split_files_are_named(tmp_path: Path) -> None:
    path = tmp_path / "split.json"
    with pytest.raises(InputError, match=r"split\.json: not a readable split file"):
        read_split(path, "here")
    path.write_text("{")
    with pytest.raises(InputError, match=r"split\.json: not a readable split file"):
        read_split(path, "here")
    path.write_text(json.dumps({"splits": [{"dataset": "here", "train": ["a"]}]}))
    with pytest.raises(InputError, match="expected a list 'splits'"):
        read_split(path, "here")
    path.write_text(json.dumps({"splits": [{"dataset": "here", "train": ["a"], "validation": ["a"], "test": []}]}))
    with pytest.raises(ConfigError, match="more than once: a"):
        read_split(path, "here")
