"""``report.html`` of an infarct that a research model found: one file with every picture inside, to be read offline."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from deepstroke import __version__
from deepstroke.findings import Finding
from deepstroke.inference.weights import WeightsManifest
from deepstroke.nifti import atomic_path
from deepstroke.report.axial import AxialSlices, axial_slices
from deepstroke.report.contents import SeriesFacts
from deepstroke.report.map_pictures import picture_maps
from deepstroke.report.outlines import trace_mask
from deepstroke.report.pictures import UNITS_PER_MM, data_uri, spread_slices, svg_path
from deepstroke.report.templates import render, script_policy, text_of
from deepstroke.volume import LabelMap, Volume

_BRAIN, _LESION = 1, 2


@dataclass(frozen=True, eq=False)
class InfarctPage:
    """What the page says.

    Attributes:
        created: date and time in ISO 8601 with the time zone.
        ct: HU on a grid in RAS+ mm.
        brain, lesion: 0 and 1 on the same grid.
        left_ml, right_ml: volume of the lesion on the patient's sides.
        maps: X, A, P, Q, X_hat and X_tilde on one grid, by the names of their files; see ``asymmetry_maps``.
        lesion_on_maps: the lesion on that grid.
        weights: what found it.
        series: what was read.
        findings: what a reader must know.
    """

    created: str
    ct: Volume
    brain: LabelMap
    lesion: LabelMap
    left_ml: float
    right_ml: float
    maps: Mapping[str, Volume]
    lesion_on_maps: LabelMap
    weights: WeightsManifest
    series: SeriesFacts
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class ScanSlice:
    """One slice of the scan with the infarct's outline in SVG units; empty where there is none.

    Attributes:
        number: counted from 1 at the base of the grid.
        height_mm: above the first slice.
        image: data URI of the slice in the stroke window.
        infarct: the outline.
        area_mm2: of the infarct.
    """

    number: int
    height_mm: float
    image: str
    infarct: str
    area_mm2: float


def write_infarct_page(page: InfarctPage, path: str | os.PathLike[str]) -> None:
    """Write the page, which holds all of its pictures and whose policy forbids every connection.

    Raises:
        GeometryError: brain or lesion lie on another grid than the scan.
        InputError: the brain is empty, or the file can't be written.
    """
    text = render_infarct_page(page)
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def render_infarct_page(page: InfarctPage) -> str:
    """The page of ``write_infarct_page`` as text."""
    page.ct.require_same_grid(page.lesion, "the infarct")
    drawn = page.brain.with_labels(np.where(page.lesion.mask, _LESION, page.brain.data).astype(np.uint8))
    slices = axial_slices(page.ct, drawn)
    pictures = picture_scan(slices)
    scripts = [text_of("stacks.js")]
    return render(
        "infarct.html",
        page=page,
        total_ml=page.left_ml + page.right_ml,
        pictures=pictures,
        first=_first(pictures),
        n_slices=len(slices),
        width=round(slices.width_mm * UNITS_PER_MM),
        height=round(slices.height_mm * UNITS_PER_MM),
        units_per_mm=UNITS_PER_MM,
        stack=picture_maps(page.maps, page.lesion_on_maps, page.weights.input.hu_range),
        hu_range=page.weights.input.hu_range,
        version=__version__,
        view_ratio=1,
        scripts=scripts,
        script_policy=script_policy(scripts),
    )


def picture_scan(slices: AxialSlices, most: int = 64) -> tuple[ScanSlice, ...]:
    """Slices of the brain from the base up: evenly spread ones of many, with the one that shows most of the infarct.

    Args:
        slices: labelled 1 in the brain and 2 in the infarct.
        most: slices.
    """
    areas = (slices.labels == _LESION).sum(axis=(1, 2))
    chosen = set(spread_slices(np.flatnonzero(slices.labels.any(axis=(1, 2))), most))
    if areas.any():
        chosen.add(int(np.argmax(areas)))
    return tuple(_picture(slices, k) for k in sorted(chosen))


def _picture(slices: AxialSlices, k: int) -> ScanSlice:
    lesion = slices.labels[k] == _LESION
    outline = svg_path(trace_mask(lesion, slices.pixel_mm)) if lesion.any() else ""
    area_mm2 = float(lesion.sum() * slices.pixel_mm[0] * slices.pixel_mm[1])
    return ScanSlice(k + 1, k * slices.slice_mm, data_uri(slices.grey(k)), outline, area_mm2)


def _first(pictures: tuple[ScanSlice, ...]) -> int:
    """Number of the slice to begin with: that with most of the infarct, or the middle one."""
    most = max(pictures, key=lambda picture: picture.area_mm2)
    return most.number if most.area_mm2 else pictures[len(pictures) // 2].number
