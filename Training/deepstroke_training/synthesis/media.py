"""Media as a hospital hands them out: patients, studies, many series, a DICOMDIR; what is true of them goes aside."""

from __future__ import annotations

import csv
import math
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from deepstroke.errors import InputError
from deepstroke.nifti import atomic_path
from deepstroke_training.synthesis import companion_series as companions
from deepstroke_training.synthesis.dicom_writer import SeriesTags, Syntax, image_dataset
from deepstroke_training.synthesis.head import SyntheticCase, SyntheticHead
from deepstroke_training.synthesis.overlay_planes import OutlineStyle, add_overlays, draw_outlines, draw_style
from deepstroke_training.synthesis.random_fields import numbers

if TYPE_CHECKING:
    from pydicom import Dataset
    from pydicom.fileset import FileSet

Role = Literal["brain", "localizer", "bone", "contrast", "coronal", "sagittal", "page"]
Fault = Literal["", "gap", "no-rescale"]
#: A scan whose lowest slice lies above this, or whose highest lies below that, misses part of the brain; template mm.
LOWEST_MM, HIGHEST_MM = -62.0, 80.0
#: At least so much is cut out of a series with a gap.
GAP_MM = 10.0


@dataclass(frozen=True)
class SeriesTruth:
    """One row of ``media-series.csv``: what a series on the media really is.

    Attributes:
        case: the case, which is also its PatientID.
        series_uid: SeriesInstanceUID.
        number: SeriesNumber.
        role: what it shows; only ``"brain"`` can be used.
        fault: what was broken on purpose: ``GAP_MM`` of slices left out, or no rescale tags.
        whole_brain: whether its slices reach from the skull base to the vertex.
        images: number of files.
        overlays: how its outlines are stored, empty where it has none.
        split_sides: whether left and right have overlay groups of their own.
        missing_regions: labels that were not drawn.
    """

    case: str
    series_uid: str
    number: int
    role: Role
    fault: Fault
    whole_brain: bool
    images: int
    overlays: str = ""
    split_sides: bool = False
    missing_regions: str = ""


class HospitalMedia:
    """Collects patients and writes them as one medium with a DICOMDIR.

    Args:
        maker: scans heads again where a patient had contrast medium.
        overlays: whether about two thirds of the brain series carry outlines.
        faulty: part of the brain series that is broken on purpose.
    """

    def __init__(self, maker: SyntheticHead, *, overlays: bool, faulty: float = 0.12) -> None:
        from pydicom.fileset import FileSet

        self.maker, self.overlays, self.faulty = maker, overlays, faulty
        self.rows: list[SeriesTruth] = []
        self._files: FileSet = FileSet()

    def add(self, case: SyntheticCase, name: str) -> None:
        """Add a patient: the case's own brain series and what else was scanned that day."""
        random = numbers(case.seed, "media")
        syntax: Syntax = ("explicit", "explicit", "jpeg-ls", "rle")[int(random.integers(4))]
        acquisition = case.settings.acquisition
        tags = SeriesTags(
            name,
            thickness_mm=acquisition.thickness_mm,
            tilt_degrees=round(acquisition.tilt_degrees, 4),
            syntax=syntax,
        )
        self._add_brain(case, replace(tags, series="2", number=2), random)
        for role, number, make in self._companions(case, random):
            own = replace(tags, series=str(number), number=number)
            self._keep(case, own, role, make(own))

    def _companions(
        self, case: SyntheticCase, random: np.random.Generator
    ) -> Iterator[tuple[Role, int, Callable[[SeriesTags], list[Dataset]]]]:
        """Role, number and maker of each further series of a patient."""
        yield "localizer", 1, lambda tags: companions.localizers(case, tags)
        if random.random() < 0.7:
            yield "bone", 3, lambda tags: companions.bone_kernel(case, tags)
        if random.random() < 0.3:
            yield "contrast", 4, lambda tags: companions.with_contrast(self.maker, case, tags)
        if random.random() < 0.5:
            yield "coronal", 5, lambda tags: companions.reformats(case, tags, "coronal")
            yield "sagittal", 6, lambda tags: companions.reformats(case, tags, "sagittal")
        if random.random() < 0.6:
            yield "page", 99, lambda tags: companions.saved_screen(tags)

    def _add_brain(self, case: SyntheticCase, tags: SeriesTags, random: np.random.Generator) -> None:
        style = draw_style(random) if self.overlays and random.random() < 0.68 else None
        if style is not None and style.storage == "embedded":
            tags = replace(tags, syntax="explicit")
        datasets = []
        for k in range(case.volume.shape[2]):
            datasets.append(_brain_slice(case, k, tags, style, random))
        fault: Fault = ""
        if random.random() < self.faulty:
            fault = "gap" if random.random() < 0.6 else "no-rescale"
            _break(datasets, fault, case.settings.acquisition.step_mm)
        self._keep(case, tags, "brain", datasets, fault, style)

    def _keep(
        self,
        case: SyntheticCase,
        tags: SeriesTags,
        role: Role,
        datasets: list[Dataset],
        fault: Fault = "",
        style: OutlineStyle | None = None,
    ) -> None:
        for dataset in datasets:
            self._files.add(dataset)
        acquisition = case.settings.acquisition
        row = SeriesTruth(
            case=tags.patient_id,
            series_uid=tags.series_uid,
            number=tags.number,
            role=role,
            fault=fault,
            whole_brain=acquisition.bottom_mm <= LOWEST_MM and acquisition.top_mm >= HIGHEST_MM,
            images=len(datasets),
        )
        if style is not None:
            missing = " ".join(map(str, style.missing_regions))
            row = replace(row, overlays=style.storage, split_sides=style.split_sides, missing_regions=missing)
        self.rows.append(row)

    def write(self, folder: Path, truth: Path) -> None:
        """Write the medium to a new folder, and the table of what its series are to ``truth``.

        Raises:
            InputError: the folder is there already and holds a DICOMDIR, or the disk refuses.
        """
        if (folder / "DICOMDIR").exists():
            raise InputError(f"{folder} holds a DICOMDIR already; name another folder", code="media-exist")
        folder.mkdir(parents=True, exist_ok=True)
        self._files.ID = "SYNTHETIC"
        try:
            self._files.write(folder)
        except OSError as error:
            free = shutil.disk_usage(folder).free / 1e6
            raise InputError(
                f"{folder} can't be written ({error.strerror or error}); {free:.0f} MB are free there", code="write"
            ) from error
        rows = [asdict(row) for row in self.rows]
        with atomic_path(truth) as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, fieldnames=list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)


def _brain_slice(
    case: SyntheticCase, k: int, tags: SeriesTags, style: OutlineStyle | None, random: np.random.Generator
) -> Dataset:
    """One slice of the brain series, with its outlines where it was drawn on."""
    if style is None:
        return image_dataset(case.volume, k, tags)
    dataset = image_dataset(case.volume, k, replace(tags, syntax="explicit") if style.storage == "embedded" else tags)
    add_overlays(dataset, draw_outlines(case.regions.data[::-1, ::-1, k].T, style, random), style)
    return dataset


def _break(datasets: list[Dataset], fault: Fault, step_mm: float) -> None:
    if fault == "gap":
        middle = len(datasets) // 2
        del datasets[middle : middle + math.ceil(GAP_MM / step_mm)]
        return
    for dataset in datasets:
        del dataset.RescaleIntercept, dataset.RescaleSlope, dataset.RescaleType
