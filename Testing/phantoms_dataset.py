"""Small curated data sets of made heads with answers known by hand."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from deepstroke.nifti import write_nifti
from deepstroke.volume import LabelMap, Volume

#: Grid of the made heads: anisotropic, with i to the left and k upwards, not centred on the origin.
SHAPE, SPACING, MIDDLE_RAS = (40, 46, 24), (4.0, 4.0, 7.0), (10.0, -20.0, 30.0)


def made_head(shift_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> tuple[Volume, LabelMap, Volume]:
    """A head, its labels and the stripped head: brain of 32 HU, 55 HU in left M2 (6), 12 HU in right C (11)."""
    ijk_to_ras = np.diag([-SPACING[0], SPACING[1], SPACING[2], 1.0])
    ijk_to_ras[:3, 3] = np.array(MIDDLE_RAS) - ijk_to_ras[:3, :3] @ ((np.array(SHAPE) - 1) / 2)
    grid = Volume(np.zeros(SHAPE, np.int16), ijk_to_ras)
    places = grid.ras_of(np.moveaxis(np.indices(SHAPE), 0, -1)) - MIDDLE_RAS - np.array(shift_mm)
    radius = np.linalg.norm(places / (60.0, 72.0, 60.0), axis=-1)
    labels = np.zeros(SHAPE, np.uint8)
    labels[np.linalg.norm(places - (-30.0, 0.0, 10.0), axis=-1) < 18] = 6
    labels[np.linalg.norm(places - (25.0, 15.0, 0.0), axis=-1) < 14] = 11
    hu = np.select([radius < 1.0, radius < 1.15, radius < 1.25], [32, 900, 40], -1000)
    hu = np.where(labels == 6, 55, np.where(labels == 11, 12, hu)).astype(np.int16)
    return grid.with_data(hu), grid.with_labels(labels), grid.with_data(np.where(radius < 1.0, hu, 0).astype(np.int16))


def write_dataset(folder: Path, cases: Mapping[str, str], review: Mapping[str, str] | None = None) -> Path:
    """A data set of made heads, from case to patient; every case lies elsewhere."""
    for number, name in enumerate(cases):
        head, labels, stripped = made_head((2.0 * number, -3.0 * number, 1.0 * number))
        volumes = {
            "raw_volumes": head,
            "raw_segmentation": labels,
            "stripped_volumes": stripped,
            "registered_volumes": stripped,
            "registered_segmentation": labels,
        }
        for kind, volume in volumes.items():
            write_nifti(volume, folder / kind / f"{name}.nii.gz")
    write_table(folder, [(name, patient, (review or {}).get(name, "")) for name, patient in cases.items()])
    return folder


def write_table(
    folder: Path, rows: Sequence[Sequence[str]], header: tuple[str, ...] = ("case", "patient", "review")
) -> None:
    """``cases.csv`` of a data set."""
    with (folder / "cases.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(header)
        writer.writerows(rows)
