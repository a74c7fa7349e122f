"""The loop that a researcher would write by hand: nothing but the steps."""

from __future__ import annotations

import torch

from deepstroke.networks import build
from deepstroke_training.benchmarks.training_work import GatedBatches, Work, to_device
from deepstroke_training.losses import LossSettings, build_loss
from deepstroke_training.training.settings import OptimizerSettings


def train(work: Work, batches: GatedBatches) -> None:
    """Train on the batches with the optimizer and loss that our trainer has without further settings."""
    torch.manual_seed(0)
    settings = OptimizerSettings()
    network = build("unet3d", **work.network_settings).to(work.device)
    forward = torch.compile(network) if work.compiled else network
    loss_of = build_loss(LossSettings(chunked=work.chunked)).to(work.device)
    optimizer = torch.optim.AdamW(network.parameters(), lr=settings.lr, weight_decay=settings.weight_decay)
    for batch in batches:
        batch = to_device(batch, work.device)
        with torch.autocast(work.device, torch.bfloat16, enabled=work.precision == "bf16"):
            loss = loss_of(forward(batch["image"]), batch["label"])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
