"""Drafts and unfinished work on the disk."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from deepstroke.errors import InputError
from deepstroke.volume import LabelMap

if TYPE_CHECKING:
    from host import Host

AFFINE = np.array([[2.0, 0, 0, -9.0], [0, 2.0, 0, 4.0], [0, 0, 2.0, -7.0], [0, 0, 0, 1]])


def layer(label: int) -> LabelMap:
    data = np.zeros((6, 5, 4), np.uint8)
    data[1:4, 2, 1:3] = label
    return LabelMap(data, AFFINE)


@pytest.fixture
def texts(refine_host: Host) -> object:
    from DeepStrokeAtlasRefineLib.drafts import DraftTexts

    return DraftTexts("small", "/data/mean_overlay.nii.gz", "A. Author", "clinic", "1.1.0", "M1 trimmed, für heute")


def test_a_draft_comes_back_with_layers_and_texts(texts: object, tmp_path: Path) -> None:
    from DeepStrokeAtlasRefineLib.drafts import read_draft, save_draft

    save_draft(tmp_path / "draft", [layer(5), layer(6)], texts)
    draft = read_draft(tmp_path / "draft")
    assert draft.texts == texts
    for found, wanted in zip(draft.layers, (layer(5), layer(6)), strict=True):
        np.testing.assert_array_equal(found.data, wanted.data)
        assert found.same_grid(wanted)


def test_a_draft_s_label_map_is_one_that_the_library_reads(texts: object, tmp_path: Path) -> None:
    from DeepStrokeAtlasRefineLib.drafts import save_draft

    from deepstroke.atlas.publish import read_labels

    save_draft(tmp_path / "draft", [layer(5)], texts)
    (path,) = (tmp_path / "draft").glob("labels-*.nrrd")
    np.testing.assert_array_equal(read_labels(path).data, layer(5).data)


def test_saving_again_leaves_one_draft(texts: object, tmp_path: Path) -> None:
    from DeepStrokeAtlasRefineLib.drafts import read_draft, save_draft

    save_draft(tmp_path / "draft", [layer(5), layer(6)], texts)
    save_draft(tmp_path / "draft", [layer(7)], texts)
    assert len(list((tmp_path / "draft").iterdir())) == 2
    assert read_draft(tmp_path / "draft").layers[0].present() == [7]


def test_a_write_that_breaks_off_leaves_the_old_draft(
    texts: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from DeepStrokeAtlasRefineLib import drafts

    drafts.save_draft(tmp_path / "draft", [layer(5)], texts)

    def full_disk(*_: object) -> None:
        raise InputError("the disk is full")

    monkeypatch.setattr("deepstroke.nifti.write_json", full_disk)
    with pytest.raises(InputError, match="full"):
        drafts.save_draft(tmp_path / "draft", [layer(9)], texts)
    assert drafts.read_draft(tmp_path / "draft").layers[0].present() == [5]


def test_altered_missing_and_foreign_files_are_named(texts: object, tmp_path: Path) -> None:
    from DeepStrokeAtlasRefineLib.drafts import DESCRIPTION, read_draft, save_draft

    with pytest.raises(InputError, match="is no draft"):
        read_draft(tmp_path / "absent")
    (tmp_path / "letter.txt").write_text("mine")
    with pytest.raises(InputError, match="holds other files"):
        save_draft(tmp_path, [layer(5)], texts)
    folder = tmp_path / "draft"
    save_draft(folder, [layer(5)], texts)
    (path,) = folder.glob("labels-*.nrrd")
    path.write_bytes(path.read_bytes()[:-1] + b"\x07")
    with pytest.raises(InputError, match="altered or damaged"):
        read_draft(folder)
    content = json.loads((folder / DESCRIPTION).read_text())
    content["files"][0]["name"] = "../labels.nrrd"
    (folder / DESCRIPTION).write_text(json.dumps(content))
    with pytest.raises(InputError, match="no description of a draft"):
        read_draft(folder)
    (folder / DESCRIPTION).write_text("{")
    with pytest.raises(InputError, match="damaged"):
        read_draft(folder)


def test_only_work_whose_owner_is_gone_is_offered(texts: object, tmp_path: Path) -> None:
    from DeepStrokeAtlasRefineLib.autosave import Autosave, unfinished

    mine = Autosave(tmp_path)
    mine.write([layer(5)], texts)
    assert unfinished(tmp_path) == []
    gone = tmp_path / f"{2**22 + 7}-1"  # above Linux's largest process number
    os.rename(mine.folder, gone)  # noqa: PTH104 - the folder's owner crashed
    (found,) = unfinished(tmp_path)
    assert (found.folder, found.texts) == (gone, texts)


def test_work_that_was_left_in_order_is_offered_at_once_and_removed_work_never(texts: object, tmp_path: Path) -> None:
    from DeepStrokeAtlasRefineLib.autosave import Autosave, unfinished

    left, kept = Autosave(tmp_path), Autosave(tmp_path)
    left.write([layer(5)], texts)
    kept.write([layer(6)], texts)
    left.leave()
    kept.remove()
    assert [work.folder for work in unfinished(tmp_path)] == [left.folder]
    Autosave(tmp_path).leave()  # Nothing was written: nothing is left.
    assert len(unfinished(tmp_path)) == 1


def test_a_silent_owner_is_taken_to_be_gone_and_a_touch_says_otherwise(texts: object, tmp_path: Path) -> None:
    from DeepStrokeAtlasRefineLib.autosave import Autosave, unfinished
    from DeepStrokeAtlasRefineLib.drafts import DESCRIPTION

    work = Autosave(tmp_path)
    work.write([layer(5)], texts)
    os.utime(work.folder / DESCRIPTION, (1, 1))
    assert len(unfinished(tmp_path)) == 1
    work.touch()
    assert unfinished(tmp_path) == []
