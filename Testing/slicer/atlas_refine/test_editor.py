"""Masks, overwriting and undo: the tools against the Segment Editor's own logic."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from deepstroke.volume import LabelMap

if TYPE_CHECKING:
    from DeepStrokeAtlasRefineLib.editor import RegionEditor
    from DeepStrokeAtlasRefineLib.session import Session


@pytest.fixture
def widget(session: Session) -> Any:
    import slicer

    return slicer.qMRMLSegmentEditorWidget()


@pytest.fixture
def editor(session: Session, widget: Any) -> RegionEditor:
    from DeepStrokeAtlasRefineLib.editor import RegionEditor

    made = RegionEditor(widget)
    made.show(session)
    made.mask(to_brain=True, overlay_share=None)
    return made


def brush(widget: Any, session: Session, name: str, places: np.ndarray, *, add: bool = True) -> None:
    """What Paint and Erase do: change a segment by Slicer's own logic under its masks."""
    from DeepStrokeSlicerLib.segmentations import oriented_image

    logic = widget._logic
    widget.setCurrentSegmentID(name)
    image = oriented_image(places.astype(np.uint8), session.grid.ijk_to_ras)
    mode = logic.ModificationModeAdd if add else logic.ModificationModeRemove
    logic.SaveStateForUndo()
    logic.ModifySegmentByLabelmap(session.regions, name, image, mode, False, False)


def slab(session: Session, start: int = 20, stop: int = 24) -> np.ndarray:
    """A slab across the whole head, beyond the brain."""
    places = np.zeros(session.grid.shape, bool)
    places[:, :, start:stop] = True
    return places


def painted(label: int, places: np.ndarray) -> Callable[[LabelMap], LabelMap]:
    return lambda labels: labels.with_labels(np.where(places, label, labels.data).astype(np.uint8))


def test_the_brush_stays_inside_the_brain_and_takes_from_other_regions(
    session: Session, editor: RegionEditor, widget: Any
) -> None:
    places = slab(session)
    assert (places & ~session.brain.mask).sum() > 100
    brush(widget, session, "left-M1", places)
    merged = session.merged()
    assert merged.overlaps == ()
    expected = np.where(places & session.brain.mask, 5, session.parent_labels.data)
    np.testing.assert_array_equal(merged.labels.data, expected)


def test_neither_brush_nor_eraser_eats_the_brain(session: Session, editor: RegionEditor, widget: Any) -> None:
    from DeepStrokeAtlasRefineLib.segments import BRAIN

    import slicer

    brush(widget, session, "left-M1", slab(session))
    brush(widget, session, "left-M1", slab(session, 22, 30), add=False)
    mask = slicer.util.arrayFromSegmentBinaryLabelmap(session.regions, BRAIN, session.template)
    np.testing.assert_array_equal(mask.transpose(2, 1, 0) > 0, session.brain.mask)
    assert not (session.merged().labels.data[:, :, 22:30] == 5).any()


@pytest.mark.parametrize(("to_brain", "share"), [(True, None), (False, None), (True, 0.2), (False, 0.2)])
def test_a_tool_changes_the_very_voxels_that_a_brush_would(
    session: Session, editor: RegionEditor, widget: Any, to_brain: bool, share: float | None
) -> None:
    editor.mask(to_brain=to_brain, overlay_share=share)
    places = slab(session)
    brush(widget, session, "left-M1", places)
    by_brush = session.merged().labels.data
    widget.undo()
    np.testing.assert_array_equal(session.merged().labels.data, session.parent_labels.data)
    count = editor.apply(painted(5, places))
    np.testing.assert_array_equal(session.merged().labels.data, by_brush)
    assert count == np.count_nonzero(by_brush != session.parent_labels.data) > 0
    allowed = np.count_nonzero(by_brush == 5)
    assert (allowed < places.sum()) == (to_brain or share is not None)


def test_brush_and_tools_share_one_undo(session: Session, editor: RegionEditor, widget: Any) -> None:
    brush(widget, session, "left-M1", slab(session, 20, 21))
    after_brush = session.merged().labels.data
    editor.apply(painted(6, slab(session, 21, 22)))
    after_tool = session.merged().labels.data
    widget.undo()
    np.testing.assert_array_equal(session.merged().labels.data, after_brush)
    widget.undo()
    np.testing.assert_array_equal(session.merged().labels.data, session.parent_labels.data)
    widget.redo()
    widget.redo()
    np.testing.assert_array_equal(session.merged().labels.data, after_tool)


