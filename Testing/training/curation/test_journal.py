"""The journal keeps every whole line, whatever killed its writer."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from deepstroke.errors import InputError
from deepstroke_training.curation.journal import Journal


def test_entries_come_back_in_order_and_survive_reopening(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    journal.append({"b": 1, "a": "ä"})
    journal.close()
    journal = Journal(tmp_path / "journal.jsonl")
    journal.append({"c": 2.5})
    assert list(journal.entries()) == [{"a": "ä", "b": 1}, {"c": 2.5}]
    assert (tmp_path / "journal.jsonl").read_text(encoding="utf-8").startswith('{"a": "ä", "b": 1}\n')


def test_a_line_that_a_kill_cut_off_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_text('{"a": 1}\n{"b": 2')
    journal = Journal(path)
    journal.append({"c": 3})
    assert list(journal.entries()) == [{"a": 1}, {"c": 3}]


def test_a_damaged_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_text('{"a": 1}\nnonsense\n')
    with pytest.raises(InputError, match="line 2 is damaged"):
        list(Journal(path).entries())


def test_replacing_puts_other_entries_in_place(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    journal.append({"z": 1})
    journal.replace([{"a": 1}, {"b": 2}])
    journal.append({"c": 3})
    assert list(journal.entries()) == [{"a": 1}, {"b": 2}, {"c": 3}]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """/dev/full takes no byte; cutting it back to the last whole entry is all that can't be asked of it."""
    journal = Journal(tmp_path / "journal.jsonl")
    journal._stream.close()
    journal._stream = open("/dev/full", "ab", buffering=0)  # noqa: PTH123, SIM115
    with pytest.raises(InputError, match=os.strerror(28)):
        journal.append({"a": 1})
    journal.close()
