"""The shipped atlas is what the code builds, and its manifest says what the code does."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from deepstroke import atlas
from deepstroke.nifti import read_volume
from deepstroke.resources import resources_folder, sha256_of
from deepstroke_training.atlas_authoring import build
from deepstroke_training.atlas_authoring.borders import border_definitions
from deepstroke_training.atlas_authoring.build import notice
from deepstroke_training.atlas_authoring.landmarks import GANGLIONIC, LEVELS, SUPRAGANGLIONIC

SHIPPED = resources_folder() / "Atlas" / atlas.DEFAULT_NAME
IMAGES = ("template.nii.gz", "labels.nii.gz", "brain.nii.gz")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built") / "atlas"
    build(folder)
    return folder


@pytest.mark.parametrize("name", IMAGES)
def test_the_shipped_images_are_what_the_code_builds(built: Path, name: str) -> None:
    """Voxel for voxel; the compressed bytes may differ between versions of zlib."""
    ours, shipped = read_volume(built / name), read_volume(SHIPPED / name)
    assert ours.data.dtype == shipped.data.dtype
    np.testing.assert_array_equal(ours.data, shipped.data)
    np.testing.assert_array_equal(ours.ijk_to_ras, shipped.ijk_to_ras)


def test_building_again_gives_the_same_bytes(built: Path, tmp_path: Path) -> None:
    told: list[float] = []
    build(tmp_path, lambda fraction, text: told.append(fraction))
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["NOTICE.txt", "brain.nii.gz", "labels.nii.gz", "manifest.json", "template.nii.gz"]
    assert [sha256_of(tmp_path / name) for name in names] == [sha256_of(built / name) for name in names]
    assert told == sorted(told)
    assert told[-1] == 1.0


def test_the_built_folder_is_a_sound_atlas(built: Path) -> None:
    loaded = atlas.load(built)
    assert loaded.findings == ()
    assert loaded.labels.shape == (161, 201, 163)


def test_the_shipped_manifest_holds_what_the_landmarks_say() -> None:
    shipped = json.loads((SHIPPED / "manifest.json").read_text(encoding="utf-8"))
    assert shipped["borders"] == json.loads(json.dumps(border_definitions()))
    assert shipped["levels_mm"]["split"] == LEVELS.split
    assert (SHIPPED / "NOTICE.txt").read_text(encoding="utf-8") == notice()


def test_every_region_has_its_border_in_words_with_the_figures_in_force() -> None:
    words = border_definitions()["regions"]
    assert list(words) == ["C", "L", "IC", "I", "M1", "M2", "M3", "M4", "M5", "M6"]
    assert f"up to {GANGLIONIC.m1_depth:g} mm deep" in words["M1"]
    assert f"({GANGLIONIC.aca.u:g}, {GANGLIONIC.aca.y:g}) mm laterally" in words["M1"]
    assert f"leaning back {SUPRAGANGLIONIC.m4_m5.back_per_mm:g} mm per mm of height" in words["M4"]
    assert f"level split at {LEVELS.split:g} mm" in words["M3"]


def test_the_manifest_states_volumes_and_areas() -> None:
    manifest = atlas.info()
    labels = atlas.load().labels
    facts = {entry["region"]: entry for entry in manifest["regions"]}
    assert facts["M2"]["volume_ml_a_side"] == pytest.approx(labels.volume_ml(6), abs=1e-3)
    k = round(LEVELS.ganglionic - labels.ijk_to_ras[2, 3])
    both = np.isin(labels.data[:, :, k], (facts["M1"]["left_label"], facts["M1"]["right_label"])).sum()
    assert facts["M1"]["area_mm2_both_sides"]["ganglionic"] == both
    assert facts["M5"]["area_mm2_both_sides"]["ganglionic"] == 0