@pytest.fixture
def damage(session: Session) -> np.ndarray:
    """Each tool has something to do: M2 on the left has a hole, a fragment, and a bay."""
    from DeepStrokeAtlasRefineLib.segments import layers_of, write_changes

    data = session.parent_labels.data.copy()
    i, j, k = np.argwhere(data == 6).mean(axis=0).astype(int)
    inside = np.argwhere(data[:, :, k] == 6)
    i, j = inside[((inside - [i, j]) ** 2).sum(axis=1).argmin()]
    data[i, j, k] = 0
    free = np.argwhere((data == 0) & session.brain.mask)[0]
    data[tuple(free)] = 6
    write_changes(session.regions, layers_of(session.regions, session.grid), session.grid.with_labels(data))
    return data


@pytest.mark.parametrize("tool", ["MIRROR", "FILL", "SMOOTH", "LARGEST", "SPLIT"])
def test_each_tool_does_what_the_library_does_and_is_undone(
    session: Session, editor: RegionEditor, widget: Any, damage: np.ndarray, tool: str
) -> None:
    from DeepStrokeAtlasRefineLib.parameters import Scope
    from DeepStrokeAtlasRefineLib.tools import Tool, edit_of

    editor.select(6)
    assert editor.selected == 6
    edit = edit_of(Tool[tool], session, Scope.SELECTED, editor.selected, 2.0, 26.0)
    wanted = edit(session.grid.with_labels(damage)).data
    wanted = np.where(session.brain.mask, wanted, damage)
    count = editor.apply(edit)
    assert count == np.count_nonzero(wanted != damage) > 0
    np.testing.assert_array_equal(session.merged().labels.data, wanted)
    widget.undo()
    np.testing.assert_array_equal(session.merged().labels.data, damage)


def test_mirroring_both_sides_takes_left_to_right(session: Session, editor: RegionEditor, damage: np.ndarray) -> None:
    from DeepStrokeAtlasRefineLib.parameters import Scope
    from DeepStrokeAtlasRefineLib.tools import Tool, edit_of

    from deepstroke.atlas.checks import is_mirror_symmetric

    editor.mask(to_brain=False, overlay_share=None)
    editor.apply(edit_of(Tool.MIRROR, session, Scope.BOTH, None, 1.0, 0.0))
    now = session.merged().labels
    assert is_mirror_symmetric(now)
    np.testing.assert_array_equal(now.data == 6, damage == 6)


def test_an_edit_that_changes_nothing_leaves_nothing_to_undo(
    session: Session, editor: RegionEditor, widget: Any
) -> None:
    assert editor.apply(lambda labels: labels) == 0
    assert not widget._logic.CanUndo()


def test_no_selected_region_is_told(session: Session) -> None:
    from DeepStrokeAtlasRefineLib.parameters import Scope
    from DeepStrokeAtlasRefineLib.tools import Tool, edit_of

    from deepstroke.errors import InputError

    with pytest.raises(InputError, match="no region is selected"):
        edit_of(Tool.FILL, session, Scope.SELECTED, None, 1.0, 0.0)


def test_the_stand_in_of_the_editor_has_only_listed_members(widget: Any) -> None:
    """`test_names` compares the other names of this list with Slicer's sources."""
    import csv
    from pathlib import Path

    with (Path(__file__).parent / "names.tsv").open(encoding="utf-8", newline="") as stream:
        listed = {row["name"] for row in csv.DictReader(stream, delimiter="\t")}
    own = {name for name in vars(type(widget)) if not name.startswith("_")} - {"signal_signatures", "staticMetaObject"}
    assert {f"qMRMLSegmentEditorWidget.{name}" for name in own} - listed == set()
    assert len(own) > 20
    with pytest.raises(AttributeError, match="no attribute maskingVisible"):
        widget.maskingVisible = True


def test_brush_tool_undo_and_redo_are_changes_and_masks_are_none(
    session: Session, editor: RegionEditor, widget: Any
) -> None:
    seen = session.state()
    for change in (
        lambda: brush(widget, session, "left-M1", slab(session, 20, 21)),
        lambda: editor.apply(painted(6, slab(session, 21, 22))),
        widget.undo,
        widget.redo,
    ):
        change()
        assert session.state() != seen
        seen = session.state()
    editor.mask(to_brain=True, overlay_share=0.3)
    session.regions.GetDisplayNode().SetSegmentVisibility("left-M1", False)
    assert session.state() == seen, "masks and what is shown are no changes"
