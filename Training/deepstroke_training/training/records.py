"""What a run leaves about its making, and whether a resumed run is still the same one."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import lightning

from deepstroke.errors import ConfigError
from deepstroke.nifti import write_json
from deepstroke_training.configuration import as_mapping
from deepstroke_training.configuration_files import read_settings, write_settings
from deepstroke_training.data import ScanDataModule
from deepstroke_training.training.placement import Placement
from deepstroke_training.training.provenance import describe_start
from deepstroke_training.training.run_folder import CONFIG, RECORD, SPLIT, read_record
from deepstroke_training.training.run_settings import RunSettings

#: What may not change while a run goes on; under ``data`` everything but what only concerns speed.
_FIXED = ("seed", "network", "loss", "data", "coordinates")
_FREE = ("data.workers", "data.prefetch", "data.cache", "network.checkpoint_activations", "loss.chunked")


def record_start(settings: RunSettings, run: Path, placement: Placement, data: lightning.LightningDataModule) -> None:
    """Write the split, the resolved settings, and one more start into the run's folder.

    Raises:
        InputError: data are missing or damaged, or the disk refuses.
    """
    run.mkdir(parents=True, exist_ok=True)
    if isinstance(data, ScanDataModule):
        data.save_splits(run / SPLIT)
    starts = read_record(run, RECORD)["starts"] if (run / RECORD).exists() else []
    start = describe_start()
    start["placement"] = {
        "accelerator": placement.accelerator,
        "processes": placement.processes,
        "strategy": placement.strategy,
        "precision": placement.precision,
        "notes": list(placement.notes),
    }
    write_settings(as_mapping(settings), run / CONFIG)
    write_json({"starts": [*starts, start]}, run / RECORD)


def check_same_run(settings: RunSettings, run: Path) -> None:
    """See that a run goes on with the network and the data it began with.

    Raises:
        ConfigError: it doesn't; one line for each setting that differs.
    """
    if not (run / CONFIG).exists():
        return
    before, now = dict(_flat(read_settings(run / CONFIG))), dict(_flat(as_mapping(settings)))
    changed = [name for name in before.keys() | now.keys() if before.get(name) != now.get(name)]
    fixed = [name for name in sorted(changed) if name.split(".")[0] in _FIXED and not name.startswith(_FREE)]
    if fixed:
        faults = [f"{name}: was {before.get(name)!r}, now {now.get(name)!r}" for name in fixed]
        text = f"{run} was begun with other settings; take them back, or begin another run with -o"
        raise ConfigError("\n  ".join([text, *faults]), code="run")
    if changed:
        warnings.warn(f"{run} goes on with other settings: {', '.join(sorted(changed))}", stacklevel=2)


def _flat(mapping: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in mapping.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{name}.")
        else:
            yield name, value
