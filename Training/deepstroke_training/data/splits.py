"""Which patients are trained on, validated on and kept for the test: a patient is on one side with all scans."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from deepstroke.errors import ConfigError, InputError
from deepstroke.nifti import write_json

Part = Literal["train", "validation", "test"]
PARTS: tuple[Part, ...] = get_args(Part)


@dataclass(frozen=True)
class Split:
    """Patients of a data set in three parts that share none.

    Attributes:
        dataset: name of the data set.
        train, validation, test: patients, sorted.

    Raises:
        ConfigError: a patient stands in two parts, or there is nobody to train on.
    """

    dataset: str
    train: tuple[str, ...]
    validation: tuple[str, ...] = ()
    test: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for part in PARTS:
            object.__setattr__(self, part, tuple(sorted(getattr(self, part))))
        everybody = [*self.train, *self.validation, *self.test]
        twice = (
            sorted({patient for patient in everybody if everybody.count(patient) > 1}) if _repeats(everybody) else []
        )
        if twice:
            raise ConfigError(f"{self.dataset}: in the split more than once: {', '.join(twice)}", code="split-overlap")
        if not self.train:
            raise ConfigError(f"{self.dataset}: the split leaves nobody to train on", code="split-empty")

    def part_of(self, patient: str) -> Part:
        """Where a patient belongs.

        Raises:
            ConfigError: the split doesn't know the patient.
        """
        for part in PARTS:
            if patient in getattr(self, part):
                return part
        raise ConfigError(f"{self.dataset}: the split doesn't know patient {patient}", code="split-unknown")

    def require(self, patients: Iterable[str]) -> None:
        """Raise ConfigError where the split doesn't know all patients."""
        unknown = sorted(set(patients) - {*self.train, *self.validation, *self.test})
        if unknown:
            raise ConfigError(
                f"{self.dataset}: the split doesn't know {len(unknown)} patients ({', '.join(unknown[:5])}"
                f"{', ...' if len(unknown) > 5 else ''}); add each to one of its parts, or draw a new split",
                code="split-unknown",
            )


def draw_split(
    patients: Iterable[str],
    seed: int = 0,
    test_size: float = 0.1,
    validation_size: float = 0.1,
    dataset: str = "data set",
) -> Split:
    """Split patients at random; the order in which they are given doesn't matter.

    Args:
        patients: may be given more than once.
        seed: another seed gives another split.
        test_size, validation_size: share of patients; each part with a share above 0 has at least one.
        dataset: its name, for the split and for messages.

    Raises:
        ConfigError: there are too few patients.

    Example:
        >>> split = draw_split([f"p{n}" for n in range(10)], test_size=0.2, validation_size=0.1)
        >>> len(split.train), len(split.validation), len(split.test)
        (7, 1, 2)
    """
    shuffled = _shuffled(patients, seed)
    tested, validated = (_count(len(shuffled), size) for size in (test_size, validation_size))
    if len(shuffled) < tested + validated + 1:
        raise ConfigError(
            f"{dataset}: {len(shuffled)} patients are too few for a test_size of {test_size:g} ({tested}), a "
            f"validation_size of {validation_size:g} ({validated}) and at least one to train on",
            code="too-few-patients",
        )
    rest = shuffled[tested:]
    return Split(dataset, tuple(rest[validated:]), tuple(rest[:validated]), tuple(shuffled[:tested]))


def draw_folds(
    patients: Iterable[str], folds: int, seed: int = 0, test_size: float = 0.1, dataset: str = "data set"
) -> tuple[Split, ...]:
    """Splits for cross-validation: the same test patients in all, every other one validated on exactly once.

    Args:
        patients: may be given more than once.
        folds: how many, at least 2.
        seed: another seed gives other folds.
        test_size: share of patients.
        dataset: its name.

    Raises:
        ConfigError: there are too few patients.
    """
    shuffled = _shuffled(patients, seed)
    tested = _count(len(shuffled), test_size)
    rest = shuffled[tested:]
    if folds < 2 or len(rest) < folds:
        raise ConfigError(
            f"{dataset}: {len(shuffled)} patients, {tested} of them for the test, are too few for {folds} folds",
            code="too-few-patients",
        )
    return tuple(
        Split(
            dataset,
            tuple(patient for n, patient in enumerate(rest) if n % folds != fold),
            tuple(rest[fold::folds]),
            tuple(shuffled[:tested]),
        )
        for fold in range(folds)
    )


def write_splits(splits: Sequence[Split], path: Path) -> None:
    """Write the splits of a run's data sets, which ``read_split`` finds again.

    Raises:
        InputError: the disk refuses.
    """
    write_json({"splits": [asdict(split) for split in splits]}, path)


def read_split(path: Path, dataset: str) -> Split:
    """The split of a data set from a file, which may hold those of others as well.

    Raises:
        InputError: the file is missing or damaged.
        ConfigError: it has no split for the data set, or a patient stands in two parts.
    """
    splits = list(_splits_in(path))
    for split in splits:
        if split.dataset == dataset:
            return split
    found = ", ".join(split.dataset for split in splits) or "nothing"
    raise ConfigError(f"{path}: no split for {dataset}; it holds those of {found}", code="split-missing")


def _splits_in(path: Path) -> Iterator[Split]:
    try:
        content: Any = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not a readable split file ({error})", code="split-file") from error
    try:
        for one in content["splits"]:
            yield Split(str(one["dataset"]), *(tuple(map(str, one[part])) for part in PARTS))
    except (KeyError, TypeError) as error:
        raise InputError(
            f"{path}: expected a list 'splits' of mappings with dataset, {', '.join(PARTS)} ({error!r})",
            code="split-file",
        ) from error


def _shuffled(patients: Iterable[str], seed: int) -> list[str]:
    """Patients, each once, in an order that depends on the seed and on themselves alone."""
    return sorted(set(patients), key=lambda patient: hashlib.sha256(f"{seed}/{patient}".encode()).digest())


def _count(patients: int, share: float) -> int:
    return max(round(patients * share), 1) if share > 0 else 0


def _repeats(names: Sequence[str]) -> bool:
    return len(set(names)) < len(names)
