"""Plain-number models: log odds by hand, what each measure adds, and files that can't be used."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

import phantoms_score as phantom
from deepstroke.errors import ConfigError, WeightsError
from deepstroke.scoring.features import FEATURES
from deepstroke.scoring.model import read_model
from deepstroke.scoring.region_models import LinearModel, Tree, TreesModel
from deepstroke.scoring.store import load_score_model

#: Asks measure 0 for 1.5, then on the right measure 1 for 0: leaves -1, 0.5 and 2 under means 0 and 1.
TREE = Tree((0, -1, 1, -1, -1), (1.5, 0.0, 0.0, 0.0, 0.0), (1, 0, 3, 0, 0), (2, 0, 4, 0, 0), (0.0, -1.0, 1.0, 0.5, 2.0))


def test_a_line_adds_what_lies_beyond_the_usual() -> None:
    model = LinearModel(-1.0, (0.0, 10.0), (2.0, -0.5))
    assert model.pushes(np.array([1.0, 6.0])).tolist() == [2.0, 2.0]


@pytest.mark.parametrize(
    ("values", "pushes"), [((1.0, 9.0), [-1.0, 0.0]), ((2.0, -1.0), [1.0, -0.5]), ((2.0, 1.0), [1.0, 1.0])]
)
def test_a_tree_credits_each_step_to_the_measure_it_asked_for(values: tuple[float, float], pushes: list[float]) -> None:
    found = TreesModel(0.3, (TREE, TREE)).pushes(np.array(values))
    assert found.tolist() == [2 * push for push in pushes]


@pytest.mark.parametrize("model", [LinearModel(-1.0, (0.0, 10.0), (2.0, -0.5)), TreesModel(0.3, (TREE, TREE))])
def test_many_regions_at_once_are_as_one_by_one(model: LinearModel | TreesModel) -> None:
    values = np.array([[1.0, 9.0], [2.0, -1.0], [2.0, 1.0], [1.5, 0.0]])
    assert model.log_odds(values) == pytest.approx([model.base + model.pushes(row).sum() for row in values])


def test_probability_after_calibration(tmp_path: Path) -> None:
    region = {"base": 1.0, "usual": [0.0], "weights": [-1.0], "calibration": {"slope": 2.0, "offset": 0.5}}
    content = phantom.model_content(regions=dict.fromkeys(phantom.model_content()["regions"], region))
    model = read_model(json.dumps(content).encode(), tmp_path)
    features = np.zeros(len(FEATURES))
    features[0] = 2.0
    judged = model.judge("M1", features)
    assert judged.pushes == {"difference_hu": -4.0}
    assert judged.probability == pytest.approx(1 / (1 + np.exp(4.0 - 2.5)))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": 7}, "layout 7"),
        ({"method": "oracle"}, "unknown method"),
        ({"measures": ["colour"]}, "unknown measures colour"),
        ({"threshold": 1.0}, "a threshold lies between 0 and 1"),
        ({"regions": {}}, "doesn't hold the ten regions"),
        ({"measures": ["difference_hu", "z"]}, "1 usual values"),
    ],
)
def test_models_that_cannot_be_used(changes: dict[str, object], message: str, tmp_path: Path) -> None:
    path = phantom.write_hand_model(tmp_path, **changes)
    with pytest.raises(WeightsError, match=message) as error:
        load_score_model(path=path)
    assert str(path) in str(error.value)


def test_a_tree_that_goes_in_a_circle_is_refused(tmp_path: Path) -> None:
    tree = {"measure": [0, 0], "limit": [0, 0], "left": [1, 0], "right": [1, 0], "value": [0, 0]}
    region = {"base": 0, "trees": [tree], "calibration": {"slope": 1, "offset": 0}}
    content = phantom.model_content()
    path = phantom.write_hand_model(tmp_path, regions=dict.fromkeys(content["regions"], region))
    with pytest.raises(WeightsError, match="leads nowhere"):
        load_score_model(path=path)


def test_not_json(tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    path.write_bytes(b"\x80\x04pickle")
    with pytest.raises(WeightsError, match="no score model"):
        load_score_model(path=path)
    with pytest.raises(WeightsError, match="can't be read"):
        load_score_model(path=tmp_path / "absent.json")


def shipped(folder: Path, sha256: str | None = None) -> None:
    scores = folder / "Scores"
    scores.mkdir()
    path = phantom.write_hand_model(scores)
    digest = sha256 or hashlib.sha256(path.read_bytes()).hexdigest()
    manifest = {"default": "logistic", "models": {"logistic": {"file": "model.json", "sha256": digest}}}
    (scores / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


def test_the_manifest_names_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEEPSTROKE_RESOURCES", str(tmp_path))
    shipped(tmp_path)
    assert load_score_model().model.name == load_score_model("logistic").model.name == "by-hand"
    with pytest.raises(WeightsError, match="doesn't name the score model 'boosting'"):
        load_score_model("boosting")
    with pytest.raises(ConfigError, match="found 'oracle'"):
        load_score_model("oracle")  # type: ignore[arg-type]


def test_an_altered_model_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEEPSTROKE_RESOURCES", str(tmp_path))
    shipped(tmp_path, sha256="0" * 64)
    with pytest.raises(WeightsError, match="was altered"):
        load_score_model()


@pytest.mark.parametrize("method", ["auto", "threshold", "logistic", "boosting"])
def test_the_shipped_models_can_be_read(method: str) -> None:
    stored = load_score_model(method)  # type: ignore[arg-type]
    assert "synthetic" in stored.model.name
    assert len(stored.sha256) == 64
