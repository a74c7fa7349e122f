"""Results of `deepstroke segment` made by hand, small and with answers known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from deepstroke.asymmetry_maps import ASYMMETRY_MAPS
from deepstroke.nifti import write_json, write_nifti
from deepstroke.regions import SIDED_REGIONS
from deepstroke.volume import LabelMap, Volume

#: A CT of 5 mm slices under a gantry tilt of 12 degrees, as Slicer loads it: sheared, from the patient's right.
TILTED = np.array([[-3.0, 0, 0, 94.0], [0, -2.934, 0, 94.0], [0, -0.624, 5.11, -30.0], [0, 0, 0, 1]])
SHAPE = (64, 64, 16)


def tilted_ct() -> Volume:
    """Air around a block of tissue of 35 HU, 5 HU darker on the patient's left."""
    data = np.full(SHAPE, -1000, np.int16)
    data[8:56, 8:56] = 35
    data[32:56, 8:56] = 30  # i runs to the patient's left
    return Volume(data, TILTED)


def block_labels() -> LabelMap:
    """Ten blocks a side on an orthogonal RAS+ grid around the tilted CT, mirrored at x = 0.

    C, L, IC, I, M1, M2, M3 fill z = -5..15 mm, M4, M5, M6 z = 15..35 mm; left at x < 0.
    """
    affine = np.diag([3.0, 3.0, 5.0, 1.0])
    affine[:3, 3] = -90.0, -90.0, -40.0
    labels = LabelMap(np.zeros((61, 61, 20), np.uint8), affine)
    data = labels.data.copy()
    for region, side in SIDED_REGIONS:
        number = region.number
        low, high = (15, 35) if number > 7 else (-5, 15)
        column = number - 8 if number > 7 else number - 1
        y = -42 + 12 * column
        x = (-45, -15) if side == "left" else (15, 45)
        corner, end = (np.rint(labels.ijk_of(np.array(p))).astype(int) for p in ((x[0], y, low), (x[1], y + 9, high)))
        data[corner[0] : end[0] + 1, corner[1] : end[1] + 1, corner[2] : end[2]] = region.label(side)
    return labels.with_labels(data)


def brain_mask() -> LabelMap:
    """The tissue of the tilted CT, on the grid of the blocks: 16 voxels of 3 mm around the middle to each side."""
    labels = block_labels()
    i, j, _k = np.indices(labels.shape)
    positions = labels.ijk_to_ras[:2, 3, None, None, None] + 3.0 * np.stack([i, j])
    return labels.with_labels((np.abs(positions) < 69).all(axis=0).astype(np.uint8))


def report_content(**changes: dict[str, Any]) -> dict[str, Any]:
    """A `report.json`; ``changes`` are keys of a region's row, such as ``left_M2={"involved": True}``."""
    rows = []
    for region, side in SIDED_REGIONS:
        row = {
            "region": region.abbreviation,
            "side": side,
            "volume_ml": 2.5,
            "mean_hu": 30.0 if side == "left" else 35.0,
            "confidence": None,
            "probability": 0.25,
            "involved": False,
            "assessable": True,
        }
        rows.append({**row, **changes.get(f"{side}_{region.abbreviation}", {})})
    return {
        "created": "2026-01-02T03:04:05+00:00",
        "series": {"uid": "1.2.3"},
        "warnings": [{"code": "gantry-tilt", "message": "the gantry was tilted by 12.0 degrees"}],
        "method": "atlas",
        "engine": "fast",
        "parameters": {"device_description": "a CPU"},
        "versions": {"deepstroke": "0.1.0"},
        "regions": rows,
        "aspects": {"side": None, "score": None, "left": None, "right": None},
    }


def write_result(folder: Path, content: dict[str, Any]) -> Path:
    """The files of a run that Slicer reads."""
    folder.mkdir(parents=True, exist_ok=True)
    write_json(content, folder / "report.json")
    write_nifti(block_labels(), folder / "labels.nii.gz")
    write_nifti(brain_mask(), folder / "brain.nii.gz")
    write_nifti(block_labels().with_data(block_labels().data.astype(np.int16)), folder / "ct.nii.gz")
    (folder / "report.html").write_text("<html></html>", encoding="utf-8")
    return folder


def write_infarct(folder: Path) -> Path:
    """The files of `deepstroke segment --model`: the left half of the brain is infarct, maps stand turned by 20 deg."""
    brain = brain_mask()
    left = brain.data.copy()
    left[brain.shape[0] // 2 :] = 0
    turned = np.eye(4)
    turned[:2, :2] = 6.0 * np.array([[np.cos(np.pi / 9), -np.sin(np.pi / 9)], [np.sin(np.pi / 9), np.cos(np.pi / 9)]])
    turned[:3, 2:] = [[0, -70.0], [0, -70.0], [6.0, -40.0]]
    image = Volume(np.random.default_rng(0).random((24, 24, 16), np.float32), turned)
    volumes = {"ct": brain.with_data((36 * brain.data).astype(np.float32)), "brain": brain}
    volumes |= {"infarct": brain.with_labels(left), "lesion-probability": brain.with_data(left.astype(np.float32))}
    volumes |= {f"maps/{each.file}": image for each in ASYMMETRY_MAPS}
    for name, volume in volumes.items():
        write_nifti(volume, folder / f"{name}.nii.gz")
    weights = {"name": "finder", "sha256": "ab" * 32, "hu_range": [0.0, 80.0]}
    figures = {"infarct_ml": 12.34, "left_ml": 12.0, "right_ml": 0.34, "weights": weights, "warnings": []}
    write_json(figures, folder / "infarct.json")
    (folder / "report.html").write_text("<html></html>", encoding="utf-8")
    return folder
