"""Atlas folders: the embedded one, the user's own, and what is wrong with damaged ones."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from deepstroke import atlas
from deepstroke.atlas.checks import is_mirror_symmetric, keeps_levels, parts_of
from deepstroke.errors import InputError
from deepstroke.nifti import read_label_map, write_nifti
from deepstroke.resources import resources_folder
from deepstroke.volume import LabelMap

EMBEDDED = resources_folder() / "Atlas" / atlas.DEFAULT_NAME


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's folder, empty."""
    monkeypatch.setenv("DEEPSTROKE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A copy of the embedded atlas without sha256, as a user would make it."""
    folder = tmp_path / "own"
    shutil.copytree(EMBEDDED, folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["name"] = "own"
    for entry in manifest["files"].values():
        del entry["sha256"]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def test_the_embedded_atlas_is_whole() -> None:
    loaded = atlas.load()
    assert loaded.name == "deepstroke-mni152"
    assert loaded.findings == ()
    assert loaded.labels.present() == list(range(1, 21))
    assert is_mirror_symmetric(loaded.labels)
    assert keeps_levels(loaded.labels)
    assert set(parts_of(loaded.labels).values()) == {1}
    assert loaded.brain.mask[loaded.labels.mask].all()
    assert (loaded.template.data[~loaded.brain.mask] == 0).all()
    assert loaded.template.data.dtype == np.int16


def test_left_labels_lie_on_the_patients_left() -> None:
    labels = atlas.load().labels
    x = labels.ras_of(np.argwhere(labels.mask))[:, 0]
    values = labels.data[labels.mask]
    assert (x[values <= 10] < 0).all()
    assert (x[values > 10] > 0).all()


def test_the_embedded_atlas_states_its_licence_and_limits() -> None:
    manifest = atlas.info("deepstroke-mni152")
    assert "not clinically validated" in manifest["status"]
    assert manifest["licence"]["labels"] == "Apache-2.0"
    assert "McConnell Brain Imaging Centre" in (EMBEDDED / "NOTICE.txt").read_text()
    assert sum(path.stat().st_size for path in EMBEDDED.iterdir()) < 4_000_000


def test_a_folder_can_be_named(own: Path) -> None:
    assert atlas.load(own).name == "own"
    assert atlas.load(str(own)).labels.present() == list(range(1, 21))


def test_a_folder_of_the_user_is_found_by_name(own: Path, home: Path) -> None:
    shutil.copytree(own, home / "atlases" / "mine")
    assert atlas.load("mine").name == "own"
    entries = {entry.name: entry for entry in atlas.available()}
    assert list(entries) == ["deepstroke-mni152", "mine", "high-res-ct"]
    assert [entry.state for entry in entries.values()] == ["embedded", "installed", "can be installed"]
    assert entries["mine"].folder == home / "atlases" / "mine"
    assert entries["deepstroke-mni152"].describe().startswith("deepstroke-mni152 1.0.0 (embedded): ")


def test_a_damaged_one_is_listed_as_such(own: Path, home: Path) -> None:
    shutil.copytree(own, home / "atlases" / "mine")
    (home / "atlases" / "mine" / "manifest.json").write_text("{")
    assert [entry.state for entry in atlas.available() if entry.name == "mine"] == ["damaged"]


@pytest.mark.parametrize("name", ["template.nii.gz", "labels.nii.gz", "brain.nii.gz"])
def test_an_altered_file_is_named(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "altered"
    shutil.copytree(EMBEDDED, folder)
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(InputError, match=rf"{name} is altered or damaged: sha256"):
        atlas.load(folder)


def test_every_missing_file_is_named(own: Path) -> None:
    (own / "brain.nii.gz").unlink()
    (own / "labels.nii.gz").unlink()
    with pytest.raises(InputError, match=r"labels\.nii\.gz: no such file; .*brain\.nii\.gz: no such file"):
        atlas.load(own)


def test_every_fault_of_the_labels_and_grids_is_named(own: Path) -> None:
    labels = read_label_map(own / "labels.nii.gz")
    data = labels.data[:, :, 1:].copy()
    data[data == 9] = 0
    data[0, 0, 0] = 40
    write_nifti(LabelMap(data, np.diag([-1.0, 1, 1, 1]) @ labels.ijk_to_ras), own / "labels.nii.gz")
    write_nifti(LabelMap(np.zeros(labels.shape, np.uint8), labels.ijk_to_ras), own / "brain.nii.gz")
    with pytest.raises(InputError) as caught:
        atlas.load(own)
    for fault in (
        "labels are 1..20, found also [40]",
        "without voxels: left M5",
        "left labels lie on the patient's right",
        "labels.nii.gz lies on another grid than the template",
        "brain.nii.gz is empty",
    ):
        assert fault in str(caught.value)


def test_fragments_of_a_user_atlas_are_a_warning(own: Path) -> None:
    labels = read_label_map(own / "labels.nii.gz")
    data = labels.data.copy()
    data[2, 2, 2] = 3
    write_nifti(LabelMap(data, labels.ijk_to_ras), own / "labels.nii.gz")
    assert [finding.message for finding in atlas.load(own).findings] == ["in more than one piece: left IC (2)"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "damaged or not JSON"),
        ("[]", "expected an object with name, version and files"),
        ('{"name": "x"}', r"without 'version'; files\.template\.name .*; files\.labels\.name .*; files\.brain\.name"),
        (
            '{"name": "x", "version": "1", "files": {"template": {"name": "../t.nii"}, "labels": {"name": "l.nii"},'
            ' "brain": {"name": "b.nii"}}}',
            r"manifest\.json: files\.template\.name is no plain file name$",
        ),
    ],
)
def test_a_bad_manifest_is_named(own: Path, content: str, message: str) -> None:
    (own / "manifest.json").write_text(content)
    with pytest.raises(InputError, match=message):
        atlas.load(own)


def test_a_folder_without_a_manifest_is_no_atlas(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"manifest\.json: no such file; an atlas folder holds a manifest"):
        atlas.load(tmp_path)


def test_an_unknown_name_lists_the_known_ones(home: Path) -> None:
    with pytest.raises(InputError, match=r"no atlas named 'mni' .*known are: deepstroke-mni152, high-res-ct"):
        atlas.load("mni")


def test_one_that_is_not_installed_says_how(home: Path) -> None:
    with pytest.raises(InputError, match=r"run `deepstroke atlas install high-res-ct`"):
        atlas.load("high-res-ct")
    assert "CC BY-NC-SA" in atlas.info("high-res-ct")["licence"]
    assert atlas.info("high-res-ct")["installed"] is False
