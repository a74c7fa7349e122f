"""Checks of one region at a time, each with the place where it can be looked at; the whole map's are in `checks`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from deepstroke.atlas.checks import ASYMMETRY_LIMIT, name_of
from deepstroke.atlas.layers import Overlap
from deepstroke.findings import Finding
from deepstroke.regions import REGIONS
from deepstroke.volume import LabelMap

#: A region whose volume differs from its parent's by more than this share is worth a warning.
VOLUME_LIMIT = 0.25


@dataclass(frozen=True, eq=False)
class PlacedFinding:
    """What was noticed about a region, and where.

    Attributes:
        finding: its code is ``label-missing``, ``label-fragments``, ``label-overlap``, ``label-asymmetry`` or
            ``label-volume``; the first three keep a map from being published.
        place_ras: RAS+ mm of a voxel that shows it; None where there is none, as of a missing region.
    """

    finding: Finding
    place_ras: NDArray[np.float64] | None


@dataclass(frozen=True, eq=False)
class RegionCheck:
    """What is known of a region.

    Attributes:
        label: sided, 1..20.
        volume_ml: its volume.
        parent_ml: its volume in the atlas it comes from; 0 where it is missing there.
        findings: in the order of their weight.
        place_ras: RAS+ mm of a voxel inside of it near its middle; None where it is missing.
    """

    label: int
    volume_ml: float
    parent_ml: float
    findings: tuple[PlacedFinding, ...]
    place_ras: NDArray[np.float64] | None

    @property
    def change(self) -> float | None:
        """Volume against the parent's, as a share of it; None where the parent lacks the region."""
        return self.volume_ml / self.parent_ml - 1 if self.parent_ml else None


def check_region(
    labels: LabelMap,
    label: int,
    volumes: Mapping[int, float],
    parent_volumes: Mapping[int, float],
    overlaps: Sequence[Overlap] = (),
) -> RegionCheck:
    """Check one region of a sided map.

    Args:
        labels: 1..20.
        label: the region's, sided.
        volumes: ml of each region of the map, as ``checks.volumes_ml`` gives them.
        parent_volumes: the same of the atlas it comes from.
        overlaps: of all regions, as ``layers.merge_layers`` finds them.
    """
    box = ndimage.find_objects(labels.data, max_label=label)[label - 1] if volumes[label] else None
    overlapping = [_overlap_finding(overlap) for overlap in overlaps if label in overlap.labels]
    if box is None:
        missing = PlacedFinding(Finding("label-missing", "without voxels"), None)
        return RegionCheck(label, 0.0, parent_volumes[label], (missing, *overlapping), None)
    middle, fragments = _pieces(labels, label, box)
    found = [*fragments, *overlapping]
    found += [PlacedFinding(finding, middle) for finding in _volume_findings(label, volumes, parent_volumes)]
    return RegionCheck(label, volumes[label], parent_volumes[label], tuple(found), middle)


def _pieces(
    labels: LabelMap, label: int, box: tuple[slice, slice, slice]
) -> tuple[NDArray[np.float64], list[PlacedFinding]]:
    """A place in the largest piece, and a finding at the largest of the others."""
    pieces, count = ndimage.label(labels.data[box] == label)
    sizes = np.bincount(pieces.ravel())[1:]
    order = np.argsort(-sizes, kind="stable") + 1
    first = np.array([part.start for part in box])
    places = [labels.ras_of(first + _inner_voxel(pieces == number)) for number in order[:2]]
    if count == 1:
        return places[0], []
    extra = int(sizes.sum() - sizes.max())
    message = f"in {count} pieces, {extra} voxels beside the largest"
    return places[0], [PlacedFinding(Finding("label-fragments", message), places[1])]


def _inner_voxel(mask: NDArray[np.bool_]) -> NDArray[np.intp]:
    """The voxel of a mask that is nearest to its centre of mass."""
    places = np.argwhere(mask)
    nearest = places[((places - places.mean(axis=0)) ** 2).sum(axis=1).argmin()]
    return np.asarray(nearest, dtype=np.intp)


def _overlap_finding(overlap: Overlap) -> PlacedFinding:
    first, second = (name_of(label) for label in overlap.labels)
    message = f"{first} and {second} overlap in {overlap.voxels} voxels"
    return PlacedFinding(Finding("label-overlap", message), overlap.place_ras)


def _volume_findings(label: int, volumes: Mapping[int, float], parent_volumes: Mapping[int, float]) -> list[Finding]:
    found = []
    own, parent = volumes[label], parent_volumes[label]
    other = volumes[label + len(REGIONS) if label <= len(REGIONS) else label - len(REGIONS)]
    if other and abs(own - other) > ASYMMETRY_LIMIT * max(own, other):
        found.append(Finding("label-asymmetry", f"{own:.1f} ml, {other:.1f} ml on the other side"))
    if parent and abs(own - parent) > VOLUME_LIMIT * parent:
        found.append(Finding("label-volume", f"{own:.1f} ml, {parent:.1f} ml in the parent"))
    return found
