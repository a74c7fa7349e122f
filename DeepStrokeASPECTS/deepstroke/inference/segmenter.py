"""The network's route from a scan and its brain to sided regions, with everything a reader must know about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepstroke.devices import Device
from deepstroke.findings import Finding
from deepstroke.inference.backends import Backend, choose_backend, fallback_findings
from deepstroke.inference.cleanup import clean
from deepstroke.inference.guard import Evidence, doubts, gather, refuse_foreign
from deepstroke.inference.predict import Prediction, Predictor
from deepstroke.inference.reading import LabelReader, read_volume_labels
from deepstroke.inference.settings import InferenceSettings
from deepstroke.inference.weights import WeightsManifest, load_network
from deepstroke.volume import LabelMap, Volume


@dataclass(frozen=True, eq=False)
class NetworkSegmentation:
    """What a network made of a head.

    Attributes:
        labels: 1..10 on the patient's left and 11..20 on the right, on the scan's grid.
        confidence: 0..1, the probability of each voxel's label (of the background too); 0 outside the brain.
        reader: reads the same answer at any other points.
        prediction: on the network's own grid.
        evidence: figures by which the answer was judged.
        findings: what a reader must look at.
    """

    labels: LabelMap
    confidence: Volume
    reader: LabelReader
    prediction: Prediction
    evidence: Evidence
    findings: tuple[Finding, ...]


@dataclass(frozen=True, eq=False)
class NetworkSegmenter:
    """A network that was loaded, and how it is applied.

    Attributes:
        predictor: of the network.

    Example:
        >>> segmenter = NetworkSegmenter.load(find_weights(), choose_device("cpu"))  # doctest: +SKIP
        >>> segmenter.segment(scan, brain).labels.volume_ml(6)  # doctest: +SKIP
    """

    predictor: Predictor

    @classmethod
    def load(
        cls,
        weights: Path,
        device: Device,
        settings: InferenceSettings | None = None,
        cache: Path | None = None,
    ) -> NetworkSegmenter:
        """Load weights and choose what computes.

        Args:
            weights: the safetensors file; its manifest lies beside it.
            device: where it computes.
            settings: how it is applied.
            cache: folder for converted networks; None: they are converted each time.

        Raises:
            WeightsError: the files are missing, altered, or can't be used.
            MissingDependencyError: the backend that was asked for isn't installed.
        """
        settings = settings or InferenceSettings()
        network, manifest = load_network(weights)
        backend = choose_backend(network, device, settings.backend, settings.precision, cache)
        return cls(Predictor.of(network, manifest, backend, settings))

    @property
    def manifest(self) -> WeightsManifest:
        """Of the weights."""
        return self.predictor.manifest

    @property
    def backend(self) -> Backend:
        """What computes."""
        return self.predictor.backend

    def predict(self, scan: Volume, brain: LabelMap) -> Prediction:
        """The answer on the network's own grid; see ``Predictor.predict``."""
        return self.predictor.predict(scan, brain)

    def segment(
        self,
        scan: Volume,
        brain: LabelMap,
        midline: NDArray | None = None,
        expected_ml: Mapping[int, float] | None = None,
    ) -> NetworkSegmentation:
        """Predict, and read the answer on the scan's grid; see ``read``."""
        return self.read(self.predict(scan, brain), scan, brain, midline, expected_ml)

    def read(
        self,
        prediction: Prediction,
        scan: Volume,
        brain: LabelMap,
        midline: NDArray | None = None,
        expected_ml: Mapping[int, float] | None = None,
    ) -> NetworkSegmentation:
        """Labels on the scan's grid, cleaned and judged.

        Args:
            prediction: of this network.
            scan: HU on any orthogonal grid.
            brain: mask on that grid.
            midline: (4,) the mid-sagittal plane, for networks without coordinates; see ``LabelReader``.
            expected_ml: volume of each label in the template.

        Raises:
            InputError: the network doesn't know such a scan (code ``out-of-domain``).
        """
        sagittal = np.array([1.0, 0.0, 0.0, 0.0]) if midline is None else midline
        reader = LabelReader(prediction, self.manifest.output, sagittal)
        read, confidence = read_volume_labels(reader, scan, brain.mask)
        cleaned = clean(read.data, scan.voxel_ml)
        labels = scan.with_labels(cleaned.labels)
        confidence = updated_confidence(confidence, read, labels, brain, reader)
        usual_mm = self.manifest.output.residual_mm
        evidence = gather(labels, confidence, prediction.pose, usual_mm, cleaned.loose)
        limits = self.predictor.settings.limits
        refuse_foreign(evidence, limits)
        findings = (*fallback_findings(self.backend), *doubts(evidence, limits, expected_ml or {}))
        return NetworkSegmentation(labels, confidence, reader, prediction, evidence, findings)

    def facts(self, prediction: Prediction) -> dict[str, Any]:
        """What ``report.json`` says of the network; plain values."""
        manifest, settings = self.manifest, self.predictor.settings
        return {
            "weights": manifest.name,
            "network": manifest.network.name,
            "licence": manifest.licence,
            "backend": self.backend.description,
            "flips": settings.flips,
            "temperature": manifest.output.temperature,
            "usual_residual_mm": manifest.output.residual_mm,
            **prediction.facts(),
        }


def updated_confidence(
    confidence: Volume, before: LabelMap, after: LabelMap, brain: LabelMap, reader: LabelReader
) -> Volume:
    """The probabilities of labels that were changed, or that another route gave.

    Args:
        confidence: probabilities of ``before``.
        before, after: labels on one grid.
        brain: mask on that grid; outside of it nothing is known and the probability stays 0.
        reader: of the network's answer.
    """
    changed = np.argwhere((after.data != before.data) & brain.mask)
    if not len(changed):
        return confidence
    data = confidence.data.copy()
    data[tuple(changed.T)] = reader.probability_of(after.data[tuple(changed.T)], changed, after.ijk_to_ras)
    return confidence.with_data(data)
