"""Training, testing and maps of every method on small made heads."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch

from deepstroke.errors import InputError
from deepstroke.networks import AsymmetryDisentanglementNetwork
from deepstroke.nifti import read_label_map, read_volume
from deepstroke.volume import Volume
from deepstroke_training.asymmetry.alignment_fitting import fit_alignment
from deepstroke_training.asymmetry.augmentation import PoseAugmentation
from deepstroke_training.asymmetry.cases import StrokeCase
from deepstroke_training.asymmetry.comparing import Comparison, MethodScores, score, score_alignment, write_maps
from deepstroke_training.asymmetry.fitting import fit_method
from deepstroke_training.asymmetry.settings import AsymmetrySettings, Method
from deepstroke_training.configuration import fill

SETTINGS = AsymmetrySettings(base_channels=8, alignment_epochs=1, epochs=1, warm_epochs=1, batch=2, test_cases=2)


def head(seed: int) -> StrokeCase:
    rng = np.random.default_rng(seed)
    at = np.indices((16, 16, 16)) - 7.5
    brain = np.linalg.norm(at, axis=0) < 6.5
    lesion = brain & (np.linalg.norm(at - rng.uniform(-1, 1, 3).reshape(3, 1, 1, 1) - 2.5, axis=0) < 2)
    image = np.where(brain, 0.5 - 0.2 * lesion, 0) + 0.01 * rng.random(brain.shape)
    tissue = np.where(brain, 1 + (np.linalg.norm(at, axis=0) < 4), 0)
    return StrokeCase(image.astype(np.float32), lesion.astype(np.uint8), tissue.astype(np.uint8), (2, 2, 2), (0, 0))


@pytest.mark.parametrize("method", get_args(Method))
def test_each_method_is_trained_and_tested(method: Method) -> None:
    cases = [head(seed) for seed in range(3)]
    aligner = fit_alignment(cases, SETTINGS)
    before = {name: each.clone() for name, each in aligner.alignment.state_dict().items()}
    trained = fit_method(method, aligner, cases, SETTINGS)
    assert all((each == before[name]).all() for name, each in aligner.alignment.state_dict().items())
    scores = score(trained, cases)
    assert len(scores.dice) == 3
    assert all(0 <= each <= 1 for each in scores.dice)
    assert scores.true_volume_ml[0] == pytest.approx(cases[0].lesion.sum() * 0.008)
    alignment = score_alignment(aligner, cases)
    assert all(0 <= each <= 60 for each in alignment.angle_deg)


def test_the_table_pairs_adn_with_each_method() -> None:
    better = MethodScores((0.6, 0.8, 0.7), (5.0, 4.0, 6.0), (1.0,) * 3, (1.0,) * 3)
    worse = MethodScores((0.5, 0.7, 0.6), (9.0, 8.0, 10.0), (1.0,) * 3, (1.0,) * 3)
    result = Comparison(SETTINGS, {"adn": better, "residual_aligned": worse}, *[score_alignment_of_none()] * 2)
    assert float(result.beside("residual_aligned", "dice").difference) == pytest.approx(0.1)
    row = next(line for line in result.table().splitlines() if line.startswith("3D ResUNet, aligned"))
    assert "0.6000  9.00" in row
    assert "+0.100 (+0.100 to +0.100)" in row
    assert "-4.000" in row
    varied = replace(result, settings=replace(SETTINGS, augmentation=PoseAugmentation(turn_deg=5)))
    told = json.loads(json.dumps(varied.as_dict()))
    assert fill(AsymmetrySettings, told["settings"]) == varied.settings


def score_alignment_of_none():  # type: ignore[no-untyped-def]
    return score_alignment(AsymmetryDisentanglementNetwork(base_channels=8), [])


def test_maps_are_written_with_the_infarcts_volume(tmp_path: Path) -> None:
    image = Volume(head(0).image, np.diag([2.0, 2.0, 2.0, 1.0]))
    volume_ml = write_maps(AsymmetryDisentanglementNetwork(base_channels=8), image, tmp_path)
    maps = {path.name.removesuffix(".nii.gz"): read_volume(path).data for path in tmp_path.glob("*.nii.gz")}
    assert set(maps) == {"x", "a", "p", "q", "x-hat", "x-tilde", "lesion-probability", "lesion"}
    np.testing.assert_allclose(maps["a"], maps["p"] + maps["q"], atol=1e-5)
    np.testing.assert_allclose(maps["x-tilde"], maps["x"] + maps["p"], atol=1e-5)
    assert volume_ml == pytest.approx(read_label_map(tmp_path / "lesion.nii.gz").volume_ml())
    with pytest.raises(InputError, match=r"within 0\.\.1"):
        write_maps(AsymmetryDisentanglementNetwork(base_channels=8), image.with_data(image.data * 80), tmp_path)


def test_fewer_bits_in_training_leave_the_poses_and_nearly_the_weights() -> None:
    """bf16 has eight bits of fraction: a step goes the same way, not to the same place."""
    cases = [head(seed) for seed in range(2)]
    aligner = fit_alignment(cases, SETTINGS)
    coarse = replace(SETTINGS, precision="bf16")
    again = fit_alignment(cases, coarse)
    for name, each in aligner.alignment.state_dict().items():
        assert torch.equal(each, again.alignment.state_dict()[name])
    image = torch.from_numpy(cases[0].image)[None, None]
    trained = [fit_method("adn", aligner, cases, settings) for settings in (SETTINGS, coarse)]
    with torch.inference_mode():
        fine, rough = (each.probability(image) for each in trained)
    assert rough.dtype == torch.float32
    assert not torch.equal(fine, rough)
    assert float((fine - rough).abs().mean()) < 0.03
