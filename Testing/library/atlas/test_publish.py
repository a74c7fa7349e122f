"""Publishing labels: what a sound map becomes, and every fault that keeps one out."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from deepstroke import atlas
from deepstroke.atlas.checks import in_one_piece
from deepstroke.atlas.publish import Publication, check_for_publication, merge_masks, publish, read_labels
from deepstroke.cli import main
from deepstroke.errors import GeometryError, InputError
from deepstroke.nifti import write_nifti
from deepstroke.regions import SIDED_REGIONS
from deepstroke.resources import sha256_of
from deepstroke.volume import LabelMap

NOTE = "M1 trimmed"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's folder, empty."""
    monkeypatch.setenv("DEEPSTROKE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture(scope="module")
def embedded() -> atlas.Atlas:
    return atlas.load()


@pytest.fixture
def drawn(embedded: atlas.Atlas) -> NDArray[np.uint8]:
    """The embedded labels as an annotator would change them: the top slice of M4 on both sides is gone."""
    data = embedded.labels.data.copy()
    top = int(np.argwhere(np.isin(data, [8, 18]))[:, 2].max())
    plane = data[:, :, top]
    plane[np.isin(plane, [8, 18])] = 0
    return data


def publication(**changes: str) -> Publication:
    texts = {"name": "clinic", "version": "1.0.0", "author": "A. Author", "note": NOTE, **changes}
    return Publication(**texts)


def test_a_published_atlas_loads_at_once_and_says_where_it_comes_from(
    embedded: atlas.Atlas, drawn: NDArray[np.uint8]
) -> None:
    labels = embedded.labels.with_labels(drawn)
    folder = publish(labels, publication(date="2026-05-04"))
    loaded = atlas.load("clinic-1.0.0")
    np.testing.assert_array_equal(loaded.labels.data, drawn)
    np.testing.assert_array_equal(loaded.template.data, embedded.template.data)
    np.testing.assert_array_equal(loaded.brain.data, embedded.brain.data)
    manifest = json.loads((folder / "manifest.json").read_text())
    provenance = manifest["provenance"]
    assert (provenance["author"], provenance["date"], provenance["note"]) == ("A. Author", "2026-05-04", NOTE)
    assert provenance["parent"]["name"] == "deepstroke-mni152"
    assert provenance["parent"]["files"]["labels"]["sha256"] == embedded.manifest["files"]["labels"]["sha256"]
    assert manifest["files"]["labels"]["sha256"] == sha256_of(folder / "labels.nii.gz")
    assert manifest["levels_mm"] == embedded.manifest["levels_mm"]
    assert manifest["checks"]["warnings"] == []
    volumes = {(entry["region"], entry["side"]): entry["volume_ml"] for entry in manifest["regions"]}
    assert volumes["M4", "left"] == pytest.approx(np.count_nonzero(drawn == 8) / 1000, abs=1e-3)
    assert "clinic-1.0.0" in [entry.name for entry in atlas.available()]


def test_a_new_version_can_have_a_published_one_as_its_parent(embedded: atlas.Atlas, drawn: NDArray[np.uint8]) -> None:
    publish(embedded.labels.with_labels(drawn), publication())
    publish(embedded.labels, Publication("clinic", "1.1.0", "B. Author", "M4 as before", parent="clinic-1.0.0"))
    provenance = atlas.load("clinic-1.1.0").manifest["provenance"]
    assert provenance["parent"]["name"] == "clinic-1.0.0"


def test_axes_in_another_order_are_brought_to_the_parents(
    embedded: atlas.Atlas, drawn: NDArray[np.uint8], tmp_path: Path
) -> None:
    affine = embedded.labels.ijk_to_ras
    last = np.array([drawn.shape[0] - 1, 0, 0, 1])
    flipped = np.column_stack([affine[:, 2], -affine[:, 0], affine[:, 1], affine @ last])
    turned = LabelMap(drawn[::-1].transpose(2, 0, 1), flipped)
    write_nifti(turned, tmp_path / "turned.nii.gz")
    publish(tmp_path / "turned.nii.gz", publication())
    np.testing.assert_array_equal(atlas.load("clinic-1.0.0").labels.data, drawn)


def test_all_faults_are_named_at_once_and_nothing_is_written(
    embedded: atlas.Atlas, drawn: NDArray[np.uint8], home: Path
) -> None:
    drawn[drawn == 3] = 0
    drawn[2:4, 2:4, 2:4] = 6
    drawn[0, 0, 0] = 33
    with pytest.raises(InputError) as caught:
        publish(embedded.labels.with_labels(drawn), publication(author=" ", note="", version="one", name="../up"))
    for fault in (
        r"the name is 1-64 of a-z",
        "the version is numbers such as 1.0.0, found 'one'",
        "the author is empty",
        "the note is empty",
        "labels are 1..20, found also [33]",
        "without voxels: left IC",
        "in more than one piece: left M2 (2)",
    ):
        assert fault in str(caught.value)
    assert not list(home.rglob("*.nii.gz"))


def test_swapped_sides_are_refused(embedded: atlas.Atlas) -> None:
    with pytest.raises(InputError, match="left labels lie on the patient's right: C, L, IC"):
        publish(embedded.labels.with_labels(embedded.labels.data[::-1]), publication())


def test_labels_on_other_voxels_are_refused(embedded: atlas.Atlas) -> None:
    affine = embedded.labels.ijk_to_ras.copy()
    affine[2, 3] += 0.5
    with pytest.raises(InputError, match=r"the label map, which must keep the parent's voxels, lies on another grid"):
        publish(LabelMap(embedded.labels.data, affine), publication())


def test_a_published_version_is_never_replaced(embedded: atlas.Atlas) -> None:
    folder = publish(embedded.labels, publication())
    before = sha256_of(folder / "manifest.json")
    with pytest.raises(InputError, match=r"clinic-1\.0\.0 is published already"):
        publish(embedded.labels, publication(note="again"))
    assert sha256_of(folder / "manifest.json") == before


def blocks() -> LabelMap:
    """Twenty cubes of 4 x 4 x 4 voxels, left ones at x < 0, M4-M6 above the others; 1 mm."""
    data = np.zeros((60, 60, 20), np.uint8)
    for label, (region, side) in enumerate(SIDED_REGIONS, start=1):
        i, k = (10 if side == "left" else 40), (12 if region.number >= 8 else 4)
        data[i : i + 4, 5 * region.number : 5 * region.number + 4, k : k + 4] = label
    affine = np.eye(4)
    affine[0, 3] = -27.0
    return LabelMap(data, affine)


def test_uneven_sides_wrong_levels_and_regions_outside_the_brain_are_warned_of() -> None:
    whole = blocks()
    sound = check_for_publication(whole, whole.with_labels(whole.mask))
    assert (sound.faults, sound.warnings) == ((), ())
    data = whole.data.copy()
    data[43, data[43] == 16] = 0
    data[42:44][data[42:44] == 20] = 0
    data[10:14, 30:34, 8:13] = 6
    brain = whole.with_labels(whole.mask & (whole.data != 7))
    check = check_for_publication(whole.with_labels(data), brain)
    assert check.faults == ()
    messages = {warning.code: warning.message for warning in check.warnings}
    assert messages["label-asymmetry"] == (
        "sides differ in volume: M2 (0.1 ml left, 0.0 ml right), M6 (0.1 ml left, 0.0 ml right)"
    )
    assert messages["label-levels"] == "M1-M3 don't lie wholly below M4-M6"
    outside = (4 * 4 * 4 + 4 * 4 * 5) / np.count_nonzero(data)
    assert messages["label-outside-brain"] == f"{100 * outside:.1f} % of the regions lie outside the brain"


def test_warnings_stand_in_the_manifest_and_in_what_load_returns(
    embedded: atlas.Atlas, drawn: NDArray[np.uint8]
) -> None:
    heights = np.argwhere(drawn == 20)[:, 2]
    plane = drawn[:, :, int(np.median(heights)) :]
    plane[plane == 20] = 0
    folder = publish(embedded.labels.with_labels(in_one_piece(embedded.labels.with_labels(drawn)).data), publication())
    (warning,) = json.loads((folder / "manifest.json").read_text())["checks"]["warnings"]
    assert warning["code"] == "label-asymmetry"
    assert warning["message"].startswith("sides differ in volume: M6 (47.8 ml left, ")
    assert [finding.code for finding in atlas.load("clinic-1.0.0").findings] == ["label-asymmetry"]


def test_masks_are_merged_and_overlaps_counted() -> None:
    left, right = np.zeros((2, 6, 5, 4), np.uint8)
    left[0:4, 1:3, 1:3] = 1
    right[3:6, 1:3, 1:3] = 1
    masks = {5: LabelMap(left, np.eye(4)), 15: LabelMap(right, np.eye(4))}
    with pytest.raises(InputError, match="left M1 and right M1 in 4 voxels"):
        merge_masks(masks)
    left[3] = 0
    merged = merge_masks({**masks, 5: LabelMap(left, np.eye(4))})
    np.testing.assert_array_equal(merged.data, left * 5 + right * 15)
    with pytest.raises(InputError, match=r"1\.\.20, found 21"):
        merge_masks({21: masks[5]})
    with pytest.raises(InputError, match="no masks were given"):
        merge_masks({})
    with pytest.raises(GeometryError, match="the mask of right M1 lies on another grid"):
        merge_masks({5: masks[5], 15: LabelMap(right, np.diag([2.0, 1, 1, 1]))})


def test_a_folder_of_masks_reads_as_one_map(embedded: atlas.Atlas, tmp_path: Path) -> None:
    for label, (region, side) in enumerate(SIDED_REGIONS, start=1):
        mask = embedded.labels.with_labels(embedded.labels.data == label)
        write_nifti(mask, tmp_path / f"{side}-{region.abbreviation}.nii.gz")
    np.testing.assert_array_equal(read_labels(tmp_path).data, embedded.labels.data)


def test_the_command_publishes_and_refuses_with_status_1(
    embedded: atlas.Atlas, drawn: NDArray[np.uint8], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_nifti(embedded.labels.with_labels(drawn), tmp_path / "labels.nii.gz")
    words = ["atlas", "publish", str(tmp_path / "labels.nii.gz"), "--name", "clinic", "--author", "A", "--note", NOTE]
    assert main([*words, "--atlas-version", "2.0"]) == 0
    assert "published clinic-2.0" in capsys.readouterr().out
    assert main(["atlas", "info", "clinic-2.0"]) == 0
    assert json.loads(capsys.readouterr().out)["provenance"]["note"] == NOTE
    assert main([*words, "--atlas-version", "2.0"]) == 1
    assert "versions are never replaced" in capsys.readouterr().err
