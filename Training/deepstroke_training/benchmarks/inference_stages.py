"""The stages of the benchmark ``inference``: both routes from a scan to labels, and nnU-Net's from volume to labels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from deepstroke import atlas as atlases
from deepstroke.atlas_route import atlas_labels, register_to_atlas
from deepstroke.devices import Device
from deepstroke.errors import InputError, MissingDependencyError, RegistrationError
from deepstroke.inference import InferenceSettings, agreement_of, load_network
from deepstroke.loading import LoadedScan
from deepstroke.network_route import network_labels, run_network
from deepstroke.preprocess.brain import HeadAnalysis, analyse_head
from deepstroke.preprocess.windowing import strip
from deepstroke.progress import Progress
from deepstroke.report.contents import SeriesFacts
from deepstroke.volume import LabelMap
from deepstroke_training.benchmarks.inference_contenders import make_nnunet_predictor
from deepstroke_training.benchmarks.timing import Lap, timed
from deepstroke_training.synthesis import AcquisitionSettings, HeadSettings, SyntheticHead

Value = TypeVar("Value")

SETTINGS = InferenceSettings()
_THIN_SEED = 7


@dataclass(frozen=True, eq=False)
class Scan:
    """A scan with its name."""

    name: str
    loaded: LoadedScan


@dataclass(frozen=True)
class StageTimes:
    """Both routes on one scan.

    Attributes:
        scan: its name.
        shape: voxels.
        stages: in the order in which they ran.
        agreement: mean Dice of network and atlas; None where one of them failed.
        failures: why a stage is missing, by name.
    """

    scan: str
    shape: tuple[int, int, int]
    stages: dict[str, Lap]
    agreement: float | None
    failures: dict[str, str]

    def as_dict(self) -> dict[str, Any]:
        """The figures for JSON."""
        return {
            "scan": self.scan,
            "shape": list(self.shape),
            "stages": {name: vars(lap) for name, lap in self.stages.items()},
            "agreement": self.agreement,
            "failures": self.failures,
        }

    def rows(self) -> list[list[str]]:
        """Lines of a table: scan, stage, seconds by the clock and of the processors."""
        name = f"{self.scan} {' x '.join(str(n) for n in self.shape)}"
        lines = [[name, stage, f"{lap.wall_s:.2f}", f"{lap.cpu_s:.2f}"] for stage, lap in self.stages.items()]
        return lines + [[name, f"{stage}: {why}", "-", "-"] for stage, why in self.failures.items()]


def thin_scan(step_mm: float) -> Scan:
    """A synthetic head in thin slices."""
    acquisition = AcquisitionSettings(step_mm=step_mm, thickness_mm=step_mm, render_mm=1.2)
    case = SyntheticHead().generate(_THIN_SEED, HeadSettings(acquisition=acquisition))
    volume = case.volume.with_data(case.volume.data.astype(np.float32)).reoriented_to_ras()
    facts = SeriesFacts(None, None, None, volume.shape[2], volume.spacing_mm, tilt_deg=0.0)
    return Scan(f"synthetic, {step_mm:g} mm slices", LoadedScan(volume, None, facts, ()))


def time_routes(scan: Scan, weights: Path, device: Device, progress: Progress) -> StageTimes:
    """Time the stages of both routes, and nnU-Net's way from the stripped volume to labels.

    Args:
        scan: what is segmented.
        weights: of the network.
        device: where the network computes.
        progress: told how far it is.
    """
    clock = _Clock()
    volume = scan.loaded.volume
    progress(0.0, f"{scan.name}: brain")
    head = clock.time("brain", lambda: analyse_head(volume))
    progress(0.2, f"{scan.name}: network")
    network = clock.attempt("network", lambda: _network(clock, scan, head, weights, device))
    progress(0.4, f"{scan.name}: atlas")
    registered = clock.attempt("atlas route", lambda: _atlas(clock, scan, head, device, progress))
    progress(0.7, f"{scan.name}: nnU-Net")
    clock.attempt("nnU-Net", lambda: _nnunet(clock, scan, head, weights, device))
    both = None if network is None or registered is None else agreement_of(network, registered, 0.0).mean
    return StageTimes(scan.name, volume.shape, clock.stages, both, clock.failures)


class _Clock:
    """Collects laps, and why a stage failed."""

    def __init__(self) -> None:
        self.stages: dict[str, Lap] = {}
        self.failures: dict[str, str] = {}

    def time(self, name: str, work: Callable[[], Value]) -> Value:
        """Time one stage."""
        value, self.stages[name] = timed(work)
        return value

    def attempt(self, name: str, work: Callable[[], Value]) -> Value | None:
        """Do work that may be refused."""
        try:
            return work()
        except (InputError, MissingDependencyError, RegistrationError) as error:
            self.failures[name] = str(error)
            return None


def _network(clock: _Clock, scan: Scan, head: HeadAnalysis, weights: Path, device: Device) -> LabelMap:
    run = clock.time("network, loaded anew", lambda: run_network(scan.loaded, head.brain, weights, device, SETTINGS))
    clock.time("network, loaded before", lambda: run.segmenter.predict(scan.loaded.volume, head.brain))
    return clock.time("network's labels, cleaned", lambda: network_labels(run, scan.loaded, head)).found.labels


def _atlas(clock: _Clock, scan: Scan, head: HeadAnalysis, device: Device, progress: Progress) -> LabelMap:
    regions = atlases.load()
    volume = scan.loaded.volume
    transform = clock.time(
        "registration", lambda: register_to_atlas(volume, head.brain, regions, None, "fast", device, progress)
    )
    return clock.time("atlas's labels", lambda: atlas_labels(scan.loaded, regions, transform)).labels


def _nnunet(clock: _Clock, scan: Scan, head: HeadAnalysis, weights: Path, device: Device) -> None:
    """Its preprocessing, prediction and resampling of logits to the volume; once, for it takes long."""
    network, manifest = load_network(weights)
    predictor = make_nnunet_predictor(network, manifest, device, manifest.input.shape[::-1])
    stripped = strip(scan.loaded.volume, head.brain, manifest.input.hu_range)
    image = np.ascontiguousarray(stripped.data.transpose(2, 1, 0))[None]
    spacing = [float(step) for step in scan.loaded.volume.spacing_mm[::-1]]
    clock.time(
        "nnU-Net, volume to labels", lambda: predictor.predict_single_npy_array(image, {"spacing": spacing}, None, None)
    )
