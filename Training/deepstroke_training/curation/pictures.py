"""Pictures for quality control: one strip a case, and contact sheets of many."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from deepstroke.nifti import atomic_path
from deepstroke.regions import REGIONS, SIDE_OFFSET
from deepstroke.report.axial import AxialSlices, axial_slices, choose_levels
from deepstroke.volume import LabelMap, Volume

_PANEL = 300
_CAPTION = 34
_INK, _MUTED, _PAPER, _AMBER = (242, 244, 247), (152, 162, 179), (12, 15, 19), (245, 185, 66)
_OVERLAY = (255, 60, 60)
#: Cases on one contact sheet, and the share of its size that a strip keeps there.
SHEET_CASES, _SHEET_SCALE = 20, 0.6

RGB = NDArray[np.uint8]


def draw_case(
    scan: Volume,
    labels: LabelMap,
    registered: Volume,
    registered_labels: LabelMap,
    caption: Sequence[str],
    path: Path,
    overlay: Volume | None = None,
) -> None:
    """Draw both ASPECTS levels of a scan with its outlines, plain and labelled, and of the registered scan.

    The patient's left is on the right of the image.

    Args:
        scan: HU.
        labels: sided labels on its grid.
        registered: the stripped scan on the template's grid.
        registered_labels: sided labels on that grid.
        caption: two lines.
        path: the PNG to write.
        overlay: counts of the overlay's points, on the scan's grid; drawn in red.

    Raises:
        InputError: the disk refuses.
    """
    native = axial_slices(scan, labels)
    points = None if overlay is None else axial_slices(scan.with_data(overlay.data.astype(np.float32)), labels)
    template = axial_slices(registered, registered_labels)
    panels = []
    for k in _levels(native):
        panels += [_panel(native, k, outlined=False), _panel(native, k, outlined=True, points=points)]
    panels += [_panel(template, k, outlined=True) for k in _levels(template)]
    page = Image.new("RGB", (_PANEL * len(panels), _PANEL + _CAPTION), _PAPER)
    for place, panel in enumerate(panels):
        page.paste(Image.fromarray(panel), (place * _PANEL, _CAPTION))
    pen = ImageDraw.Draw(page)
    for line, (text, colour) in enumerate(zip(caption, (_INK, _AMBER), strict=False)):
        pen.text((6, 3 + 15 * line), text, fill=colour)
    pen.text((page.width - 170, 3), "patient's left is on the right", fill=_MUTED)
    _save(page, path)


def draw_contact_sheets(strips: Iterable[Path], folder: Path) -> list[Path]:
    """Put the strips of many cases on pages ``contact_sheet_001.png``, ...; one page is in memory at a time.

    Raises:
        InputError: the disk refuses.
    """
    pages = []
    for number, batch in enumerate(_batched(strips, SHEET_CASES), start=1):
        thumbnails = [_thumbnail(path) for path in batch]
        width = max(image.width for image in thumbnails)
        page = Image.new("RGB", (width, sum(image.height + 4 for image in thumbnails)), _PAPER)
        top = 0
        for image in thumbnails:
            page.paste(image, (0, top))
            top += image.height + 4
        pages.append(folder / f"contact_sheet_{number:03d}.png")
        _save(page, pages[-1])
    return pages


def _levels(slices: AxialSlices) -> Iterator[int]:
    """Both levels; a scan that lacks one shows the middle of what is labelled instead."""
    levels = choose_levels(slices)
    labelled = np.flatnonzero(slices.labels.any(axis=(1, 2)))
    for level in (levels.ganglionic, levels.supraganglionic):
        yield int(labelled[len(labelled) // 2]) if level is None else level


def _panel(slices: AxialSlices, k: int, outlined: bool, points: AxialSlices | None = None) -> RGB:
    """One slice in a square panel, true to scale, with the outlines of its regions."""
    scale = _PANEL / max(slices.height_mm, slices.width_mm)
    size = (max(round(slices.width_mm * scale), 1), max(round(slices.height_mm * scale), 1))
    grey = np.asarray(Image.fromarray(slices.grey(k)).resize(size, Image.Resampling.BILINEAR))
    colours = np.repeat(grey[..., None], 3, axis=2)
    if outlined:
        labels = np.asarray(Image.fromarray(slices.labels[k].astype(np.uint8)).resize(size, Image.Resampling.NEAREST))
        if points is not None:
            marked = Image.fromarray((points.hu[k] > 0).astype(np.uint8)).resize(size, Image.Resampling.NEAREST)
            colours[np.asarray(marked) > 0] = _OVERLAY
        for label, colour in _COLOURS.items():
            colours[_edge(labels == label)] = colour
    panel = np.empty((_PANEL, _PANEL, 3), np.uint8)
    panel[:] = _PAPER
    top, left = (_PANEL - size[1]) // 2, (_PANEL - size[0]) // 2
    panel[top : top + size[1], left : left + size[0]] = colours
    return panel


_COLOURS = {region.number + offset: region.colour for region in REGIONS for offset in SIDE_OFFSET.values()}


def _edge(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    inner = mask.copy()
    inner[1:] &= mask[:-1]
    inner[:-1] &= mask[1:]
    inner[:, 1:] &= mask[:, :-1]
    inner[:, :-1] &= mask[:, 1:]
    return mask & ~inner


def _thumbnail(path: Path) -> Image.Image:
    with Image.open(path) as strip:
        size = (round(strip.width * _SHEET_SCALE), round(strip.height * _SHEET_SCALE))
        return strip.convert("RGB").resize(size, Image.Resampling.LANCZOS)


def _save(page: Image.Image, path: Path) -> None:
    with atomic_path(path) as temporary:
        page.save(temporary, format="PNG", optimize=False)


def _batched(paths: Iterable[Path], size: int) -> Iterator[list[Path]]:
    remaining = iter(paths)
    while batch := list(islice(remaining, size)):
        yield batch
