"""A case as training takes it: all arrays on one isotropic grid in RAS+; and its file on disk."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from deepstroke.errors import InputError
from deepstroke.nifti import atomic_path

#: What a case went through: the whole head, the brain alone, or the brain on the template's grid.
Stage = Literal["raw", "stripped", "registered"]
STAGES: tuple[Stage, ...] = get_args(Stage)
#: Codes of errors of ``read_case`` after which the case is to be made anew.
REMAKE = frozenset({"missing-file", "damaged-file", "other-key"})
#: Changes with the layout of the file.
_FORMAT = "1"
_CHECKSUM, _KEY, _NAME, _WHOLE = "crc32", "key", "case", "whole_head"


@dataclass(frozen=True, eq=False)
class PreparedCase:
    """A case on an isotropic grid whose axes point to right, anterior and superior.

    Attributes:
        name: of the case.
        whole_head: whether the image shows the whole head; else it is 0 HU outside the brain.
        image: (i, j, k) int16 HU.
        label: (i, j, k) uint8, 1..10 left and 11..20 right.
        brain: (i, j, k) bool, where the brain was scanned.
        template_mm: (3, i, j, k) float16, where each voxel lies in the template, RAS+ mm; None where nobody knows.
    """

    name: str
    whole_head: bool
    image: torch.Tensor
    label: torch.Tensor
    brain: torch.Tensor
    template_mm: torch.Tensor | None = None

    @property
    def tensors(self) -> dict[str, torch.Tensor]:
        """The arrays by name, contiguous."""
        named = {"image": self.image, "label": self.label, "brain": self.brain, "template_mm": self.template_mm}
        return {name: tensor.contiguous() for name, tensor in named.items() if tensor is not None}


def write_case(case: PreparedCase, path: Path, key: str) -> None:
    """Write a case to one file, whole or not at all.

    Args:
        case: what to write.
        path: of the file.
        key: what the case was made from; ``read_case`` asks for the same.

    Raises:
        InputError: the disk refuses.
    """
    tensors = case.tensors
    facts = {_KEY: _key(key), _NAME: case.name, _WHOLE: str(case.whole_head), _CHECKSUM: _checksum(tensors)}
    with atomic_path(path) as temporary:
        save_file(tensors, temporary, facts)


def read_case(path: Path, key: str, *, check: bool = True) -> PreparedCase:
    """Read a case; its arrays are mapped from the file, so that only what is used is loaded.

    Args:
        path: of the file.
        key: what the case must have been made from.
        check: whether the content is compared with its checksum, which reads all of it.

    Raises:
        InputError: the file is missing (code ``missing-file``), damaged (``damaged-file``), or was made from something
            else (``other-key``).
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file", code="missing-file")
    try:
        with safe_open(path, framework="pt") as stored:
            facts = stored.metadata() or {}
            tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise InputError(f"{path}: damaged ({error}); remove it, it will be made again", code="damaged-file") from error
    _require(path, facts, _key(key), tensors, check)
    return PreparedCase(facts[_NAME], facts[_WHOLE] == str(True), **tensors)


def _require(path: Path, facts: Mapping[str, str], key: str, tensors: Mapping[str, torch.Tensor], check: bool) -> None:
    if not {_KEY, _NAME, _WHOLE, _CHECKSUM} <= set(facts) or not {"image", "label", "brain"} <= set(tensors):
        raise InputError(f"{path}: not a prepared case; remove it", code="damaged-file")
    if facts[_KEY] != key:
        raise InputError(f"{path}: made from {facts[_KEY]}, expected {key}; remove it", code="other-key")
    if check and facts[_CHECKSUM] != _checksum(tensors):
        raise InputError(f"{path}: the content doesn't fit its checksum; remove it", code="damaged-file")


def _key(key: str) -> str:
    return f"{_FORMAT}/{key}"


def _checksum(tensors: Mapping[str, torch.Tensor]) -> str:
    """CRC-32 over all arrays in the order of their names."""
    total = 0
    for name in sorted(tensors):
        content: Any = tensors[name].reshape(-1).view(torch.uint8).numpy()
        total = zlib.crc32(content, total)
    return f"{total:08x}"
