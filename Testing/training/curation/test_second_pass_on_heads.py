"""The whole way of a label on a synthetic head: DICOM with overlays, first pass, second pass, native regions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest

from deepstroke import atlas
from deepstroke.atlas import propagate_labels
from deepstroke.atlas.overlay_cloud import OverlayCloud
from deepstroke.atlas.second_pass import refine
from deepstroke.dicom import choose_series, inspect, read_scan
from deepstroke.dicom.overlays import overlay_points, read_overlays
from deepstroke.evaluation import dice
from deepstroke.preprocess.brain import extract_brain
from deepstroke.register import register
from deepstroke.volume import LabelMap
from deepstroke_training.curation.morphological_baseline import fill_outlines
from deepstroke_training.synthesis import (
    AcquisitionSettings,
    AnatomySettings,
    HeadSettings,
    SyntheticHead,
    write_series,
)
from phantoms_overlay import draw_outlines


def with_overlay(path: Path, planes: np.ndarray, k: int) -> None:
    """Add slice k of planes (i, j, k) to a written file, as an overlay shifted to an origin of its own."""
    dataset = pydicom.dcmread(path)
    mask = planes[::-1, ::-1, k].T > 0
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return
    cut = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    data = np.packbits(cut.ravel(), bitorder="little").tobytes()
    elements = {
        0x0010: ("US", cut.shape[0]),
        0x0011: ("US", cut.shape[1]),
        0x0040: ("CS", "G"),
        0x0050: ("SS", [int(rows[0]) + 1, int(columns[0]) + 1]),
        0x0100: ("US", 1),
        0x0102: ("US", 0),
        0x3000: ("OW", data + b"\0" * (len(data) % 2)),
    }
    for element, (vr, value) in elements.items():
        dataset.add_new(0x6000 << 16 | element, vr, value)
    dataset.save_as(path)


def mean_dice(found: LabelMap, truth: LabelMap) -> float:
    return float(np.mean([dice(found.data == label, truth.data == label) for label in range(1, 21)]))


@pytest.mark.slow
def test_overlays_in_dicom_lead_to_better_native_regions_than_images_alone(tmp_path: Path) -> None:
    acquisition = AcquisitionSettings(matrix=256, pixel_mm=0.9, render_mm=1.2, pitch_degrees=6.0, yaw_degrees=-4.0)
    anatomy = AnatomySettings(scale=(0.95, 0.87, 0.93), warp_mm=3.2, ventricle_mm=3.0)
    case = SyntheticHead().generate(1, HeadSettings(anatomy=anatomy, acquisition=acquisition))
    outlines = draw_outlines(case.regions, 1)
    for k, path in enumerate(write_series(case, tmp_path)):
        with_overlay(path, outlines.data, k)
    scan = read_scan(choose_series(inspect(tmp_path)))
    points = overlay_points(read_overlays(scan.series), scan.slices)
    assert len(points) == np.count_nonzero(outlines.data)
    truth = scan.volume.with_labels(case.regions.data)

    whole = atlas.load()
    brain = extract_brain(scan.volume)
    first = register(scan.volume, whole.template, fixed_mask=brain, moving_mask=whole.brain)
    cloud = OverlayCloud(points, scan.slices.normal_ras, 0.9, 5.0)
    second = refine(first, cloud, whole)
    labels = [propagate_labels(whole, transform, scan.volume) for transform in (first, second)]
    filled = fill_outlines(scan.volume.with_data(outlines.data), labels[0])
    by_image, by_outlines, by_morphology = (mean_dice(found, truth) for found in (*labels, filled))
    assert by_outlines > 0.92
    assert by_outlines > by_image + 0.01
    assert by_morphology < 0.6
