"""What the scripts of ``report.html`` know of a result: plain values that stand in the page as JSON."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from deepstroke.errors import InputError
from deepstroke.regions import SIDED_REGIONS
from deepstroke.report.axial import Levels
from deepstroke.report.contents import RegionResult, Report
from deepstroke.report.judgement import CHOICES, FULL_SCORE, STATUS_WORDS, status_of
from deepstroke.report.symmetry import region_reflection
from deepstroke.report.view import HIGHEST_HU, LOWEST_HU, View
from deepstroke.scoring.result import SCORE_OBSTACLE_WORDS, Reason

#: Window presets in HU: name, level, width.
WINDOWS: tuple[tuple[str, int, int], ...] = (("Stroke", 40, 40), ("Brain", 40, 80), ("Subdural", 50, 130))
#: What may differ between two runs on one scan without another result.
_NOT_THE_RESULT = ("created", "timings_s", "peak_memory_mb", "outputs")


def result_id(content: Mapping[str, Any]) -> str:
    """Sixteen hexadecimal digits that tell the content of one ``report.json`` from another's.

    A reader's review names them, so that it can't be laid over another result.
    """
    kept = {key: value for key, value in content.items() if key not in _NOT_THE_RESULT}
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode("utf-8")).hexdigest()[:16]


def page_facts(report: Report, view: View, levels: Levels) -> dict[str, Any]:
    """All that the page's scripts need, as values of JSON."""
    return {
        "report": {"id": result_id(report.as_dict()), "created": report.created, "series_uid": report.series.uid},
        "labels": _label_facts(),
        "regions": [_region_facts(result) for result in report.regions],
        "aspects": _aspects_facts(report),
        "choices": list(CHOICES),
        "words": STATUS_WORDS,
        "full": FULL_SCORE,
        "view": _view_facts(view, levels),
        "windows": [{"name": name, "level": level, "width": width} for name, level, width in WINDOWS],
    }


def as_script_json(content: Any) -> str:
    """JSON that can't end or comment out the script element in which it stands."""
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _label_facts() -> list[dict[str, Any]]:
    return [
        {"region": region.abbreviation, "side": side, "name": region.name, "colour": list(region.colour)}
        for region, side in SIDED_REGIONS
    ]


def _region_facts(result: RegionResult) -> dict[str, Any]:
    plain = result.as_dict()
    kept = ("region", "side", "volume_ml", "mean_hu", "median_hu", "confidence", "probability")
    return {
        **{key: plain[key] for key in kept},
        "status": status_of(result),
        "obstacles": [SCORE_OBSTACLE_WORDS[obstacle] for obstacle in result.obstacles],
        "reasons": [] if result.score is None else [_reason_words(reason) for reason in result.score.reasons],
    }


def _reason_words(reason: Reason) -> str:
    return reason.text if reason.push > 0 else f"{reason.text} (speaks against)"


def _aspects_facts(report: Report) -> dict[str, Any]:
    total = report.aspects
    return {"side": total.side, "side_given": total.side_given, "withheld": list(total.withheld)}


def _view_facts(view: View, levels: Levels) -> dict[str, Any]:
    along = view.factors[2]
    last = view.volume.shape[2] - 1
    chosen = {"ganglionic": levels.ganglionic, "supraganglionic": levels.supraganglionic}
    return {
        "shape": list(view.volume.shape),
        "spacing_mm": list(view.volume.spacing_mm),
        "lowest_hu": LOWEST_HU,
        "highest_hu": HIGHEST_HU,
        "slices_in_one": along,
        "grid_slices": view.grid_slices,
        "levels": {name: None if k is None else min(k // along, last) for name, k in chosen.items()},
        "ijk_to_mirror": _ijk_to_mirror(view),
    }


def _ijk_to_mirror(view: View) -> list[float] | None:
    """Rows of the affine from voxels to the voxels at the mirrored place; None where only one side is labelled."""
    try:
        reflection = region_reflection(view.labels)
    except InputError:
        return None
    matrix = np.linalg.inv(view.volume.ijk_to_ras) @ reflection @ view.volume.ijk_to_ras
    return [round(float(value), 6) for value in matrix[:3].ravel()]
