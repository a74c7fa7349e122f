"""A data module whose first epoch begins where a run stood."""

from __future__ import annotations

from typing import Any

import lightning

from deepstroke_training.training.module import SegmentationModule


class PositionedData(lightning.LightningDataModule):
    """Hands on another data module's batches, beginning with the run's position.

    Args:
        data: its training loader has ``load_state_dict({"epoch": ..., "samples": ...})``, where samples count over all
            processes.
        module: knows the position.
    """

    def __init__(self, data: lightning.LightningDataModule, module: SegmentationModule) -> None:
        super().__init__()
        self.data, self.module = data, module

    def prepare_data(self) -> None:
        """Make what training needs first; once a machine."""
        self.data.prepare_data()

    def setup(self, stage: str) -> None:
        """Let the data know its processes."""
        self.data.trainer = self.trainer
        self.data.setup(stage)

    def train_dataloader(self) -> Any:
        """The training batches from the position on."""
        loader = self.data.train_dataloader()
        processes = 1 if self.trainer is None else self.trainer.world_size
        samples = self.module.position.batch * self.module.settings.data.batch_size * processes
        loader.load_state_dict({"epoch": self.module.position.epoch, "samples": samples})
        return loader

    def val_dataloader(self) -> Any:
        """The validation cases."""
        return self.data.val_dataloader()

    def on_after_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
        """Prepare a batch on the device."""
        return self.data.on_after_batch_transfer(batch, dataloader_idx)

    def state_dict(self) -> dict[str, Any]:
        """What the data want to find again in a resumed run."""
        return self.data.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Let the data see that they are the same."""
        if state_dict:
            self.data.load_state_dict(state_dict)

    def teardown(self, stage: str) -> None:
        """Close what the data opened."""
        self.data.teardown(stage)
