"""Predictions carried to other grids."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from deepstroke.preprocess.resampling import Grid
from deepstroke.volume import Volume
from deepstroke_training.data.curated_dataset import CuratedDataset
from deepstroke_training.data.preprocessing import GridSettings, prepare
from deepstroke_training.data.preprocessing import labels_on as prepared_labels_on
from deepstroke_training.evaluation.native import grid_of, labels_on
from phantoms_curated import write_dataset


def _one_hot(labels: np.ndarray) -> torch.Tensor:
    return torch.nn.functional.one_hot(torch.from_numpy(labels).long(), 11).permute(3, 0, 1, 2).float()


def _blank(shape: tuple[int, int, int], affine: np.ndarray) -> Volume:
    return Volume(np.zeros(shape, np.float32), affine)


def test_the_same_grid_gives_the_same_labels() -> None:
    labels = np.random.default_rng(0).integers(0, 11, (5, 6, 7))
    grid = Grid((5, 6, 7), np.diag([2.0, 2.0, 2.0, 1.0]))
    assert np.array_equal(labels_on(_one_hot(labels), grid, _blank((5, 6, 7), grid.ijk_to_ras)).data, labels)


def test_flipped_axes_and_slabs_keep_every_voxel_in_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    labels = np.random.default_rng(1).integers(0, 11, (5, 6, 7))
    grid = Grid((5, 6, 7), np.diag([2.0, 2.0, 2.0, 1.0]))
    flipped = np.diag([-2.0, 2.0, -2.0, 1.0])
    flipped[:3, 3] = (8.0, 0.0, 12.0)
    monkeypatch.setattr("deepstroke_training.evaluation.native._BLOCK", 1000)  # two voxels of the first axis at a time
    found = labels_on(_one_hot(labels), grid, _blank((5, 6, 7), flipped))
    assert np.array_equal(found.data, labels[::-1, :, ::-1])


def test_finer_voxels_follow_the_larger_logit_between_centres() -> None:
    labels = np.zeros((4, 2, 2), np.int64)
    labels[2:] = 3
    grid = Grid((4, 2, 2), np.eye(4))
    fine = np.diag([0.25, 1.0, 1.0, 1.0])
    found = labels_on(_one_hot(labels), grid, _blank((13, 2, 2), fine)).data[:, 0, 0]
    # The border lies at 1.5, halfway between the centres of the second and the third voxel.
    assert found.tolist() == [0] * 7 + [3] * 6 or found.tolist() == [0] * 6 + [3] * 7


def test_what_lies_outside_the_grid_is_background() -> None:
    grid = Grid((3, 3, 3), np.eye(4))
    found = labels_on(_one_hot(np.full((3, 3, 3), 4)), grid, _blank((7, 3, 3), np.eye(4)))
    assert found.data[:, 1, 1].tolist() == [4, 4, 4, 0, 0, 0, 0]


@pytest.mark.parametrize("centre", ["brain", "head"])
@pytest.mark.parametrize("stage", ["raw", "stripped", "registered"])
def test_the_grid_is_the_one_on_which_cases_are_prepared(tmp_path: Path, stage: str, centre: str) -> None:
    dataset = CuratedDataset.open(write_dataset(tmp_path, {"a": "p", "b": "p"}))
    settings = GridSettings(3.0, (36, 36, 32), centre)
    for case in dataset.cases:
        labels = case.read(stage)[1]
        prepared = prepare(case, stage, settings)
        assert np.array_equal(prepared_labels_on(labels, grid_of(case, stage, settings)), prepared.label.numpy())
