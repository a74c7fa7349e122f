"""Self tests that run in a real Slicer (Reload and Test, or CTest); the host runs them too, as far as it goes."""
# ruff: noqa: PT009 - Slicer runs them by unittest, whose assertions say what was found

from __future__ import annotations

import numpy as np
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleTest

import slicer
from DeepStrokeAtlasRefineLib.editor import RegionEditor
from DeepStrokeAtlasRefineLib.logic import DeepStrokeAtlasRefineLogic
from DeepStrokeAtlasRefineLib.parameters import Scope
from DeepStrokeAtlasRefineLib.tools import Tool, edit_of

_M1_LEFT, _M1_RIGHT = 5, 15


class DeepStrokeAtlasRefineTest(ScriptedLoadableModuleTest):
    """The embedded atlas from loading to an edit that is undone."""

    def setUp(self) -> None:
        """Begin with an empty scene."""
        slicer.mrmlScene.Clear()

    def runTest(self) -> None:  # noqa: N802 - unittest's name
        """Every test after another."""
        self.setUp()
        self.test_mirror_and_undo()

    def test_mirror_and_undo(self) -> None:
        """M1 of the right is lost, comes back as the mirror image of the left, and goes again by the editor's undo."""
        self.delayDisplay("Load the embedded atlas")
        logic = DeepStrokeAtlasRefineLogic()
        session = logic.begin("deepstroke-mni152")
        self.assertTrue(logic.check(session).publishable)
        widget = slicer.qMRMLSegmentEditorWidget()
        editor = RegionEditor(widget)
        editor.show(session)
        before = session.merged().labels.data
        erased = editor.apply(lambda labels: labels.with_labels(np.where(labels.data == _M1_RIGHT, 0, labels.data)))
        self.assertEqual(erased, np.count_nonzero(before == _M1_RIGHT))
        self.assertFalse(logic.check(session).publishable)
        self.delayDisplay("Mirror the left M1")
        edit = edit_of(Tool.MIRROR, session, Scope.SELECTED, _M1_LEFT, 1.0, session.split_mm)
        self.assertEqual(editor.apply(edit), erased)
        np.testing.assert_array_equal(session.merged().labels.data, before)
        widget.undo()
        self.assertEqual(np.count_nonzero(session.merged().labels.data == _M1_RIGHT), 0)
        editor.show(None)
        self.delayDisplay("Done")
