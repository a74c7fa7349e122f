"""Presets fill what isn't given; impossible values are told all at once."""

from __future__ import annotations

import pytest

from deepstroke.errors import ConfigError
from deepstroke_training.configuration import as_mapping, fill
from deepstroke_training.data.augmentation import AugmentationSettings


def test_presets_fill_what_is_not_given() -> None:
    assert not AugmentationSettings("none").changes_anything
    standard, strong = AugmentationSettings(), AugmentationSettings("strong")
    assert standard.rotation_degrees == 12.0
    assert all(getattr(strong, name) >= 0.9 * getattr(standard, name) for name in ("noise_hu", "scale", "crop_mm"))
    assert AugmentationSettings("strong", rotation_degrees=5.0).rotation_degrees == 5.0
    only_flips = AugmentationSettings("none", flip_probability=0.5)
    assert only_flips.changes_anything
    assert only_flips.noise_probability == 0.0


def test_a_resolved_configuration_gives_the_same_settings() -> None:
    settings = fill(AugmentationSettings, {"preset": "strong", "noise_hu": 3})
    assert settings == AugmentationSettings("strong", noise_hu=3.0)
    assert fill(AugmentationSettings, as_mapping(settings)) == settings
    assert as_mapping(settings)["scale"] == 0.18


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        AugmentationSettings(flip_probability=1.5, noise_hu=-1.0, rotation_degrees=100.0, elastic_wavelength_mm=1.0)
    assert str(caught.value).splitlines() == [
        "flip_probability: from 0 to 1, found 1.5",
        "rotation_degrees: from 0 to 90, found 100",
        "elastic_wavelength_mm: from 10 to inf, found 1",
        "noise_hu: from 0 to inf, found -1",
    ]
    with pytest.raises(ConfigError, match="preset: one of none, standard, strong, found 'weak'"):
        AugmentationSettings("weak")  # type: ignore[arg-type]
