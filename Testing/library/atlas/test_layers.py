"""Layers of regions laid over each other."""

from __future__ import annotations

import numpy as np
import pytest

from deepstroke.atlas.layers import merge_layers
from deepstroke.errors import GeometryError, InputError
from deepstroke.volume import LabelMap


def layer(label: int, start: int, stop: int) -> LabelMap:
    data = np.zeros((10, 4, 3), np.uint8)
    data[start:stop, 1, 1] = label
    return LabelMap(data, np.diag([2.0, 2, 2, 1]))


def test_the_last_layer_wins_and_every_overlap_is_known() -> None:
    merged = merge_layers([layer(6, 0, 5), layer(5, 3, 7), layer(20, 4, 6)])
    assert merged.labels.data[:, 1, 1].tolist() == [6, 6, 6, 5, 20, 20, 5, 0, 0, 0]
    found = {overlap.labels: overlap.voxels for overlap in merged.overlaps}
    assert found == {(5, 6): 2, (5, 20): 2}
    place = merged.labels.ijk_of(merged.overlaps[0].place_ras)
    assert tuple(place) in {(3, 1, 1), (4, 1, 1)}
    with pytest.raises(InputError, match="left M1 and left M2 in 2 voxels, left M1 and right M6 in 2 voxels"):
        merged.require_disjoint()


def test_layers_without_overlap_are_one_map() -> None:
    merged = merge_layers([layer(6, 0, 3), layer(5, 3, 7)])
    assert merged.overlaps == ()
    assert merged.require_disjoint().present() == [5, 6]


def test_no_layer_and_other_grids_are_refused() -> None:
    with pytest.raises(InputError, match="no layer"):
        merge_layers([])
    with pytest.raises(GeometryError, match="a layer of regions"):
        merge_layers([layer(1, 0, 1), LabelMap(np.zeros((10, 4, 3), np.uint8), np.eye(4))])
