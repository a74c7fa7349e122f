"""Regions in and out of a segmentation node, against slicer-core."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

if TYPE_CHECKING:
    from DeepStrokeAtlasRefineLib.session import Session


def test_the_loaded_regions_are_the_atlas_s_in_one_layer(session: Session) -> None:
    from DeepStrokeAtlasRefineLib.segments import layers_of

    (layer,) = layers_of(session.regions, session.grid)
    np.testing.assert_array_equal(layer.data, session.parent_labels.data)
    assert layer.same_grid(session.grid)


def test_the_fast_way_reads_what_slicer_s_own_export_reads(session: Session) -> None:
    from DeepStrokeAtlasRefineLib.segments import layers_of, write_changes

    from DeepStrokeSlicerLib.segmentations import labels_from_segmentation

    data = session.parent_labels.data.copy()
    data[data == 15] = 0  # Slicer shrinks the layer's extent when voxels go.
    write_changes(session.regions, layers_of(session.regions, session.grid), session.grid.with_labels(data))
    (layer,) = layers_of(session.regions, session.grid)
    np.testing.assert_array_equal(layer.data, labels_from_segmentation(session.regions, session.grid).data)
    np.testing.assert_array_equal(layer.data, data)


def test_changes_are_written_to_the_voxel_and_stay_in_one_layer(session: Session) -> None:
    from DeepStrokeAtlasRefineLib.segments import layers_of, write_changes

    rng = np.random.default_rng(3)
    edited = session.parent_labels.data.copy()
    blocks = [tuple(rng.integers(10, 30, 3)) for _ in range(12)]
    for number, (i, j, k) in enumerate(blocks, start=1):
        edited[i : i + 9, j : j + 7, k : k + 4] = number % 3 * (number - 1) % 21  # some erase, some draw over others
    layers = layers_of(session.regions, session.grid)
    count = write_changes(session.regions, layers, session.grid.with_labels(edited))
    assert count == np.count_nonzero(edited != session.parent_labels.data)
    (layer,) = layers_of(session.regions, session.grid)
    np.testing.assert_array_equal(layer.data, edited)


def test_only_what_is_named_as_changed_is_written(session: Session) -> None:
    from DeepStrokeAtlasRefineLib.segments import layers_of, write_changes

    wanted = np.zeros(session.grid.shape, bool)
    wanted[:30] = True
    layers = layers_of(session.regions, session.grid)
    write_changes(session.regions, layers, session.grid.with_labels(np.zeros(session.grid.shape, np.uint8)), wanted)
    now = session.merged().labels.data
    assert not now[:30].any()
    np.testing.assert_array_equal(now[30:], session.parent_labels.data[30:])


def test_overlapping_regions_are_two_layers_and_a_write_ends_the_overlap(session: Session) -> None:
    from DeepStrokeAtlasRefineLib.segments import layers_of, write_changes, write_segment

    grown = np.isin(session.parent_labels.data, [5, 6])
    write_segment(session.regions, "left-M1", session.grid.with_labels(grown))
    layers = layers_of(session.regions, session.grid)
    assert len(layers) == 2
    merged = session.merged()
    assert [overlap.labels for overlap in merged.overlaps] == [(5, 6)]
    assert merged.overlaps[0].voxels == np.count_nonzero(session.parent_labels.data == 6)
    write_changes(session.regions, layers, session.parent_labels)
    assert session.merged().overlaps == ()
    np.testing.assert_array_equal(session.merged().labels.data, session.parent_labels.data)


def test_the_brain_is_a_hidden_segment_that_is_no_region(session: Session) -> None:
    from DeepStrokeAtlasRefineLib.segments import BRAIN

    import slicer

    assert not session.regions.GetDisplayNode().GetSegmentVisibility(BRAIN)
    mask = slicer.util.arrayFromSegmentBinaryLabelmap(session.regions, BRAIN, session.template)
    np.testing.assert_array_equal(mask.transpose(2, 1, 0) > 0, session.brain.mask)


@pytest.mark.parametrize("label", [5, 15])
def test_left_is_at_lower_r(session: Session, label: int) -> None:
    import slicer

    name = {5: "left-M1", 15: "right-M1"}[label]
    mask = slicer.util.arrayFromSegmentBinaryLabelmap(session.regions, name, session.template)
    centre = session.grid.ras_of(np.argwhere(mask.transpose(2, 1, 0)).mean(axis=0))
    assert (centre[0] < 0) == (label == 5)
