"""nnU-Net v2's own training step, on the same volumes: its trainer, its PlainConvUNet, its loss and optimizer.

Source: Isensee et al. 2021, doi:10.1038/s41592-020-01008-z.
"""

from __future__ import annotations

import os
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

from deepstroke.errors import MissingDependencyError
from deepstroke.regions import REGIONS
from deepstroke_training.benchmarks.training_work import GatedBatches, Work
from deepstroke_training.losses import downsample_labels

_DATASET = "Dataset001_Benchmark"


def train(work: Work, batches: GatedBatches) -> None:
    """Call ``nnUNetTrainer.train_step`` on the batches.

    Raises:
        MissingDependencyError: nnU-Net isn't installed.
    """
    with tempfile.TemporaryDirectory(prefix="deepstroke-bench-") as folder:
        trainer = make_trainer(work, Path(folder))
        targets: list[Any] | None = None
        for batch in batches:
            # nnU-Net's loader brings labels to all scales in processes of its own: that is no part of a step.
            targets = targets or _targets(trainer, batch["label"])
            trainer.train_step({"data": batch["image"], "target": targets})


def make_trainer(work: Work, folder: Path) -> Any:
    """Its trainer, ready for the first epoch.

    Args:
        work: gives patch, batch and channels: as many levels and channels as ours, the finest at the volume's size.
        folder: for its logs.

    Raises:
        MissingDependencyError: nnU-Net isn't installed.
    """
    places = {name: str(folder / name) for name in ("nnUNet_raw", "nnUNet_preprocessed", "nnUNet_results")}
    os.environ.update({**places, "nnUNet_compile": str(work.compiled)})
    try:
        module = import_module("nnunetv2.training.nnUNetTrainer.nnUNetTrainer")
    except ImportError as error:
        raise MissingDependencyError("nnU-Net isn't installed: pip install nnunetv2") from error
    import torch

    preprocessed = folder / "nnUNet_preprocessed" / _DATASET / "benchmark"
    preprocessed.mkdir(parents=True)
    (preprocessed / "case.npz").touch()  # it looks at the names of files to choose a reader
    trainer = module.nnUNetTrainer(_plans(work), "3d_fullres", 0, _dataset(), torch.device(work.device))
    trainer.initialize()
    trainer.on_train_epoch_start()
    return trainer


def _targets(trainer: Any, label: Any) -> list[Any]:
    scales = trainer._get_deep_supervision_scales()
    sizes = [[round(size * part) for size, part in zip(label.shape[2:], scale, strict=True)] for scale in scales]
    return [downsample_labels(label, size).short() for size in sizes]


def _dataset() -> dict[str, Any]:
    labels = {"background": 0, **{region.abbreviation: region.number for region in REGIONS}}
    return {"channel_names": {"0": "CT"}, "labels": labels, "file_ending": ".nii.gz", "numTraining": 1}


def _plans(work: Work) -> dict[str, Any]:
    levels = work.depth
    architecture = {
        "network_class_name": "dynamic_network_architectures.architectures.unet.PlainConvUNet",
        "arch_kwargs": {
            "n_stages": levels,
            "features_per_stage": [work.base_channels << level for level in range(levels)],
            "conv_op": "torch.nn.modules.conv.Conv3d",
            "kernel_sizes": [[3, 3, 3]] * levels,
            "strides": [[1, 1, 1], *[[2, 2, 2]] * (levels - 1)],
            "n_conv_per_stage": [2] * levels,
            "n_conv_per_stage_decoder": [2] * (levels - 1),
            "conv_bias": True,
            "norm_op": "torch.nn.modules.instancenorm.InstanceNorm3d",
            "norm_op_kwargs": {"eps": 1e-5, "affine": True},
            "dropout_op": None,
            "dropout_op_kwargs": None,
            "nonlin": "torch.nn.LeakyReLU",
            "nonlin_kwargs": {"inplace": True},
        },
        "_kw_requires_import": ["conv_op", "norm_op", "dropout_op", "nonlin"],
    }
    configuration = {
        "data_identifier": "benchmark",
        "preprocessor_name": "DefaultPreprocessor",
        "batch_size": work.batch,
        "patch_size": [work.size] * 3,
        "spacing": [1.0] * 3,
        "normalization_schemes": ["CTNormalization"],
        "use_mask_for_norm": [False],
        "batch_dice": False,
        "architecture": architecture,
    }
    return {
        "dataset_name": _DATASET,
        "plans_name": "benchmark",
        "continue_training": False,
        "label_manager": "LabelManager",
        "configurations": {"3d_fullres": configuration},
    }
