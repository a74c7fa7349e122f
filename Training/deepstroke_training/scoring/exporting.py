"""A fitted score as a JSON file of plain numbers, and the manifest of a folder of such files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deepstroke.nifti import write_json
from deepstroke.regions import REGIONS
from deepstroke.resources import sha256_of
from deepstroke.scoring.model import MODEL_FORMAT
from deepstroke.scoring.region_models import LinearModel, RegionModel, TreesModel
from deepstroke.scoring.result import ScoreMethod
from deepstroke.scoring.store import MANIFEST
from deepstroke_training.scoring.fitting import FittedScore

#: Digits that are kept of weights and limits.
_DIGITS = 9


def write_model(fitted: FittedScore, name: str, training: Mapping[str, Any], path: Path) -> None:
    """Write a model that ``deepstroke.scoring.store.load_score_model`` reads.

    Raises:
        InputError: the disk refuses.
    """
    calibration = {"slope": fitted.calibration.slope, "offset": fitted.calibration.offset}
    content = {
        "format": MODEL_FORMAT,
        "name": name,
        "method": fitted.method,
        "measures": list(fitted.measures),
        "threshold": fitted.threshold,
        "regions": {
            region.abbreviation: {**_plain(model), "calibration": calibration}
            for region, model in zip(REGIONS, fitted.regions, strict=True)
        },
        "training": {**training, "settings": dict(fitted.settings)},
    }
    write_json(content, path)


def write_manifest(
    folder: Path, files: Mapping[ScoreMethod, str], default: ScoreMethod, facts: Mapping[str, Any]
) -> None:
    """Write the manifest of a folder of models: which file is which, its sha256, and which one is the default."""
    models = {method: {"file": file, "sha256": sha256_of(folder / file)} for method, file in files.items()}
    write_json({"format": MODEL_FORMAT, "default": default, "models": models, **facts}, folder / MANIFEST)


def _plain(model: RegionModel) -> dict[str, Any]:
    if isinstance(model, LinearModel):
        return {
            "base": round(model.base, _DIGITS),
            "usual": [round(value, _DIGITS) for value in model.usual],
            "weights": [round(value, _DIGITS) for value in model.weights],
        }
    if isinstance(model, TreesModel):
        # Limits are kept whole: rounding could send a value down the other branch.
        trees = [
            {name: list(getattr(tree, name)) for name in ("measure", "limit", "left", "right")}
            | {"value": [round(value, _DIGITS) for value in tree.value]}
            for tree in model.trees
        ]
        return {"base": round(model.base, _DIGITS), "trees": trees}
    raise TypeError(f"a region model of an unknown kind: {type(model).__name__}")
