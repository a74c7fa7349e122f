"""The network's route: a trained network segments the brain, wherever and however the head lies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepstroke import atlas as atlases
from deepstroke.devices import Device
from deepstroke.dicom import SliceStack
from deepstroke.errors import DeepStrokeError
from deepstroke.findings import Finding
from deepstroke.frames import Affine
from deepstroke.inference import InferenceSettings, NetworkSegmentation, NetworkSegmenter
from deepstroke.inference.cleanup import clean
from deepstroke.inference.predict import Prediction
from deepstroke.inference.reading import LabelReader
from deepstroke.loading import LoadedScan
from deepstroke.preprocess.brain import HeadAnalysis
from deepstroke.resources import user_folder
from deepstroke.routes import SlicedLabels
from deepstroke.volume import LabelMap


@dataclass(frozen=True, eq=False)
class NetworkRun:
    """A network that was applied to a scan.

    Attributes:
        segmenter: the network.
        prediction: its answer on its own grid.
    """

    segmenter: NetworkSegmenter
    prediction: Prediction

    def pose_for(self, template: str) -> Affine | None:
        """Scan RAS+ mm to RAS+ mm of a template; None where the network saw none, or another template's."""
        pose = self.prediction.pose
        return None if pose is None or self.segmenter.manifest.output.template != template else pose.scan_to_template

    def facts(self) -> dict[str, Any]:
        """What ``report.json`` says of the network."""
        return self.segmenter.facts(self.prediction)


@dataclass(frozen=True, eq=False)
class NetworkResult:
    """What the network's route made of a scan.

    Attributes:
        found: the regions.
        segmentation: the same with probabilities and what a reader must know.
        run: of the network.
    """

    found: SlicedLabels
    segmentation: NetworkSegmentation
    run: NetworkRun

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What a reader must know about the network's answer."""
        return self.segmentation.findings


def run_network(
    scan: LoadedScan, brain: LabelMap, weights: Path, device: Device, settings: InferenceSettings
) -> NetworkRun:
    """Load a network and apply it to a scan.

    Raises:
        WeightsError: its files are missing, altered, or can't be used.
        InputError: it can't tell how the head lies (code ``no-pose``).
    """
    segmenter = load_segmenter(weights, device, settings)
    return NetworkRun(segmenter, segmenter.predict(scan.volume, brain))


def load_segmenter(weights: Path, device: Device, settings: InferenceSettings) -> NetworkSegmenter:
    """A network made ready; in OpenVINO's form it is kept in the user's folder.

    Raises:
        WeightsError: its files are missing, altered, or can't be used.
        MissingDependencyError: the backend that was asked for isn't installed.
    """
    return NetworkSegmenter.load(weights, device, settings, user_folder() / "cache" / "openvino")


def network_labels(run: NetworkRun, scan: LoadedScan, head: HeadAnalysis) -> NetworkResult:
    """The network's regions on the scan's grid, and on the source slices where there are any.

    Raises:
        InputError: the network doesn't know such a scan (code ``out-of-domain``).
    """
    midline = np.append(head.plane.normal, -head.plane.offset_mm)
    expected = expected_ml(run.segmenter.manifest.output.template)
    segmentation = run.segmenter.read(run.prediction, scan.volume, head.brain, midline, expected)
    on_slices = None if scan.slices is None else _on_slices(scan.slices, head.brain, segmentation.reader)
    return NetworkResult(SlicedLabels(segmentation.labels, on_slices), segmentation, run)


def expected_ml(template: str) -> Mapping[int, float]:
    """Volume of each label in an atlas; empty where it isn't here or doesn't say."""
    try:
        regions = atlases.info(template).get("regions", [])
    except DeepStrokeError:
        return {}
    sides = ("left_label", "right_label")
    return {one[side]: float(one["volume_ml_a_side"]) for one in regions for side in sides if "volume_ml_a_side" in one}


def _on_slices(slices: SliceStack, brain: LabelMap, reader: LabelReader) -> NDArray[np.uint8]:
    """The network's regions at the exact place of every source pixel in the brain, cleaned slice stack as a whole."""
    inside = slices.sample(brain) > 0
    found = np.zeros(slices.shape, dtype=np.uint8)
    for k in range(len(slices)):
        rows, columns = np.nonzero(inside[k])
        pixels = np.stack([columns, rows, np.zeros_like(rows)], axis=1)
        found[k][inside[k]] = reader.read_labels(pixels, slices.slice_to_ras(k))
    row_mm, column_mm = slices.pixel_spacing_mm
    thickness_mm = slices.offsets_mm[-1] / max(len(slices) - 1, 1)
    return clean(found, row_mm * column_mm * thickness_mm / 1000.0).labels
