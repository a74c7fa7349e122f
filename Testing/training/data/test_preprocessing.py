"""Curated cases on the network's grid: places, sides, densities and brain known by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from deepstroke.errors import GeometryError, InputError
from deepstroke.inference.preparation import Shown, head_on_grid, network_image
from deepstroke.nifti import write_nifti
from deepstroke.preprocess.resampling import Grid, resample
from deepstroke.volume import LabelMap, Volume
from deepstroke_training.data.batches import BatchPreparation
from deepstroke_training.data.curated_dataset import CuratedDataset, DatasetCase
from deepstroke_training.data.preprocessing import GridSettings, brain_of, centred_grid, labels_on, prepare
from deepstroke_training.data.samples import collate, sample_of
from deepstroke_training.data.settings import DataSettings
from phantoms_dataset import MIDDLE_RAS, made_head

GRID = GridSettings(spacing_mm=4.0, shape=(40, 44, 36))
#: Where the left region of the made heads lies.
M2_RAS = np.add(MIDDLE_RAS, (-30.0, 0.0, 10.0))


@pytest.fixture(scope="module")
def case(dataset: Path) -> DatasetCase:
    return CuratedDataset.open(dataset).cases[0]


def middle_of(mask: torch.Tensor) -> np.ndarray:
    """mm of a mask's centre of mass from the grid's middle."""
    return (torch.nonzero(mask).double().mean(0).numpy() - (np.array(mask.shape) - 1) / 2) * GRID.spacing_mm


def test_the_brain_lies_in_the_middle_and_regions_on_their_sides(case: DatasetCase) -> None:
    """The stored grid runs to the left, and its voxels are longer than wide; the prepared one runs along RAS+."""
    prepared = prepare(case, "raw", GRID)
    assert prepared.image.shape == GRID.shape
    assert np.allclose(middle_of(prepared.brain), 0, atol=2.0)
    assert np.allclose(middle_of(prepared.label == 6), (-30, 0, 10), atol=2.0)
    assert np.allclose(middle_of(prepared.label == 11), (25, 15, 0), atol=2.0)
    assert float(prepared.brain.sum()) * 0.064 == pytest.approx(4 / 3 * np.pi * 6.0 * 7.2 * 6.0, rel=0.05)


def test_densities_stay_what_they_are(case: DatasetCase) -> None:
    prepared = prepare(case, "raw", GRID)
    assert float(prepared.image[prepared.label == 6].double().median()) == 55
    assert float(prepared.image[prepared.label == 11].double().median()) == 12
    assert int(prepared.image.max()) <= 900
    assert int(prepared.image[0].max()) == -1000
    assert prepared.image.dtype == torch.int16


def test_raw_and_stripped_share_one_prepared_head(case: DatasetCase) -> None:
    assert torch.equal(prepare(case, "raw", GRID).image, prepare(case, "stripped", GRID).image)


def test_the_registered_stage_knows_its_place_in_the_template(case: DatasetCase) -> None:
    prepared = prepare(case, "registered", GRID)
    assert not prepared.whole_head
    assert prepared.template_mm is not None
    at = prepared.template_mm.float()[:, prepared.label == 6].mean(1).numpy()
    assert np.allclose(at, M2_RAS, atol=2.0)
    assert int(prepared.image[~prepared.brain].abs().double().median()) == 0


def test_labels_of_thick_slices_come_out_round() -> None:
    """Slices of 7 mm hold a ball of 18 mm; on voxels of 2 mm it is rounder than by the nearest voxel."""
    _, labels, _ = made_head()
    grid = centred_grid(labels, labels.data == 6, 2.0, (30, 30, 30))
    away = np.linalg.norm((np.moveaxis(np.indices(grid.shape), 0, -1) * 2.0 + grid.ijk_to_ras[:3, 3]) - M2_RAS, axis=-1)
    ball = away < 18
    found = labels_on(labels, grid)
    assert set(np.unique(found)) == {0, 6}

    def dice(other: np.ndarray) -> float:
        return float(2 * (other & ball).sum() / (other.sum() + ball.sum()))

    assert dice(found == 6) > max(dice(resample(labels, grid).data == 6), 0.93)


def test_labels_side_by_side_leave_no_gap() -> None:
    data = np.zeros((12, 12, 4), np.uint8)
    data[2:6, 2:10], data[6:10, 2:10] = 3, 14
    labels = LabelMap(data, np.diag([1.0, 1.0, 4.0, 1.0]))
    shifted = np.diag([0.7, 0.7, 0.7, 1.0])
    shifted[:3, 3] = 3.3
    found = labels_on(labels, Grid((8, 6, 8), shifted))
    assert set(np.unique(found)) == {3, 14}


def test_a_head_reaching_beyond_the_scan_is_padded_with_air(case: DatasetCase) -> None:
    prepared = prepare(case, "raw", GridSettings(4.0, (40, 44, 64)))
    assert int(prepared.image[20, 22, 0]) == -1024
    assert not prepared.brain[:, :, 0].any()


def test_the_grid_may_be_centred_on_the_head(case: DatasetCase) -> None:
    about_head = prepare(case, "raw", GridSettings(4.0, (40, 44, 36), centre="head"))
    assert np.allclose(middle_of(about_head.image > -300), 0, atol=4.0)


def test_an_oblique_scan_is_read_along_the_patients_axes() -> None:
    turn = np.eye(4)
    turn[:3, :3] = [[np.cos(0.3), -np.sin(0.3), 0], [np.sin(0.3), np.cos(0.3), 0], [0, 0, 1]]
    head, labels, _ = made_head()
    oblique = Volume(labels.data == 6, turn @ head.ijk_to_ras)
    grid = centred_grid(oblique, oblique.data > 0, 2.0, (30, 30, 30))
    centre = np.asarray(grid.ijk_to_ras) @ [14.5, 14.5, 14.5, 1.0]
    assert np.allclose(grid.ijk_to_ras[:3, :3], 2.0 * np.eye(3))
    assert np.allclose(centre, turn @ [*M2_RAS, 1.0], atol=3.0)
    with pytest.raises(InputError, match="the brain is empty"):
        centred_grid(oblique, np.zeros(oblique.shape, bool), 2.0, (8, 8, 8))


def test_holes_of_zero_hu_belong_to_the_brain() -> None:
    data = np.zeros((9, 9, 9), np.int16)
    data[2:7, 2:7, 2:7] = 30
    data[4, 4, 4] = 0
    assert brain_of(Volume(data, np.eye(4))).sum() == 125


def test_files_of_a_case_on_different_grids_are_refused(own_dataset: Path) -> None:
    _, _, stripped = made_head()
    write_nifti(Volume(stripped.data[:-1], stripped.ijk_to_ras), own_dataset / "stripped_volumes" / "c1.nii.gz")
    with pytest.raises(GeometryError, match=r"stripped_volumes/c1\.nii\.gz lies on another grid"):
        prepare(DatasetCase("c1", "ada", own_dataset), "raw", GRID)


def test_settings_and_code_make_the_key() -> None:
    assert GRID.key == GridSettings(4.0, (40, 44, 36)).key
    others = [GridSettings(2.0, GRID.shape), GridSettings(4.0, (40, 44, 32)), GridSettings(4.0, GRID.shape, "head")]
    assert len({GRID.key, *(other.key for other in others)}) == 4


@pytest.mark.parametrize("stage", ["raw", "stripped"])
def test_inference_shows_a_network_what_training_shows_it(case: DatasetCase, stage: Shown) -> None:
    """The same case through the files of a data set, and as a scan with its brain: the same bits."""
    samples = collate([sample_of(prepare(case, stage, GRID), stage, coordinates=False)])
    trained = BatchPreparation(DataSettings(spacing_mm=GRID.spacing_mm, shape=GRID.shape))(samples)["image"][0, 0]
    scan, brain = case.read("raw")[0], brain_of(case.read("stripped")[0])
    head = head_on_grid(scan, brain, centred_grid(scan, brain, GRID.spacing_mm, GRID.shape))
    assert np.array_equal(network_image(head, stage, (0.0, 100.0)), trained.numpy())
