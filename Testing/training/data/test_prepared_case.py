"""Prepared cases on disk: what is read is what was written, and damage is noticed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from deepstroke.errors import InputError
from deepstroke_training.data.prepared_case import PreparedCase, read_case, write_case


def test_a_case_comes_back_bit_by_bit(case: PreparedCase, tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    write_case(case, path, "key")
    found = read_case(path, "key")
    assert (found.name, found.whole_head) == ("boxes", True)
    for name, tensor in case.tensors.items():
        assert torch.equal(found.tensors[name], tensor)
        assert found.tensors[name].dtype == tensor.dtype
    write_case(replace(case, whole_head=False, template_mm=None), path, "key")
    assert read_case(path, "key").template_mm is None
    assert read_case(path, "key").whole_head is False


def code_of(path: Path, key: str = "key") -> str:
    with pytest.raises(InputError, match=path.name) as caught:
        read_case(path, key)
    return caught.value.code


def test_missing_damaged_and_foreign_files_are_told_apart(case: PreparedCase, tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    assert code_of(path) == "missing-file"
    write_case(case, path, "key")
    assert code_of(path, "another key") == "other-key"
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    assert code_of(path) == "damaged-file"
    path.write_bytes(b"")
    assert code_of(path) == "damaged-file"
    flipped = bytearray(content)
    flipped[-100] ^= 4
    path.write_bytes(flipped)
    assert code_of(path) == "damaged-file"
    assert read_case(path, "key", check=False).name == "boxes", "one flipped bit shows in the checksum alone"


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    save_file({"weights": torch.zeros(3)}, tmp_path / "b.safetensors")
    assert code_of(tmp_path / "b.safetensors") == "damaged-file"
