"""Where cases come from: a source gives prepared cases by number, for one stage of training each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from deepstroke_training.data.order import Strand
from deepstroke_training.data.prepared_case import PreparedCase, Stage
from deepstroke_training.data.synthetic_pool import SyntheticPool


class CaseSource(Protocol):
    """Prepared cases by number."""

    @property
    def name(self) -> str:
        """Which source this is, the same in every process."""
        ...

    def __len__(self) -> int: ...

    def __getitem__(self, number: int) -> PreparedCase:
        """A case; it may be shown in another stage than it was prepared in."""
        ...


@dataclass(frozen=True)
class StagedSource:
    """The cases of one source, all shown at one stage.

    Attributes:
        cases: the source.
        stage: raw cases may be shown stripped, not the reverse.
        weight: share of samples, in proportion to other sources'.
    """

    cases: CaseSource
    stage: Stage
    weight: float = 1.0

    @property
    def strand(self) -> Strand:
        """How the cases are drawn."""
        return Strand(f"{self.cases.name}/{self.stage}", len(self.cases), self.weight)


class FixedPool:
    """The first cases of a synthetic pool.

    Args:
        pool: makes the ones that are missing.
        count: how many.
    """

    def __init__(self, pool: SyntheticPool, count: int) -> None:
        self.pool, self.count = pool, count
        self.name = pool.folder.name

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, number: int) -> PreparedCase:
        if not 0 <= number < self.count:
            raise IndexError(f"case {number} of {self.count}")
        return self.pool.case(number)
