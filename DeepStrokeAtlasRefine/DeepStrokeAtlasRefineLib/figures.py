"""Figures of every region, computed in portions: agreement with the overlay, checks, comparison."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from deepstroke.volume import LabelMap
from DeepStrokeAtlasRefineLib.drafts import DESCRIPTION, read_draft
from DeepStrokeAtlasRefineLib.session import Session
from DeepStrokeSlicerLib.nodes import read_volume_file

if TYPE_CHECKING:
    from deepstroke.atlas.region_checks import RegionCheck
    from deepstroke.atlas.ridge_distance import BorderAgreement
    from deepstroke.atlas.version_comparison import RegionDifference

ALL = range(1, 21)


@dataclass(frozen=True)
class Checks:
    """What the checks found.

    Attributes:
        regions: of each sided label.
        whole: what holds for the map as a whole, such as swapped sides, in words.
        publishable: whether nothing was found that keeps it from being published.
    """

    regions: dict[int, RegionCheck]
    whole: tuple[str, ...]
    publishable: bool


@dataclass(frozen=True, eq=False)
class Comparison:
    """Against another version.

    Attributes:
        regions: in the order of their labels.
        difference: as `deepstroke.atlas.version_comparison.Difference`.
    """

    regions: tuple[RegionDifference, ...]
    difference: LabelMap


def changed_regions(before: LabelMap | None, now: LabelMap) -> list[int]:
    """The labels whose borders may lie elsewhere than before."""
    if before is None:
        return list(ALL)
    places = before.data != now.data
    return [int(label) for label in np.union1d(before.data[places], now.data[places]) if label]


def agreements(
    session: Session, labels: LabelMap, regions: Iterable[int]
) -> Generator[None, None, dict[int, BorderAgreement]]:
    """Mean distance of each region's border to the overlay's lines; nothing without an overlay."""
    found: dict[int, BorderAgreement] = {}
    for label in regions if session.distance is not None else ():
        assert session.distance is not None
        found[label] = session.distance.agreement(labels, label)
        yield
    return found


def check(session: Session) -> Generator[None, None, Checks]:
    """Every region's checks, and those of the whole map."""
    from deepstroke.atlas.checks import volumes_ml
    from deepstroke.atlas.publish import check_for_publication
    from deepstroke.atlas.region_checks import check_region

    merged = session.merged()
    yield
    volumes, parent_volumes = volumes_ml(merged.labels), volumes_ml(session.parent_labels)
    yield
    regions = {}
    for label in ALL:
        regions[label] = check_region(merged.labels, label, volumes, parent_volumes, merged.overlaps)
        yield
    whole = check_for_publication(merged.labels, session.brain)
    by_region = {"label-missing", "label-fragments", "label-asymmetry"}  # The table shows these where they belong.
    told = tuple(f.message for f in (*whole.faults, *whole.warnings) if f.code not in by_region)
    return Checks(regions, told, not whole.faults and not merged.overlaps)


def read_other(name: str, path: Path | None) -> LabelMap:
    """Another version to compare with.

    Args:
        name: of an atlas; taken where no path is given.
        path: of a label map (NIfTI, NRRD), or of a draft's folder.

    Raises:
        InputError: it can't be read, or regions of the draft overlap.
    """
    from deepstroke.atlas import load
    from deepstroke.atlas.layers import merge_layers

    if path is None:
        return load(name).labels
    if path.is_dir() and (path / DESCRIPTION).is_file():
        return merge_layers(read_draft(path).layers).labels
    if path.is_dir():
        return load(path).labels
    volume = read_volume_file(path)
    return volume.with_labels(volume.data)


def compare(session: Session, other: LabelMap) -> Generator[None, None, Comparison]:
    """The regions as they are drawn against another version.

    Raises:
        GeometryError: the other version lies on another grid.
    """
    from deepstroke.atlas.version_comparison import compare_region, difference_map

    labels = session.merged().labels
    yield
    difference = difference_map(labels, other)
    yield
    regions = []
    for label in ALL:
        regions.append(compare_region(labels, other, label))
        yield
    return Comparison(tuple(regions), difference)
