"""Settings of the data: filled from YAML, and refused with all faults at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from deepstroke.errors import ConfigError
from deepstroke_training.configuration import as_mapping, fill
from deepstroke_training.data import CuratedSettings, DataSettings, SyntheticSettings
from deepstroke_training.data.opening import SyntheticSource


def test_settings_come_from_a_mapping_and_go_back_to_it() -> None:
    settings = fill(
        DataSettings,
        {
            "synthetic": {"cases": 50, "stages": {"stripped": 1}, "weight": 0.7},
            "curated": [{"folder": "dataset", "weight": 0.3, "stages": {"raw": 1, "registered": 2}}],
            "spacing_mm": 1,
            "shape": [160, 192, 160],
            "patch": [96, 96, 96],
            "hu_range": [-10, 110],
            "augmentation": {"preset": "strong"},
        },
    )
    assert settings.synthetic == SyntheticSettings(cases=50, stages={"stripped": 1}, weight=0.7)
    assert settings.curated[0].folder == Path("dataset")
    assert settings.sample_shape == (96, 96, 96)
    assert settings.augmentation.scale == 0.18
    assert fill(DataSettings, as_mapping(settings)) == settings


def test_the_defaults_train_on_synthetic_heads() -> None:
    settings = DataSettings()
    assert settings.synthetic is not None
    assert settings.sample_shape == (80, 96, 80)
    assert settings.cache_folder.name == "training"
    assert DataSettings(cache=Path("here")).cache_folder == Path("here")


def test_all_faults_are_told_at_once() -> None:
    faulty = {
        "synthetic": {"cases": 0, "stages": {"registered": 1}, "mode": "fixed"},
        "spacing_mm": 0.1,
        "shape": [4, 40, 40],
        "batch_size": 0,
        "augmentation": {"noise_hu": -3},
        "curated": [{"folder": "x", "test_size": 1.5, "folds": 1}],
        "colour": "red",
    }
    with pytest.raises(ConfigError) as caught:
        fill(DataSettings, faulty)
    lines = str(caught.value).splitlines()
    for fault in (
        "colour: no such setting",
        "synthetic.cases: at least 1, found 0",
        "synthetic.stages: one of raw, stripped, found 'registered'",
        "curated[0].test_size: from 0 to below 1, found 1.5",
        "curated[0].folds: 0 or at least 2, found 1",
        "augmentation.noise_hu: from 0 to inf, found -3",
        "spacing_mm: from 0.3 to 4 mm, found 0.1",
        "shape: at least 8 voxels along each axis, found (4, 40, 40)",
        "batch_size: at least 1, found 0",
    ):
        assert any(line.startswith(fault) for line in lines), fault


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({"synthetic": None}, "synthetic: there is no source"),
        ({"hu_range": (100.0, 0.0)}, "hu_range: the first HU lies below the second"),
        ({"patch": (96, 96, 96)}, r"patch: from 8 voxels to those of shape \(80, 96, 80\)"),
        ({"samples_per_epoch": 0}, "samples_per_epoch: at least 1, found 0"),
        ({"centre": "ear"}, "centre: one of brain, head, found 'ear'"),
    ],
)
def test_single_faults_are_named(values: dict, fault: str) -> None:
    with pytest.raises(ConfigError, match=fault):
        DataSettings(**values)


def test_faults_of_sources_are_named() -> None:
    with pytest.raises(ConfigError, match="first_cases: at most cases"):
        SyntheticSettings(mode="live", cases=4, first_cases=9)
    with pytest.raises(ConfigError, match="stages: at least one needs a weight above 0"):
        CuratedSettings(Path("x"), stages={"raw": 0.0})
    with pytest.raises(ConfigError, match="leave nothing to train on"):
        CuratedSettings(Path("x"), test_size=0.5, validation_size=0.5)
    with pytest.raises(ConfigError, match="fold: from 0 to 4, found 5"):
        CuratedSettings(Path("x"), folds=5, fold=5)


def test_parts_are_drawn_from_the_variety_that_the_settings_name(tmp_path: Path) -> None:
    synthetic = SyntheticSettings(cases=2, validation_cases=1, variety="wide", tested_variety="held-out")
    source = SyntheticSource(synthetic, DataSettings(synthetic=synthetic, cache=tmp_path))
    varieties = {part: source.pool(part).recipe.variety for part in ("train", "validation", "test")}
    assert varieties == {"train": "wide", "validation": "held-out", "test": "held-out"}
    with pytest.raises(ConfigError, match="variety: one of clinical, wide, held-out, found 'wild'"):
        SyntheticSettings(variety="wild")  # type: ignore[arg-type]
