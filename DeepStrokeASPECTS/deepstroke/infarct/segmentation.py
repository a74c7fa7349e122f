"""``deepstroke segment --model NAME``: a head CT in, the infarct and the asymmetry maps out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from deepstroke.devices import choose_device
from deepstroke.errors import WeightsError, naming
from deepstroke.findings import Finding
from deepstroke.infarct.maps import PROBABILITY, disentangled
from deepstroke.infarct.result import InfarctResult
from deepstroke.inference.preparation import centred_grid, head_on_grid, network_image
from deepstroke.inference.store import find_weights
from deepstroke.inference.weights import WeightsManifest, load_network
from deepstroke.loading import load_scan
from deepstroke.networks import AsymmetryDisentanglementNetwork
from deepstroke.preprocess.brain import analyse_head
from deepstroke.preprocess.resampling import resample
from deepstroke.progress import Progress, silent, within
from deepstroke.volume import Volume

_THRESHOLD = 0.5


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
        plane=head.plane,
        lesion=scan.volume.with_labels(lesion.astype(np.uint8)),
        probability=probability,
        maps=maps,
        weights=manifest,
        series=scan.facts,
        findings=(*_of_scan(scan.findings), *head.findings, _unvalidated(manifest)),
    )


def _of_scan(findings: tuple[Finding, ...]) -> Iterator[Finding]:
    """What was noticed while reading; DICOM objects, of which one code speaks, are never written here."""
    return (each for each in findings if each.code != "no-dicom-source")


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
