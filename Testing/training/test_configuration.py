"""Settings from YAML and the command line: every fault is told at once, by its dotted name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, Literal

import pytest

from deepstroke.errors import ConfigError
from deepstroke_training.configuration import as_mapping, fill, unknown_names
from deepstroke_training.configuration_files import read_settings, write_settings


class Shade(Enum):
    DARK = "dark"
    LIGHT = "light"


@dataclass(frozen=True)
class Cohort:
    kind: Literal["cohort"] = "cohort"
    folder: Path = Path("data")


@dataclass(frozen=True)
class Generated:
    kind: Literal["generated"] = "generated"
    length: int = 4


@dataclass(frozen=True)
class Work:
    lr: float = 0.1
    steps: int = 10
    schedule: Literal["constant", "cosine"] = "cosine"

    def __post_init__(self) -> None:
        faults = []
        if not self.lr > 0:
            faults.append(f"lr is above 0, found {self.lr:g}")
        if self.steps < 1:
            faults.append(f"steps is 1 or more, found {self.steps}")
        if faults:
            raise ConfigError("\n".join(faults))


@dataclass(frozen=True)
class Whole:
    name: str
    work: Work = field(default_factory=Work)
    shape: tuple[int, int, int] = (8, 8, 8)
    stages: tuple[str, ...] = ()
    sources: tuple[Cohort | Generated, ...] = ()
    limit: int | None = None
    shade: Shade = Shade.DARK
    weights: Mapping[str, float] = field(default_factory=dict)
    on: bool = False


FULL: dict[str, Any] = {
    "name": "run",
    "work": {"lr": 1, "schedule": "constant"},
    "shape": [4, 5, 6],
    "stages": ["raw", "stripped"],
    "sources": [{"kind": "generated", "length": 7}, {"folder": "else"}],
    "limit": 3,
    "shade": "light",
    "weights": {"C": 2},
    "on": True,
}


def test_nested_mappings_fill_nested_dataclasses() -> None:
    assert fill(Whole, FULL) == Whole(
        name="run",
        work=Work(lr=1.0, schedule="constant"),
        shape=(4, 5, 6),
        stages=("raw", "stripped"),
        sources=(Generated(length=7), Cohort(folder=Path("else"))),
        limit=3,
        shade=Shade.LIGHT,
        weights={"C": 2.0},
        on=True,
    )


def test_the_mapping_of_settings_fills_the_same_settings_again() -> None:
    made = fill(Whole, FULL)
    assert fill(Whole, as_mapping(made)) == made
    assert as_mapping(made)["sources"][1] == {"kind": "cohort", "folder": "else"}


def test_faults_of_all_sections_are_told_at_once_with_their_dotted_names() -> None:
    faulty = {
        "work": {"lr": -1, "step": 3, "schedule": "linear"},
        "shape": [4, 5],
        "stages": ["raw", 1],
        "sources": [{"kind": "cohort", "length": 7}, {"kind": "generated", "length": "many"}],
        "limit": 2.5,
        "shade": "blue",
        "on": 1,
        "colour": "red",
    }
    with pytest.raises(ConfigError) as told:
        fill(Whole, faulty)
    assert str(told.value).splitlines() == [
        "colour: no such setting; there are: name, work, shape, stages, sources, limit, shade, weights, on",
        "name: missing",
        "work.step: no such setting; did you mean 'steps'?",
        "work.schedule: expected one of constant, cosine, found 'linear'",
        "work.lr is above 0, found -1",
        "shape: expected 3 values, found 2",
        "stages[1]: expected text, found 1",
        "sources[0].length: no such setting; there are: kind, folder",
        "sources[1].length: expected a whole number, found 'many'",
        "limit: expected a whole number or nothing (null), found 2.5",
        "shade: expected one of dark, light, found 'blue'",
        "on: expected true or false, found 1",
    ]


@pytest.mark.parametrize("value", [True, "3", None, float("nan"), float("inf")])
def test_what_is_no_finite_number_is_no_number(value: object) -> None:
    with pytest.raises(ConfigError, match=r"work\.lr: expected a number"):
        fill(Whole, {"name": "run", "work": {"lr": value}})


def test_a_choice_between_texts_may_be_written_as_a_number() -> None:
    @dataclass(frozen=True)
    class Arithmetic:
        precision: Literal["32", "bf16"] = "bf16"
        bits: Literal[1, 2] = 1

    assert fill(Arithmetic, {"precision": 32, "bits": 2}) == Arithmetic("32", 2)
    with pytest.raises(ConfigError, match="bits: expected one of 1, 2, found True"):
        fill(Arithmetic, {"bits": True})


def test_a_section_that_is_no_mapping_is_a_fault() -> None:
    with pytest.raises(ConfigError, match=r"^work: expected settings with names, found 'fast'$"):
        fill(Whole, {"name": "run", "work": "fast"})


def test_a_default_that_stands_in_for_a_faulty_value_is_not_blamed() -> None:
    @dataclass(frozen=True)
    class Range:
        low: int = 5
        high: int = 9

        def __post_init__(self) -> None:
            if self.low >= self.high:
                raise ConfigError("low lies below high")

    with pytest.raises(ConfigError, match=r"^low: expected a whole number, found 'one'$"):
        fill(Range, {"low": "one", "high": 3})


def test_a_name_with_no_near_one_lists_what_there_is() -> None:
    assert unknown_names(["zzz"], ["lr", "seed"]) == ["zzz: no such setting; there are: lr, seed"]


def test_overrides_are_laid_over_the_file(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("name: run\nwork:\n  lr: 1e-3\n  steps: 5\nlimit:\n")
    overrides = ["work.lr=3E-4", "shape=[1, 2, 3]", "limit=null", "weights.C=2.5", "on=true"]
    assert read_settings(path, overrides) == {
        "name": "run",
        "work": {"lr": 3e-4, "steps": 5},
        "limit": None,
        "shape": [1, 2, 3],
        "weights": {"C": 2.5},
        "on": True,
    }


def test_written_settings_are_read_back(tmp_path: Path) -> None:
    settings = {"name": "run", "work": {"lr": 1e-5, "steps": 5}, "shape": [1, 2, 3], "limit": None}
    write_settings(settings, tmp_path / "c.yaml")
    assert read_settings(tmp_path / "c.yaml") == settings


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: 1\nb: [", r"c\.yaml: line 2, column \d+ is not YAML"),
        ("a: 1\na: 2\n", r"the key 'a' stands twice"),
        ("- 1\n", r"expected settings with names, found list"),
        ("a: !!python/object/apply:os.getcwd []\n", r"is not YAML: could not determine a constructor"),
    ],
)
def test_a_faulty_file_is_refused_with_the_place(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=told):
        read_settings(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.yaml can't be read"):
        read_settings(tmp_path / "none.yaml")


def test_faulty_overrides_are_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("name: run\n")
    with pytest.raises(ConfigError) as told:
        read_settings(path, ["lr", "name.first=1", "=3", "x=[1"])
    lines = str(told.value).splitlines()
    assert lines[0] == "'lr': expected name=value, such as optimizer.lr=3e-4"
    assert lines[1] == "'name.first=1': name holds 'run', not settings with names"
    assert lines[2].startswith("'=3': expected name=value")
    assert lines[3].startswith("x: line 1")
