"""Write into weights' manifest and model card what was measured after the export."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deepstroke.errors import InputError
from deepstroke.inference import amend_manifest
from deepstroke.inference.weights import AutoRoute, WeightsManifest, manifest_path
from deepstroke.nifti import write_json
from deepstroke.regions import REGIONS
from deepstroke_training.assessment.assessing import SUMMARY_FILE
from deepstroke_training.assessment.reliability import RELIABILITY_FILE, read_reliability
from deepstroke_training.training.model_card import write_model_card


def amend(
    weights: Path,
    calibration: Path | None = None,
    assessments: Mapping[str, Path] | None = None,
    agreements: Mapping[str, Path] | None = None,
    auto_route: AutoRoute | None = None,
    default: bool | None = None,
) -> WeightsManifest:
    """Amend the manifest and write the model card anew; what isn't given stays.

    Args:
        weights: the safetensors file.
        calibration: folder of an assessment whose scans take no other part: the temperature that fits them best and
            their median residual are taken.
        assessments: folders of assessments by the names under which the card shows them.
        agreements: ``report.json`` files of ``deepstroke segment --method both`` on real scans, by the scans' names.
        auto_route: the route that these figures favour.
        default: whether the weights are used where none are named.

    Raises:
        WeightsError: the manifest can't be read, or would become unusable.
        InputError: figures are missing, damaged, or of other weights.
    """
    content = _read_json(manifest_path(weights))
    temperature = residual = None
    if calibration is not None:
        _require_these(weights, content, calibration)
        temperature = read_reliability(calibration).best
        residual = _read_json(calibration / SUMMARY_FILE)["residual_mm"]
    shown = {name: _assessed(weights, content, folder) for name, folder in (assessments or {}).items()}
    agreed = {name: _agreed(path, content) for name, path in (agreements or {}).items()}
    manifest = amend_manifest(
        weights, temperature=temperature, residual_mm=residual, auto_route=auto_route, default=default
    )
    content = _read_json(manifest_path(weights))
    content["assessments"] = {**content.get("assessments", {}), **shown}
    content["agreements"] = {**content.get("agreements", {}), **agreed}
    write_json(content, manifest_path(weights))
    write_model_card(content, weights.with_suffix(".md"))
    return manifest


def _assessed(weights: Path, content: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The figures of an assessment that the card shows."""
    _require_these(weights, content, folder)
    summary = _read_json(folder / SUMMARY_FILE)
    found: dict[str, Any] = {key: summary[key] for key in ("cases", "failures", "residual_mm", "flips")}
    found["routes"] = {route: _route(folder / route) for route, dice in summary["dice"].items() if dice is not None}
    if (folder / RELIABILITY_FILE).exists():
        reliability = read_reliability(folder)
        found["calibration_error"] = reliability.ece_at(reliability.used)
        found["temperature"] = reliability.used
    return found


def _route(folder: Path) -> dict[str, Any]:
    summary = _read_json(folder / "summary.json")
    pooled = [region for region in summary["regions"] if region["side"] == "both"]
    dice, distance = summary["mean"]["dice"], summary["mean"]["hausdorff95_mm"]
    return {
        "cases": summary["cases"],
        "dice": {region["region"]: round(region["figures"]["dice"]["mean"], 4) for region in pooled},
        "mean_dice": round(dice["mean"], 4),
        "interval": None if dice["low"] is None else [round(dice["low"], 4), round(dice["high"], 4)],
        "hausdorff95_mm": None if distance is None else round(distance["mean"], 3),
        "side_errors": sum(region["side_errors"] for region in pooled),
    }


def _agreed(path: Path, content: Mapping[str, Any]) -> dict[str, Any]:
    """Mean Dice over both sides of each region between network and atlas."""
    report = _read_json(path)
    agreement = report.get("agreement")
    if agreement is None:
        raise InputError(f"{path} holds no agreement; make it with deepstroke segment --method both", code="no-figures")
    if report.get("weights_sha256") != content["sha256"]:
        raise InputError(f"{path} is of other weights", code="other-weights")
    dice = {
        region.abbreviation: [one["dice"] for one in agreement["regions"] if one["region"] == region.abbreviation]
        for region in REGIONS
    }
    return {
        "mean_dice": agreement["mean_dice"],
        "dice": {name: round(sum(values) / len(values), 4) for name, values in dice.items()},
    }


def _require_these(weights: Path, content: Mapping[str, Any], folder: Path) -> None:
    measured = _read_json(folder / SUMMARY_FILE).get("weights") or {}
    if measured.get("sha256", content["sha256"]) != content["sha256"]:
        raise InputError(f"{folder} was measured with other weights than {weights}", code="other-weights")


def _read_json(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} can't be read: {error}", code="damaged-file") from error
