"""``report.html``: one file for a reader, with every picture inside it and no need of a network."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from deepstroke.nifti import atomic_path
from deepstroke.regions import REGIONS, Region, Side
from deepstroke.report.axial import Levels, axial_slices, choose_levels
from deepstroke.report.contents import RegionResult, Report
from deepstroke.report.judgement import CHOICES, STATUS_WORDS, side_scores, status_of
from deepstroke.report.page_facts import WINDOWS, as_script_json, page_facts
from deepstroke.report.pictures import UNITS_PER_MM, picture_slices
from deepstroke.report.templates import render, script_policy, text_of
from deepstroke.report.view import View, make_view, to_base64
from deepstroke.scoring.result import SCORE_OBSTACLE_WORDS
from deepstroke.volume import LabelMap, Volume

#: In the order in which they run; the viewer's own code comes before NiiVue, which takes long to read, and starts last.
_SCRIPTS = ("pictures.js", "judgement.js", "scan.js", "outlines.js", "vendor/niivue-0.69.0.umd.js", "viewer.js")

#: Registration figures in words with their unit; a figure that isn't listed is shown by its own name.
QUALITY_NAMES: dict[str, tuple[str, str]] = {
    "ncc": ("Similarity of the two heads (correlation, 1 is best)", ""),
    "lncc": ("Local similarity within the brain (correlation, 1 is best)", ""),
    "mask_dice": ("Overlap of the two brains (Dice, 1 is best)", ""),
    "jacobian_min": ("Least local volume change (0 or less is a fold)", ""),
    "jacobian_p1": ("First percentile of the local volume change", ""),
    "affine_scale": ("Size of the atlas's head against this one", ""),
    "inverse_error_mean_mm": ("Distance there and back, mean", "mm"),
    "inverse_error_p99_mm": ("Distance there and back, 99th percentile", "mm"),
}


@dataclass(frozen=True)
class RegionRow:
    """One region of the table: both sides and how they differ."""

    region: Region
    right: RegionResult
    left: RegionResult

    @property
    def sides(self) -> tuple[tuple[Side, RegionResult], ...]:
        """Both sides in the order in which the pictures show them."""
        return ("right", self.right), ("left", self.left)

    @property
    def difference_hu(self) -> float | None:
        """Median HU of the left minus that of the right; None unless both sides can be judged."""
        left, right = self.left, self.right
        if not (left.assessable and right.assessable) or left.median_hu is None or right.median_hu is None:
            return None
        return left.median_hu - right.median_hu


def write_html(report: Report, volume: Volume, labels: LabelMap, path: str | os.PathLike[str]) -> None:
    """Write the report as one self-contained page: warnings, both levels, all slices, the table, quality and origin.

    The page carries a content security policy that forbids every connection.

    Args:
        report: what to say.
        volume: HU on a grid in RAS+ mm.
        labels: sided labels 0..20 on the same grid.
        path: the file to write.

    Raises:
        GeometryError: the two lie on different grids.
        InputError: no voxel is labelled, or the file can't be written.
    """
    page = render_html(report, volume, labels)
    with atomic_path(path) as temporary:
        temporary.write_text(page, encoding="utf-8")


def render_html(report: Report, volume: Volume, labels: LabelMap) -> str:
    """The page of ``write_html`` as text."""
    slices = axial_slices(volume, labels)
    levels = choose_levels(slices)
    return render(
        "report.html",
        report=report,
        regions=REGIONS,
        rows=region_rows(report),
        levels=(("Ganglionic level", levels.ganglionic), ("Supraganglionic level", levels.supraganglionic)),
        pictures=picture_slices(slices, levels),
        n_slices=len(slices),
        width=round(slices.width_mm * UNITS_PER_MM),
        height=round(slices.height_mm * UNITS_PER_MM),
        units_per_mm=UNITS_PER_MM,
        quality=quality_lines(report),
        network=network_lines(report),
        doubts=doubt_rows(report),
        obstacles=SCORE_OBSTACLE_WORDS,
        **_judgement_context(report),
        **_viewer_context(report, make_view(volume, labels), levels),
    )


def _judgement_context(report: Report) -> dict[str, Any]:
    """What the table of judgements shows."""
    return {
        "total": total_words(report),
        "scored": any(result.involved is not None for result in report.regions),
        "status_of": status_of,
        "words": STATUS_WORDS,
        "choices": CHOICES,
        "reasons": reason_lines(report),
    }


def _viewer_context(report: Report, view: View, levels: Levels) -> dict[str, Any]:
    """The page's scripts with the hashes by which its policy allows them, and the scan that they show."""
    scripts = [text_of(name) for name in _SCRIPTS]
    (across, along, _), (right_left, anterior_posterior, _) = view.volume.shape, view.volume.spacing_mm
    return {
        "facts": as_script_json(page_facts(report, view, levels)),
        "packed_ct": to_base64(view.volume),
        "packed_labels": to_base64(view.labels),
        "view": view,
        "view_ratio": f"{across * right_left / (along * anterior_posterior):.4f}",
        "windows": WINDOWS,
        "scripts": scripts,
        "script_policy": script_policy(scripts),
        "notice": text_of("vendor/NOTICE.txt"),
    }


