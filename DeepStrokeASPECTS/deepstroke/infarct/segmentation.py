"""``deepstroke segment --model NAME``: a head CT in, the infarct and the asymmetry maps out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from deepstroke import __version__
from deepstroke.devices import choose_device
from deepstroke.errors import WeightsError, naming
from deepstroke.findings import Finding
from deepstroke.infarct.maps import PROBABILITY, disentangled
from deepstroke.inference.preparation import centred_grid, head_on_grid, network_image
from deepstroke.inference.store import find_weights
from deepstroke.inference.weights import WeightsManifest, load_network
from deepstroke.loading import load_scan
from deepstroke.networks import AsymmetryDisentanglementNetwork
from deepstroke.nifti import write_json, write_nifti
from deepstroke.preprocess.brain import analyse_head
from deepstroke.preprocess.resampling import resample
from deepstroke.progress import Progress, silent, within
from deepstroke.volume import LabelMap, Volume

_THRESHOLD = 0.5


@dataclass(frozen=True, eq=False)
class InfarctResult:
    """What was found in one scan.

    Attributes:
        ct: HU on an orthogonal grid with axes nearest to RAS+.
        brain: 0 and 1 on the same grid.
        lesion: 0 and 1 on the same grid: probability of 0.5 or more, within the brain.
        probability: 0..1 on the same grid.
        maps: X, A, P, Q, X_hat and X_tilde on the network's aligned grid, by the names of their files.
        weights: what found it.
        findings: what a reader must know.
    """

    ct: Volume
    brain: LabelMap
    lesion: LabelMap
    probability: Volume
    maps: dict[str, Volume]
    weights: WeightsManifest
    findings: tuple[Finding, ...]

    def as_dict(self) -> dict[str, Any]:
        """The figures for JSON."""
        return {
            "infarct_ml": self.lesion.volume_ml(),
            "weights": {"name": self.weights.name, "sha256": self.weights.sha256},
            "warnings": [each.as_dict() for each in self.findings],
            "versions": {"deepstroke": __version__},
        }

    def save(self, folder: str | Path) -> None:
        """Write scan, brain, infarct, probability and maps as NIfTI, and ``infarct.json``.

        Raises:
            InputError: the folder can't be written; the message names the file.
        """
        folder = Path(folder)
        volumes = {"ct": self.ct, "brain": self.brain, "infarct": self.lesion, PROBABILITY: self.probability}
        for name, volume in volumes.items():
            write_nifti(volume, folder / f"{name}.nii.gz")
        for name, volume in self.maps.items():
            write_nifti(volume, folder / "maps" / f"{name}.nii.gz")
        write_json(self.as_dict(), folder / "infarct.json")


def segment_infarct(
    path: str | Path, model: str | Path, series: str | None = None, device: str = "auto", progress: Progress = silent
) -> InfarctResult:
    """Find the acute infarct of a head CT by an Asymmetry Disentanglement Network.

    Args:
        path: a DICOM folder, DICOMDIR or zip, a NIfTI or an NRRD file.
        model: name or file of the weights.
        series: Series Instance UID to use instead of the best series.
        device: ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"cuda:N"``.
        progress: told how far the job is.

    Raises:
        InputError: the scan is refused; the message names the file and the cause.
        WeightsError: there are no such weights, or they are of another kind of network.

    Example:
        >>> segment_infarct("study/", "adn.safetensors").lesion.volume_ml()  # doctest: +SKIP
    """
    processor = choose_device(device)
    network, manifest = _network(model)
    scan = load_scan(path, series, within(progress, 0.0, 0.3))
    with naming(path):
        head = analyse_head(scan.volume)
        progress(0.6, "brain")
        given = manifest.input
        grid = centred_grid(scan.volume, head.brain.mask, given.spacing_mm, given.shape)
        on_grid = head_on_grid(scan.volume, head.brain.mask, grid)
        image = Volume(network_image(on_grid, "stripped", given.hu_range), grid.ijk_to_ras)
        maps = disentangled(network.to(processor.name), image)
    probability = resample(maps.pop(PROBABILITY), scan.volume, order=1, fill=0.0)
    lesion = (probability.data >= _THRESHOLD) & head.brain.mask
    progress(1.0, "infarct")
    return InfarctResult(
        ct=scan.volume,
        brain=head.brain,
        lesion=scan.volume.with_labels(lesion.astype(np.uint8)),
        probability=probability,
        maps=maps,
        weights=manifest,
        findings=(*scan.findings, *head.findings, _unvalidated(manifest)),
    )


def _network(model: str | Path) -> tuple[AsymmetryDisentanglementNetwork, WeightsManifest]:
    network, manifest = load_network(find_weights(model))
    if not isinstance(network, AsymmetryDisentanglementNetwork):
        raise WeightsError(
            f"{model} holds weights of {manifest.network.name}, which finds no infarcts; adn is expected "
            "(deepstroke-train asymmetry export writes such)",
            code="other-network",
        )
    return network, manifest


def _unvalidated(manifest: WeightsManifest) -> Finding:
    return Finding("research-model", f"the infarct is that of {manifest.name}, a research model that no one validated")
