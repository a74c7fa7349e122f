"""From samples to what a network takes."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from deepstroke_training.data.augmentation import AugmentationSettings
from deepstroke_training.data.batches import BatchPreparation, unsided
from deepstroke_training.data.prepared_case import PreparedCase
from deepstroke_training.data.samples import Sample, collate, sample_of
from deepstroke_training.data.settings import DataSettings

SETTINGS = DataSettings(shape=(24, 28, 20), coordinates=True)


def samples_of(case: PreparedCase) -> list[Sample]:
    nobody_knows = replace(case, name="unknown", template_mm=None)
    return [sample_of(case, "raw", True), sample_of(nobody_knows, "stripped", True)]


def test_samples_keep_their_compact_types(case: PreparedCase) -> None:
    batch = collate(samples_of(case))
    types = {name: batch[name].dtype for name in ("image", "label", "brain", "template_mm")}
    assert types == {
        "image": torch.int16, "label": torch.uint8, "brain": torch.bool, "template_mm": torch.float16,
    }  # fmt: skip
    assert batch["fill_hu"].tolist() == [-1024.0, -1024.0]
    assert batch["case"] == ["boxes", "unknown"]


def test_a_batch_holds_what_a_network_takes(case: PreparedCase) -> None:
    batch = BatchPreparation(SETTINGS)(collate(samples_of(case)))
    assert batch["image"].shape == (2, 1, 24, 28, 20)
    assert batch["image"].dtype == torch.float32
    inside = case.brain & (case.label == 0)
    assert torch.allclose(batch["image"][:, 0, inside], torch.tensor(0.3))
    assert float(batch["image"][0, 0, 2, 2, 2]) == 1.0, "the skull of the raw sample"
    assert float(batch["image"][1, 0, 2, 2, 2]) == 0.0, "the skull of the stripped one"
    assert batch["label"].unique().tolist() == [0, 6]
    assert batch["stage"] == ["raw", "stripped"]
    assert torch.equal(batch["coordinate_mask"][0], batch["brain"][0])
    assert not batch["coordinate_mask"][1].any(), "nobody knows its coordinates"
    assert batch["template_mm"].dtype == torch.float32
    assert "is_padding" not in batch


def test_options_change_labels_range_and_coordinates(case: PreparedCase) -> None:
    samples = collate(samples_of(case))
    other = BatchPreparation(replace(SETTINGS, sided=True, hu_range=(-20.0, 80.0), coordinates=False))(samples)
    assert other["label"].unique().tolist() == [0, 6, 16]
    assert float(other["image"][0, 0, 5, 5, 5]) == pytest.approx(0.5)
    assert "template_mm" not in other


def test_samples_with_a_seed_alone_are_augmented(case: PreparedCase) -> None:
    strong = replace(SETTINGS, augmentation=AugmentationSettings("strong"), patch=(16, 16, 16))
    plain = BatchPreparation(strong)(collate(samples_of(case)))
    assert plain["image"].shape == (2, 1, 24, 28, 20), "validation sees whole cases"
    seeded = [{**sample, "seed": seed} for seed, sample in enumerate(samples_of(case))]
    changed = BatchPreparation(strong)(collate(seeded))
    assert changed["image"].shape == (2, 1, 16, 16, 16)
    assert changed["template_mm"].shape == (2, 3, 16, 16, 16)
    again = BatchPreparation(strong)(collate(seeded))
    assert torch.equal(changed["image"], again["image"])


def test_sides_are_dropped_in_place_of_type() -> None:
    labels = torch.tensor([0, 1, 10, 11, 20], dtype=torch.uint8)
    assert unsided(labels).tolist() == [0, 1, 10, 1, 10]
    assert unsided(labels).dtype == torch.uint8