@dataclass(frozen=True)
class TotalWords:
    """The score of the affected side and of both sides, and which side is affected, as the page first shows them."""

    affected: str
    right: str
    left: str
    words: str


def total_words(report: Report) -> TotalWords:
    """The computed totals; "–" where none is given."""
    total, sides = report.aspects, side_scores(report)
    lower = min(sides.values(), key=lambda one: (one.score is None, one.score or 0))
    affected = sides[total.side] if total.side else lower
    words = f"patient's {total.side}" if total.side else "neither side"
    return TotalWords(str(affected), str(sides["right"]), str(sides["left"]), words)


def reason_lines(report: Report) -> list[tuple[str, list[str]]]:
    """Why regions are counted as involved, or can't be judged: a name and its reasons, in the table's order."""
    lines = []
    for row in region_rows(report):
        for side, result in row.sides:
            texts = [SCORE_OBSTACLE_WORDS[obstacle] for obstacle in result.obstacles]
            if result.involved and result.score is not None:
                texts += [reason.text for reason in result.score.reasons if reason.push > 0]
            if texts:
                lines.append((f"{side.capitalize()} {row.region.abbreviation}", texts))
    return lines


def region_rows(report: Report) -> list[RegionRow]:
    """The table's rows in the order of the regions; none where nothing was measured."""
    found: dict[tuple[Region, Side], RegionResult] = {
        (result.measures.region, result.measures.side): result for result in report.regions
    }
    return [
        RegionRow(region, found[region, "right"], found[region, "left"])
        for region in REGIONS
        if (region, "right") in found and (region, "left") in found
    ]


def quality_lines(report: Report) -> list[tuple[str, str]]:
    """The registration's figures in words."""
    lines = []
    for name, value in (report.registration or {}).items():
        words, unit = QUALITY_NAMES.get(name, (name, ""))
        lines.append((words, f"{value:.3f} {unit}".strip()))
    return lines


def network_lines(report: Report) -> list[tuple[str, str]]:
    """What is known of the network's answer, in words."""
    network = report.network
    if network is None:
        return []
    lines = [("Weights", str(network["weights"])), ("Computed by", str(network["backend"]))]
    if network.get("pose"):
        lines += [
            ("Scatter of its template coordinates (usual are 2 to 3 mm)", f"{network['pose']['residual_mm']:.1f} mm")
        ]
    for number, one in enumerate(network["passes"], start=1):
        turned = f"{one['turned_deg']:.1f}°, {one['shifted_mm']:.1f} mm aside"
        lines.append((f"Head against the grid, pass {number}", turned))
    if report.agreement is not None:
        lines.append(("Mean agreement with the atlas (Dice, 1 is best)", f"{report.agreement['mean_dice']:.3f}"))
    return lines


@dataclass(frozen=True)
class DoubtRow:
    """How sure the network is of a region, and how far both routes agree on it: right and left, 0..1."""

    region: Region
    confidence: tuple[float | None, float | None]
    dice: tuple[float | None, float | None]
    parted: tuple[bool, bool]


def doubt_rows(report: Report) -> list[DoubtRow]:
    """The table's rows in the order of the regions; none where no network ran or nothing was measured."""
    if report.network is None:
        return []
    given = report.agreement or {"regions": [], "limit": 0.0}
    dice = {(one["region"], one["side"]): float(one["dice"]) for one in given["regions"]}
    rows = []
    for row in region_rows(report):
        here = [dice.get((row.region.abbreviation, side)) for side, _ in row.sides]
        parted = [value is not None and value < given["limit"] for value in here]
        confidence = (row.right.confidence, row.left.confidence)
        rows.append(DoubtRow(row.region, confidence, (here[0], here[1]), (parted[0], parted[1])))
    return rows
