"""Slices of asymmetry maps for a page: in grey as the scan, or in colours that are black where nothing differs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepstroke.asymmetry_maps import ASYMMETRY_MAPS, MapFacts, MapKind, shown_values
from deepstroke.report.axial import radiological
from deepstroke.report.outlines import trace_mask
from deepstroke.report.pictures import data_uri, spread_slices, svg_path
from deepstroke.volume import LabelMap, Volume

#: Colours from the lowest to the highest value shown, evenly spaced.
_COLOURS: dict[MapKind, tuple[tuple[int, int, int], ...]] = {
    "image": ((0, 0, 0), (255, 255, 255)),
    "darker": ((0, 0, 0), (170, 20, 20), (255, 140, 0), (255, 240, 150)),
    "signed": ((150, 240, 255), (0, 130, 230), (0, 0, 0), (225, 70, 0), (255, 240, 150)),
}
#: Around what is shown of the head.
_MARGIN_MM = 6.0


@dataclass(frozen=True)
class ShownMap:
    """A map in a page.

    Attributes:
        facts: what it is.
        shown: values of the lowest and the highest colour.
        shown_hu: the same in HU, or in HU of difference.
        found: least and largest value within the slices that are shown.
        gradient: its colours for a legend, as CSS.
    """

    facts: MapFacts
    shown: tuple[float, float]
    shown_hu: tuple[float, float]
    found: tuple[float, float]
    gradient: str


@dataclass(frozen=True)
class MapSlice:
    """All maps in one slice of the aligned grid.

    Attributes:
        number: counted from 1 at the base of the grid.
        images: data URIs by the names of the maps' files.
        infarct: the outline of what was found, in SVG units; empty without any.
    """

    number: int
    images: Mapping[str, str]
    infarct: str


@dataclass(frozen=True)
class MapStack:
    """The maps as a page shows them.

    Attributes:
        maps: in their order; those that weren't made are left out.
        slices: from the base up.
        total: slices of the whole grid.
        height_mm, width_mm: of a slice.
        first: number of the slice to begin with.
    """

    maps: tuple[ShownMap, ...]
    slices: tuple[MapSlice, ...]
    total: int
    height_mm: float
    width_mm: float
    first: int


def picture_maps(
    maps: Mapping[str, Volume], infarct: LabelMap, hu_range: tuple[float, float], most: int = 32
) -> MapStack:
    """Pictures of all maps, slice by slice over the head; of thin slices evenly spread ones.

    Args:
        maps: on one grid, with x among them, i running from left to right and j from posterior to anterior.
        infarct: 0 and 1 on the same grid.
        hu_range: HU that are 0 and 1 of the network's image.
        most: slices.
    """
    facts = [each for each in ASYMMETRY_MAPS if each.file in maps]
    shown_box = _head_box(maps["x"])
    arrays = {each.file: radiological(maps[each.file].data[shown_box]) for each in facts}
    lesion = radiological(infarct.data[shown_box]) > 0
    right_left, anterior_posterior, _ = infarct.spacing_mm
    pixel_mm = (anterior_posterior, right_left)
    base = shown_box[2].start
    chosen = spread_slices(range(len(lesion)), most)
    first = _first(lesion, chosen)
    return MapStack(
        maps=tuple(_shown(each, arrays[each.file], hu_range) for each in facts),
        slices=tuple(
            MapSlice(
                number=base + k + 1,
                images={e.file: data_uri(coloured(arrays[e.file][k], e.kind, hu_range)) for e in facts},
                infarct=svg_path(trace_mask(lesion[k], pixel_mm)) if lesion[k].any() else "",
            )
            for k in chosen
        ),
        total=infarct.shape[2],
        height_mm=lesion.shape[1] * pixel_mm[0],
        width_mm=lesion.shape[2] * pixel_mm[1],
        first=base + first + 1,
    )


def coloured(values: NDArray, kind: MapKind, hu_range: tuple[float, float]) -> NDArray[np.uint8]:
    """A slice of a map as a picture: (rows, columns) of grey, or (rows, columns, 3) of colours."""
    low, high = shown_values(kind, hu_range)
    share = np.clip((np.nan_to_num(values, nan=low) - low) / (high - low), 0.0, 1.0)
    if kind == "image":
        return np.rint(255 * share).astype(np.uint8)
    stops = np.array(_COLOURS[kind], dtype=np.float64)
    places = np.linspace(0.0, 1.0, len(stops))
    channels = [np.interp(share, places, stops[:, channel]) for channel in range(3)]
    return np.rint(np.stack(channels, axis=-1)).astype(np.uint8)


def _first(lesion: NDArray[np.bool_], chosen: list[int]) -> int:
    """The slice to begin with: that with most of the infarct, or the middle one."""
    areas = [int(lesion[k].sum()) for k in chosen]
    return chosen[int(np.argmax(areas))] if any(areas) else chosen[len(chosen) // 2]


def _shown(facts: MapFacts, slices: NDArray, hu_range: tuple[float, float]) -> ShownMap:
    low, high = shown_values(facts.kind, hu_range)
    zero_hu, span_hu = (hu_range[0] if facts.kind == "image" else 0.0), hu_range[1] - hu_range[0]
    colours = ", ".join(f"rgb{colour}" for colour in _COLOURS[facts.kind])
    return ShownMap(
        facts=facts,
        shown=(low, high),
        shown_hu=(zero_hu + low * span_hu, zero_hu + high * span_hu),
        found=(float(np.nanmin(slices)), float(np.nanmax(slices))),
        gradient=f"linear-gradient(90deg, {colours})",
    )


def _head_box(head: Volume) -> tuple[slice, slice, slice]:
    """The box of what isn't 0, with a margin within the slices; everything where all is 0."""
    box = []
    for axis, spacing_mm in enumerate(head.spacing_mm):
        where = np.flatnonzero(head.data.any(axis=tuple(a for a in range(3) if a != axis)))
        margin = int(np.ceil(_MARGIN_MM / spacing_mm)) if axis < 2 else 0
        start, stop = (max(int(where[0]) - margin, 0), int(where[-1]) + 1 + margin) if where.size else (0, None)
        box.append(slice(start, stop))
    return box[0], box[1], box[2]
