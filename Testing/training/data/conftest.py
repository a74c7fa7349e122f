"""Small data sets with answers known by hand, and one small pool of synthetic cases for every test."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from deepstroke_training.data.prepared_case import PreparedCase
from deepstroke_training.data.synthetic_pool import PoolRecipe, SyntheticPool
from phantoms_dataset import write_dataset


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six cases of five patients: ``ada`` has two, one of which is to be looked at. Not to be written to."""
    cases = {"c1": "ada", "c2": "bo", "c3": "ada", "c4": "cy", "c5": "di", "c6": "ed"}
    return write_dataset(tmp_path_factory.mktemp("curated") / "dataset", cases, {"c3": "regions-missing"})


@pytest.fixture
def own_dataset(tmp_path: Path) -> Path:
    """Two cases of two patients, to be damaged."""
    return write_dataset(tmp_path / "dataset", {"c1": "ada", "c2": "bo"})


@pytest.fixture(scope="session")
def pool_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pools lie that tests share."""
    return tmp_path_factory.mktemp("pools")


@pytest.fixture(scope="session")
def recipe() -> PoolRecipe:
    """Synthetic heads as coarse as they can be."""
    return PoolRecipe("train", spacing_mm=4.0, shape=(40, 48, 40))


@pytest.fixture(scope="session")
def pool(pool_folder: Path, recipe: PoolRecipe) -> SyntheticPool:
    """A pool with its first two cases made."""
    pool = SyntheticPool(pool_folder, recipe)
    for number in range(2):
        pool.make(number)
    return pool


@pytest.fixture
def case() -> PreparedCase:
    """A head made of boxes on 2 mm voxels: left is low i; template coordinates are those of its grid's middle."""
    shape = (24, 28, 20)
    image = torch.full(shape, -1000, dtype=torch.int16)
    image[2:22, 2:26, 2:18] = 800
    brain = torch.zeros(shape, dtype=torch.bool)
    brain[4:20, 4:24, 3:17] = True
    image[brain] = 30
    label = torch.zeros(shape, dtype=torch.uint8)
    label[6:10, 8:18, 6:14] = 6
    label[14:18, 8:18, 6:14] = 16
    image[label == 6] = 60
    axes = [(torch.arange(n) - (n - 1) / 2) * 2.0 for n in shape]
    template_mm = torch.stack(torch.meshgrid(*axes, indexing="ij")).to(torch.float16)
    return PreparedCase("boxes", True, image, label, brain, template_mm)
