"""The cases with least Dice, kept while cases stream by: a few pictures lie on the disk, nothing in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deepstroke.volume import LabelMap, Volume
from deepstroke_training.curation.storage import write_table
from deepstroke_training.evaluation.overlays import draw_overlay
from deepstroke_training.evaluation.records import BACKGROUND, CaseName, RegionRecord

#: Where the pictures of the worst cases lie, and their list.
WORST_FOLDER, WORST_FILE = "worst", "worst.csv"
_COLUMNS = ("rank", "case", "patient", "stage", "mean_dice", "worst_region", "worst_side", "worst_dice", "picture")


@dataclass(frozen=True)
class WorstCase:
    """One of the worst cases.

    Attributes:
        name: of the case.
        mean_dice: over its regions.
        worst: the record of its worst region.
        picture: of the case; it is renamed by rank at the end.
    """

    name: CaseName
    mean_dice: float
    worst: RegionRecord
    picture: Path


class WorstCases:
    """Keeps the worst of the cases offered.

    Args:
        folder: of the evaluation; pictures go into ``worst/``.
        most: how many are kept.
    """

    def __init__(self, folder: Path, most: int) -> None:
        self.folder, self.most = folder, most
        self.cases: list[WorstCase] = []
        self._offered = 0
        for stale in (folder / WORST_FOLDER).glob("*.png"):
            stale.unlink()

    def offer(
        self,
        name: CaseName,
        records: Sequence[RegionRecord],
        prediction: LabelMap,
        truth: LabelMap,
        image: Volume | None,
    ) -> None:
        """Draw a case if it is among the worst so far, and drop the one that no longer is.

        Raises:
            InputError: the disk refuses.
        """
        self._offered += 1
        regions = [record for record in records if record.region != BACKGROUND and record.dice is not None]
        if not regions or self.most < 1:
            return
        mean = sum(record.dice or 0.0 for record in regions) / len(regions)
        if len(self.cases) == self.most and mean >= self.cases[-1].mean_dice:
            return
        picture = self.folder / WORST_FOLDER / f"case-{self._offered:06d}.png"
        case = WorstCase(name, mean, min(regions, key=lambda record: record.dice or 0.0), picture)
        draw_overlay(prediction, truth, image, _caption(case), picture)
        self.cases = sorted([*self.cases, case], key=lambda kept: kept.mean_dice)
        for dropped in self.cases[self.most :]:
            dropped.picture.unlink()
        del self.cases[self.most :]

    def finish(self) -> None:
        """Name the pictures by rank and write the list.

        Raises:
            InputError: the disk refuses.
        """
        rows = []
        for rank, case in enumerate(self.cases, start=1):
            picture = case.picture.with_name(f"{rank:02d}.png")
            case.picture.rename(picture)
            rows.append(_row(rank, case, f"{WORST_FOLDER}/{picture.name}"))
        write_table(self.folder / WORST_FILE, _COLUMNS, rows)


def _caption(case: WorstCase) -> tuple[str, str]:
    side = "" if case.worst.side == "both" else f"{case.worst.side} "
    return (
        f"{case.name}: mean Dice {case.mean_dice:.3f}",
        f"worst region: {side}{case.worst.region}, Dice {case.worst.dice:.3f}, "
        f"{case.worst.volume_ml:.1f} ml predicted, {case.worst.reference_ml:.1f} ml true",
    )


def _row(rank: int, case: WorstCase, picture: str) -> dict[str, Any]:
    return {
        "rank": rank,
        "case": case.name.case,
        "patient": case.name.patient,
        "stage": case.name.stage,
        "mean_dice": case.mean_dice,
        "worst_region": case.worst.region,
        "worst_side": case.worst.side,
        "worst_dice": case.worst.dice,
        "picture": picture,
    }
