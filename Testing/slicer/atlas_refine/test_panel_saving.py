"""Work that is kept: drafts, what is recovered after a crash, and what a closed scene leaves."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from refine_use import NAME, erase

if TYPE_CHECKING:
    from host import Host


def test_a_draft_is_saved_and_opened_again(
    refine_host: Host, panel: Any, load: Callable[[], Any], tmp_path: Path
) -> None:
    session = load()
    panel.ui.saveDraftButton.click()
    assert refine_host.messages.pop() == ("errorDisplay", "Choose a folder for the draft.")
    erase(session, 15)
    drawn = session.merged().labels.data
    assert panel.publication.unsaved
    panel.ui.authorLineEdit.text = "A. Author"
    panel.ui.draftFolder.currentPath = str(tmp_path / "draft")
    panel.ui.saveDraftButton.click()
    assert not panel.publication.unsaved
    panel.ui.authorLineEdit.text = ""
    panel.ui.draftPath.currentPath = str(tmp_path / "draft")
    panel.ui.openDraftButton.click()
    refine_host.wait_until(lambda: panel.session is not None and panel.session is not session)
    np.testing.assert_array_equal(panel.session.merged().labels.data, drawn)
    assert panel.ui.authorLineEdit.text == "A. Author"


def test_work_is_recovered_after_a_crash(refine_host: Host, panel: Any, load: Callable[[], Any], home: Path) -> None:
    from DeepStrokeAtlasRefineLib.autosave import autosave_root

    session = load()
    erase(session, 15)
    drawn = session.merged().labels.data
    panel.publication.copy_now()
    (copy,) = autosave_root().iterdir()
    os.rename(copy, copy.with_name(f"{2**22 + 7}-1"))  # noqa: PTH104 - as if that process had crashed
    panel.loading.refresh()
    assert panel.ui.recoverySection.visible
    assert NAME in panel.ui.recoveryLabel.text
    refine_host.answers.append(True)
    panel.ui.recoverButton.click()
    refine_host.wait_until(lambda: panel.session is not None and panel.session is not session)
    np.testing.assert_array_equal(panel.session.merged().labels.data, drawn)
    assert panel.publication.unsaved, "recovered work is still to be saved"
    assert session.distance is not None
    assert panel.session.distance is not None


def test_closing_the_scene_leaves_unsaved_work_to_be_recovered_or_deleted(
    refine_host: Host, panel: Any, load: Callable[[], Any]
) -> None:
    from DeepStrokeAtlasRefineLib.autosave import autosave_root

    import slicer

    session = load()
    erase(session, 15)
    slicer.mrmlScene.Clear(0)
    refine_host.turn()
    assert panel.session is None
    assert not panel.ui.editSection.enabled
    assert panel.ui.recoverySection.visible
    refine_host.answers.append(True)
    panel.ui.discardButton.click()
    assert not panel.ui.recoverySection.visible
    assert list(autosave_root().iterdir()) == []
    assert load() is not session
