"""The configurations that come with the project: all load, and their networks can be built."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from deepstroke.networks import build
from deepstroke_training.configuration import as_mapping, fill, load_configuration
from deepstroke_training.systems import check_system, system_of
from deepstroke_training.training.run_settings import RunSettings

ALL = sorted((Path(__file__).resolve().parents[2] / "Training" / "configs").glob("*.yaml"))
CONFIGS = [path for path in ALL if system_of(path) is None]
NAMES = {"debug", "dynunet", "paper", "single-gpu", "small-cpu", "swin-unetr", "weights-2mm"}
#: Those of the other published systems, which ``fit`` tells by their key ``system``.
SYSTEMS = {
    "merge-split": "merge-split",
    "merge-split-paper": "merge-split",
    "cerebellum-2mm": "cerebellum",
    "cerebellum-small": "cerebellum-comparison",
    "cerebellum-paper": "cerebellum",
    "asymmetry-small": "asymmetry",
    "asymmetry-paper": "asymmetry",
    "asymmetry-reference": "asymmetry",
    "networks": "networks",
    "networks-gpu": "networks",
}


def test_all_are_there() -> None:
    assert {path.stem for path in CONFIGS} == NAMES
    assert {path.stem: system_of(path) for path in ALL if path not in CONFIGS} == SYSTEMS


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_systems_settings_are_sound(name: str) -> None:
    path = next(path for path in ALL if path.stem == name)
    settings = check_system(path)
    assert fill(type(settings), as_mapping(settings)) == settings


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_it_loads_and_its_network_gives_logits_of_the_samples_size(path: Path) -> None:
    """On the meta device, which computes shapes and no values."""
    settings = load_configuration(path)
    assert settings.name == path.stem
    with torch.device("meta"):
        network = build(settings.network.name, **settings.network_arguments)
    network = network.to("meta").eval()
    shape = settings.data.sample_shape
    output = network(torch.empty((1, 1, *shape), device="meta"))
    assert tuple(output.shape) == (1, settings.network_arguments.get("out_channels", 11), *shape)
    assert fill(RunSettings, as_mapping(settings)) == settings


def test_paper_holds_the_published_settings() -> None:
    settings = load_configuration(next(path for path in CONFIGS if path.stem == "paper"))
    data, trainer = settings.data, settings.trainer
    assert (settings.optimizer.lr, data.batch_size, data.shape, data.workers) == (1e-3, 2, (256, 256, 256), 8)
    assert (trainer.max_epochs, trainer.devices, trainer.strategy) == (300, 8, "fsdp")
    network = build(settings.network.name, **settings.network_arguments)
    assert sum(parameter.numel() for parameter in network.parameters()) == 23_041_993
    assert (settings.network.settings["dropout"], settings.network.settings["base_channels"]) == (0.2, 8)
    assert data.curated[0].test_size == 0.1
    assert data.augmentation.preset == "standard"
    stopping = trainer.early_stopping
    assert stopping is not None
    assert (stopping.monitor, stopping.patience, stopping.mode) == ("val/dice_mean", 10, "max")
    loss = settings.loss
    assert (loss.dice_activation, loss.lambda_dice, loss.lambda_ce, loss.include_background) == (
        "sigmoid",
        1,
        0.2,
        True,
    )


def test_the_papers_of_the_other_systems_hold_their_published_settings() -> None:
    paths = {path.stem: path for path in ALL}
    cerebellum = check_system(paths["cerebellum-paper"])
    assert (cerebellum.network, cerebellum.lr, cerebellum.dropout, cerebellum.spacing_mm) == (
        "cerebellum_m2",
        1e-3,
        0.2,
        1.0,
    )
    assert vars(cerebellum.augmentation) == {"copies": 10, "angle_deg": 45.0, "shift_voxels": 20.0}
    paper, reference = (check_system(paths[f"asymmetry-{name}"]) for name in ("paper", "reference"))
    assert (paper.learning_rate, paper.lr_alignment, paper.alignment_batch, paper.copies) == (1e-3, 1e-5, 6, None)
    assert (paper.regularisation, paper.batch, paper.warm_epochs, paper.base_channels) == (10, 6, 2, 32)
    assert (reference.learning_rate, reference.alignment_batch) == (1e-4, 40)
    assert reference.copies is not None
    merged = check_system(paths["merge-split-paper"])
    assert (merged.base_channels, merged.depth, merged.batch, merged.labels) == (32, 5, 2, 108)
