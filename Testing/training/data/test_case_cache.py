"""The cache of prepared cases: made once, never mixed, and sound after damage and changes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from deepstroke.errors import InputError
from deepstroke.nifti import write_nifti
from deepstroke_training.data.case_cache import CaseCache
from deepstroke_training.data.curated_dataset import DatasetCase
from deepstroke_training.data.preprocessing import GridSettings
from phantoms_dataset import made_head

GRID = GridSettings(spacing_mm=4.0, shape=(40, 44, 36))


@pytest.fixture
def case(own_dataset: Path) -> DatasetCase:
    return DatasetCase("c1", "ada", own_dataset)


@pytest.fixture
def cache(own_dataset: Path, tmp_path: Path) -> CaseCache:
    return CaseCache(tmp_path / "cache", own_dataset, GRID)


def again(cache: CaseCache, case: DatasetCase) -> CaseCache:
    """The cache as another process sees it."""
    return CaseCache(cache.root.parent, case.folder, cache.settings)


def test_a_case_is_made_once(cache: CaseCache, case: DatasetCase) -> None:
    assert not cache.is_there(case, "raw")
    first = cache.case(case, "raw")
    written = cache.path(case, "raw").stat().st_mtime_ns
    assert torch.equal(again(cache, case).case(case, "stripped").image, first.image)
    assert cache.path(case, "raw").stat().st_mtime_ns == written
    assert not cache.is_there(case, "registered")


@pytest.mark.parametrize("damage", ["cut", "flipped"])
def test_a_damaged_file_is_made_again(cache: CaseCache, case: DatasetCase, damage: str) -> None:
    image = cache.case(case, "raw").image.clone()
    path = cache.path(case, "raw")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content if damage == "flipped" else content[:1000])
    later = again(cache, case)
    assert not later.is_there(case, "raw")
    assert torch.equal(later.case(case, "raw").image, image)
    assert again(cache, case).is_there(case, "raw")


def test_a_changed_scan_is_prepared_anew(cache: CaseCache, case: DatasetCase) -> None:
    before = cache.case(case, "raw").image.clone()
    head, _, _ = made_head()
    write_nifti(head.with_data(head.data + 5), case.image_path("raw"))
    later = again(cache, case)
    assert not later.is_there(case, "raw")
    after = later.case(case, "raw")
    assert int((after.image - before)[after.brain].double().median()) == 5


def test_other_settings_lie_elsewhere(cache: CaseCache, case: DatasetCase, tmp_path: Path) -> None:
    other = CaseCache(tmp_path / "cache", case.folder, GridSettings(4.0, (32, 36, 32)))
    assert cache.case(case, "raw").image.shape == GRID.shape
    assert other.case(case, "raw").image.shape == (32, 36, 32)
    assert cache.path(case, "raw") != other.path(case, "raw")


def test_a_faulty_case_is_named(cache: CaseCache, case: DatasetCase) -> None:
    _, _, stripped = made_head()
    write_nifti(stripped.with_data(stripped.data * 0), case.image_path("stripped"))
    with pytest.raises(InputError, match=r"raw_volumes/c1\.nii\.gz: nothing to centre the grid on"):
        cache.case(case, "raw")
    assert not cache.path(case, "raw").exists()


def test_processes_may_make_the_same_case_at_once(cache: CaseCache, case: DatasetCase) -> None:
    script = (
        "import sys; from pathlib import Path\n"
        "from deepstroke_training.data.case_cache import CaseCache\n"
        "from deepstroke_training.data.curated_dataset import DatasetCase\n"
        "from deepstroke_training.data.preprocessing import GridSettings\n"
        "folder = Path(sys.argv[2])\n"
        "cache = CaseCache(Path(sys.argv[1]), folder, GridSettings(4.0, (40, 44, 36)))\n"
        "case = DatasetCase('c1', 'ada', folder)\n"
        "for _ in range(5): cache.make(case, 'raw'); cache.case(case, 'raw')\n"
    )
    command = [sys.executable, "-c", script, str(cache.root.parent), str(case.folder)]
    running = [subprocess.Popen(command) for _ in range(2)]
    assert [process.wait(timeout=120) for process in running] == [0, 0]
    assert cache.is_there(case, "raw")
    assert [path.name for path in cache.path(case, "raw").parent.iterdir()] == ["c1-head.safetensors"]
