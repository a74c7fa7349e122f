"""The data module: sources mixed by weight, patients apart, and data that changed noticed."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from deepstroke.errors import ConfigError
from deepstroke_training.data import (
    AugmentationSettings,
    CuratedSettings,
    DataSettings,
    ScanDataModule,
    SyntheticSettings,
)
from deepstroke_training.data.loader import ShareOfBatches, TrainingLoader
from deepstroke_training.data.samples import Sample, TrainingSamples
from deepstroke_training.data.splits import read_split
from deepstroke_training.data.synthetic_pool import SyntheticPool


@pytest.fixture
def settings(dataset: Path, pool: SyntheticPool) -> DataSettings:
    """70 % synthetic, 30 % curated heads; the pool is there already."""
    return DataSettings(
        synthetic=SyntheticSettings(cases=2, validation_cases=1, test_cases=0, weight=0.7),
        curated=(CuratedSettings(dataset, weight=0.3, validation_size=0.2, test_size=0.2),),
        spacing_mm=4.0,
        shape=(40, 48, 40),
        coordinates=True,
        samples_per_epoch=20,
        cache=pool.folder.parent,
        augmentation=AugmentationSettings("none"),
    )


def test_sources_are_mixed_by_weight(settings: DataSettings) -> None:
    data = ScanDataModule(settings, seed=3)
    data.prepare_data()
    batches = list(data.train_dataloader())
    assert len(batches) == 10
    kinds = Counter(name.split("-")[0] for batch in batches for name in batch["case"])
    assert kinds["synthetic"] == 14
    assert sum(kinds.values()) == 20
    stages = Counter(stage for batch in batches for stage in batch["stage"])
    assert stages == {"raw": 9, "stripped": 9, "registered": 2}
    known = {bool(k) for batch in batches for k in batch["template_known"]}
    assert known == {True, False}
    prepared = data.on_after_batch_transfer(batches[0], 0)
    assert prepared["image"].shape == (2, 1, 40, 48, 40)
    assert int(prepared["label"].max()) <= 10


def test_two_processes_train_on_the_very_bits_that_one_would(settings: DataSettings) -> None:
    data = ScanDataModule(replace(settings, augmentation=AugmentationSettings("strong")), seed=3)
    samples = TrainingSamples(data.sources("train"), data.order, coordinates=True)

    def batches(*share: int) -> list[Sample]:
        return [data.prepare_batch(batch) for batch in TrainingLoader(samples, ShareOfBatches(20, *share))]

    one, ranks = batches(4), [batches(2, rank, 2) for rank in range(2)]
    assert len(one) == 5
    for whole, *halves in zip(one, *ranks, strict=True):
        for name in ("image", "label", "brain", "template_mm", "coordinate_mask"):
            assert torch.equal(whole[name], torch.cat([half[name] for half in halves])), name


def test_no_patient_is_trained_on_and_validated_on(settings: DataSettings, tmp_path: Path) -> None:
    alone = replace(settings, synthetic=None)
    data = ScanDataModule(alone)
    (split,) = data.splits
    patients = {case.name: case.patient for case in data.curated[0].dataset.cases}
    parts = {
        "train": data.train_dataloader(), "validation": data.val_dataloader(), "test": data.test_dataloader(),
    }  # fmt: skip
    for part, loader in parts.items():
        seen = {patients[name] for batch in loader for name in batch["case"]}
        assert seen == set(getattr(split, part))
    assert {*split.train, *split.validation, *split.test} == set(patients.values())
    data.save_splits(tmp_path / "split.json")
    assert read_split(tmp_path / "split.json", "dataset") == split
    given = replace(alone.curated[0], split_file=tmp_path / "split.json", split_seed=99)
    assert ScanDataModule(replace(alone, curated=(given,))).splits == (split,)


def test_folds_and_review_choose_cases(settings: DataSettings) -> None:
    def trained(**changes: object) -> set[str]:
        chosen = replace(settings.curated[0], **changes)  # type: ignore[arg-type]
        data = ScanDataModule(replace(settings, synthetic=None, curated=(chosen,), samples_per_epoch=None))
        return {name for batch in data.train_dataloader() for name in batch["case"]}

    folds = [trained(folds=2, fold=fold, test_size=0.0) for fold in range(2)]
    assert not folds[0] & folds[1]
    assert folds[0] | folds[1] == {f"c{n}" for n in range(1, 7)}
    assert "c3" in trained(test_size=0.0, validation_size=0.0)
    assert "c3" not in trained(test_size=0.0, validation_size=0.0, skip_review=True)


def test_validation_heads_are_never_training_heads(settings: DataSettings) -> None:
    data = ScanDataModule(replace(settings, curated=(), samples_per_epoch=None))
    data.prepare_data()
    trained = [image for batch in data.train_dataloader() for image in batch["image"]]
    (validated,) = [batch for batch in data.val_dataloader() if batch["stage"] == ["raw"]]
    assert validated["case"] == ["synthetic-validation-000000"]
    assert not any(torch.equal(validated["image"][0], image) for image in trained)


def test_a_checkpoint_of_other_data_is_refused(settings: DataSettings) -> None:
    data = ScanDataModule(settings, seed=3)
    state = data.state_dict()
    ScanDataModule(replace(settings, batch_size=1, workers=3), seed=3).load_state_dict(state)
    for other in (
        ScanDataModule(settings, seed=4),
        ScanDataModule(replace(settings, samples_per_epoch=24), seed=3),
        ScanDataModule(replace(settings, curated=()), seed=3),
    ):
        with pytest.raises(ConfigError, match="trained on other cases, weights, stages, epoch length or seed"):
            other.load_state_dict(state)


def test_a_full_growing_pool_needs_no_process(settings: DataSettings) -> None:
    live = SyntheticSettings(cases=2, validation_cases=1, mode="live", first_cases=1)
    data = ScanDataModule(replace(settings, synthetic=live, curated=()))
    data.prepare_data()
    data.setup("fit")
    assert len(list(data.train_dataloader())) == 10
    data.teardown("fit")


def test_an_epoch_is_as_long_as_there_are_cases_and_stages(settings: DataSettings) -> None:
    data = ScanDataModule(replace(settings, samples_per_epoch=None))
    assert data.order.samples_per_epoch == 2 * 2 + 3 * len(data.curated[0].dataset.of_patients(data.splits[0].train))
