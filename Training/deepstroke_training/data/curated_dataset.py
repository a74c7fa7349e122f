"""A data set that ``deepstroke-train curate`` made, as training sees it: cases, patients, and files that are sound."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from deepstroke.errors import InputError
from deepstroke.nifti import read_label_map, read_volume
from deepstroke.progress import Progress, silent
from deepstroke.volume import LabelMap, Volume
from deepstroke_training.data.checked_files import CheckedFiles
from deepstroke_training.data.prepared_case import STAGES, Stage

#: Folders of image and labels by stage.
FOLDERS: dict[Stage, tuple[str, str]] = {
    "raw": ("raw_volumes", "raw_segmentation"),
    "stripped": ("stripped_volumes", "raw_segmentation"),
    "registered": ("registered_volumes", "registered_segmentation"),
}
TABLE, DESCRIPTION = "cases.csv", "dataset.json"


@dataclass(frozen=True)
class DatasetCase:
    """One scan of a data set.

    Attributes:
        name: of the case.
        patient: whom it shows; salted.
        folder: of the data set.
        review: why curation wants a person to look at it; empty for most.
    """

    name: str
    patient: str
    folder: Path
    review: tuple[str, ...] = ()

    def image_path(self, stage: Stage) -> Path:
        """The file of its image at a stage."""
        return self.folder / FOLDERS[stage][0] / f"{self.name}.nii.gz"

    def label_path(self, stage: Stage) -> Path:
        """The file of its regions at a stage."""
        return self.folder / FOLDERS[stage][1] / f"{self.name}.nii.gz"

    def read(self, stage: Stage) -> tuple[Volume, LabelMap]:
        """Image in HU and sided labels, as stored.

        Raises:
            InputError: a file is missing or damaged.
        """
        return read_volume(self.image_path(stage)), read_label_map(self.label_path(stage))


@dataclass(frozen=True)
class CuratedDataset:
    """Cases whose files have been checked.

    Attributes:
        folder: of the data set.
        name: the same wherever it lies: the fingerprint of its salt, or the folder's name.
        stages: which have been checked.
        cases: in the order of their names.
    """

    folder: Path
    name: str
    stages: tuple[Stage, ...]
    cases: tuple[DatasetCase, ...]

    @classmethod
    def open(
        cls,
        folder: Path | str,
        stages: Sequence[Stage] = STAGES,
        *,
        checked: CheckedFiles | None = None,
        progress: Progress = silent,
    ) -> CuratedDataset:
        """Open a data set and check every file of the stages.

        Args:
            folder: of the data set.
            stages: which are needed.
            checked: remembers which files are sound, so that only new and changed ones are read.
            progress: told after each case.

        Raises:
            InputError: something is wrong; the message names every fault and its file, one a line.

        Example:
            >>> CuratedDataset.open("dataset").patients  # doctest: +SKIP
            ('3f0a...', '81c2...')
        """
        folder = Path(folder)
        faults: list[str] = []
        cases = tuple(sorted(_read_table(folder, faults), key=lambda case: case.name))
        checked = checked or CheckedFiles()
        for number, case in enumerate(cases, start=1):
            for stage in stages:
                faults += checked.faults_of(case.image_path(stage), case.label_path(stage))
            progress(number / len(cases), f"checked case {number} of {len(cases)}")
        checked.save()
        if faults:
            each_once = list(dict.fromkeys(faults))
            raise InputError(f"{folder} can't be trained on:\n" + "\n".join(each_once), code="curated-dataset")
        return cls(folder, _name(folder), tuple(stages), cases)

    @property
    def patients(self) -> tuple[str, ...]:
        """Every patient once, sorted."""
        return tuple(sorted({case.patient for case in self.cases}))

    def of_patients(self, patients: Iterable[str], skip_review: bool = False) -> tuple[DatasetCase, ...]:
        """All cases of some patients, without those that a person should look at first if asked so."""
        wanted = set(patients)
        return tuple(case for case in self.cases if case.patient in wanted and not (skip_review and case.review))


def _read_table(folder: Path, faults: list[str]) -> Iterator[DatasetCase]:
    path = folder / TABLE
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            reader = csv.DictReader(stream)
            missing = [column for column in ("case", "patient") if column not in (reader.fieldnames or ())]
            if missing:
                faults.append(
                    f"{path}: no column {' and no column '.join(missing)}; make it by deepstroke-train curate"
                )
                return
            rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        faults.append(f"{path}: can't be read ({error}); expected the table that deepstroke-train curate writes")
        return
    if not rows:
        faults.append(f"{path}: lists no case")
    yield from _cases(folder, path, rows, faults)


def _cases(folder: Path, path: Path, rows: Sequence[dict[str, str]], faults: list[str]) -> Iterator[DatasetCase]:
    seen: set[str] = set()
    for line, row in enumerate(rows, start=2):
        name, patient = (row["case"] or "").strip(), (row["patient"] or "").strip()
        if not name or Path(name).name != name:
            faults.append(f"{path}: line {line}: {name!r} is no name of a case")
        elif name in seen:
            faults.append(f"{path}: line {line}: case {name} stands there twice")
        elif not patient:
            faults.append(f"{path}: line {line}: case {name} has no patient, so that it can't be kept on one side")
        else:
            yield DatasetCase(name, patient, folder, tuple((row.get("review") or "").split()))
        seen.add(name)


def _name(folder: Path) -> str:
    path = folder / DESCRIPTION
    if path.is_file():
        fingerprint = json.loads(path.read_text(encoding="utf-8")).get("salt_fingerprint")
        if fingerprint:
            return str(fingerprint)
    return folder.resolve().name
