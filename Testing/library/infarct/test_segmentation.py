"""A scan to an infarct, by networks whose answer is set by hand: everything is lesion, or nothing is."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from deepstroke.cli import main
from deepstroke.errors import InputError, WeightsError
from deepstroke.infarct import segment_infarct
from deepstroke.infarct.maps import disentangled
from deepstroke.inference.weights import (
    MANIFEST_FORMAT,
    WeightsInput,
    WeightsManifest,
    WeightsNetwork,
    WeightsOutput,
    manifest_path,
)
from deepstroke.networks import AsymmetryDisentanglementNetwork, build
from deepstroke.nifti import read_label_map, write_nifti
from deepstroke.volume import Volume
from phantoms_head import HeadPhantom, head_grid

MAPS = {"x", "a", "p", "q", "x-hat", "x-tilde"}


def decided(logit: float) -> AsymmetryDisentanglementNetwork:
    """An ADN that moves nothing and gives every voxel the same logit."""
    network = AsymmetryDisentanglementNetwork(base_channels=8)
    for layer in (network.alignment.regress, network.segmentation.final):
        nn.init.zeros_(layer.weight)
        nn.init.constant_(layer.bias, 0.0)
    nn.init.constant_(network.segmentation.final.bias, logit)
    return network


def written(network: nn.Module, folder: Path, name: str = "adn") -> Path:
    """Weights with a manifest of an 8 mm grid."""
    path = folder / f"{name}.safetensors"
    save_file(network.state_dict(), path)
    manifest = WeightsManifest(
        name=name,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        network=WeightsNetwork(name, {"base_channels": 8} if name == "adn" else {}),
        input=WeightsInput(8.0, (24, 28, 24), (0.0, 80.0), ("stripped",), None, 0.0),
        output=WeightsOutput(("background", "infarct"), None),
        licence="Apache-2.0",
    )
    manifest_path(path).write_text(json.dumps({"format": MANIFEST_FORMAT, **asdict(manifest)}), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("scan") / "head.nii.gz"
    volume, _ = HeadPhantom().sample(head_grid((2.0, 2.0, 4.0)))
    write_nifti(volume, path)
    return path


def test_where_all_is_lesion_the_infarct_is_the_brain(scan: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    status = main(["--quiet", "segment", str(scan), "--model", str(written(decided(9.0), tmp_path)), "-o", str(out)])
    assert status == 0
    infarct, brain = (read_label_map(out / f"{name}.nii.gz") for name in ("infarct", "brain"))
    np.testing.assert_array_equal(infarct.data, brain.data)
    told = json.loads((out / "infarct.json").read_text())
    assert told["infarct_ml"] == pytest.approx(brain.volume_ml())
    assert "research-model" in {each["code"] for each in told["warnings"]}
    assert {path.name.removesuffix(".nii.gz") for path in (out / "maps").iterdir()} == MAPS


def test_where_nothing_is_there_is_no_infarct(scan: Path, tmp_path: Path) -> None:
    result = segment_infarct(scan, written(decided(-9.0), tmp_path))
    assert result.lesion.volume_ml() == 0
    assert float(result.probability.data.max()) < 1e-3
    assert result.lesion.same_grid(result.ct)


def test_weights_of_another_network_are_refused(scan: Path, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"cerebellum_m1, which finds no infarcts; adn is expected"):
        segment_infarct(scan, written(build("cerebellum_m1"), tmp_path, "cerebellum_m1"))


def test_maps_belong_together_and_an_image_of_hu_is_refused() -> None:
    torch.manual_seed(0)
    image = Volume(np.random.default_rng(0).random((16, 16, 16), np.float32), np.eye(4))
    maps = disentangled(AsymmetryDisentanglementNetwork(base_channels=8), image)
    assert set(maps) == MAPS | {"lesion-probability"}
    np.testing.assert_allclose(maps["a"].data, maps["p"].data + maps["q"].data, atol=1e-5)
    with pytest.raises(InputError, match=r"within 0\.\.1"):
        disentangled(AsymmetryDisentanglementNetwork(base_channels=8), image.with_data(image.data * 80))
