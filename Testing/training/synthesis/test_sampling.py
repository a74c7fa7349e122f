"""Drawn settings are valid, repeat by seed, and meet the ranges of the clinic."""

from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np

from deepstroke_training.synthesis import AcuteInfarct, FocalLesion, HeadSettings
from deepstroke_training.synthesis.sampling import draw_settings

DRAWN = [draw_settings(seed) for seed in range(300)]


def part(holds: list[bool]) -> float:
    return float(np.mean(holds))


def acute(settings: HeadSettings) -> list[AcuteInfarct]:
    return [lesion for lesion in settings.pathology.lesions if isinstance(lesion, AcuteInfarct)]


def test_settings_repeat_and_are_plain_numbers() -> None:
    assert draw_settings(7) == DRAWN[7]
    assert DRAWN[7] != DRAWN[8]
    assert json.loads(json.dumps(asdict(DRAWN[7])))["anatomy"]["atrophy"] == DRAWN[7].anatomy.atrophy


def test_half_have_an_early_infarct_on_either_side_with_the_loss_of_density_of_early_stroke() -> None:
    infarcts = [infarct for settings in DRAWN for infarct in acute(settings)]
    assert 0.42 < part([bool(acute(settings)) for settings in DRAWN]) < 0.62
    assert 0.35 < part([infarct.side == "left" for infarct in infarcts]) < 0.65
    assert all(3 <= infarct.drop_hu <= 10 for infarct in infarcts)
    assert {region for infarct in infarcts for region in infarct.regions} >= {"C", "L", "IC", "I", "M1", "M6"}


def test_every_kind_of_lesion_occurs() -> None:
    focal = [le for s in DRAWN for le in s.pathology.lesions if isinstance(le, FocalLesion)]
    assert {lesion.kind for lesion in focal} == {"acute", "old", "haemorrhage"}
    assert all(lesion.outside_regions for lesion in focal if lesion.kind == "acute")


def test_scans_span_thin_and_thick_tilted_and_not_whole_and_cut() -> None:
    acquisitions = [settings.acquisition for settings in DRAWN]
    assert {0.8, 5.0} <= {a.thickness_mm for a in acquisitions}
    assert 0.4 < part([a.tilt_degrees > 3 for a in acquisitions]) < 0.6
    assert max(a.tilt_degrees for a in acquisitions) <= 20
    assert 0.03 < part([a.bottom_mm > -60 for a in acquisitions]) < 0.15
    thin = [a.noise_hu for a in acquisitions if a.thickness_mm <= 1.0]
    thick = [a.noise_hu for a in acquisitions if a.thickness_mm == 5.0]
    assert min(thin) > 5.5
    assert max(thin) < 12.5
    assert max(thick) < 5.0


def test_the_old_have_wider_ventricles() -> None:
    atrophy = np.array([settings.anatomy.atrophy for settings in DRAWN])
    ventricle = np.array([settings.anatomy.ventricle_mm for settings in DRAWN])
    assert np.corrcoef(atrophy, ventricle)[0, 1] > 0.6
