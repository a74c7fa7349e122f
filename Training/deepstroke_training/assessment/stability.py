"""Whether a network gives a scan the same regions when the scan is mirrored, turned, re-sliced, cut or made noisy.

There is no truth in this: each changed scan goes the whole way, brain extraction included, and its regions are read
back at the voxels of the scan as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from deepstroke.commands.console import table
from deepstroke.devices import choose_device
from deepstroke.errors import DeepStrokeError
from deepstroke.frames import Affine, apply_affine, corners
from deepstroke.inference import InferenceSettings, NetworkSegmenter, agreement_of, find_weights
from deepstroke.inference.cleanup import clean
from deepstroke.inference.reading import LabelReader, ReadLabels
from deepstroke.loading import AIR_HU, load_scan
from deepstroke.nifti import write_json
from deepstroke.preprocess.brain import HeadAnalysis, analyse_head
from deepstroke.preprocess.resampling import Grid, resample
from deepstroke.progress import Progress, silent
from deepstroke.regions import REGIONS, SIDE_OFFSET
from deepstroke.volume import LabelMap, Volume

_TURNS = {"pitch": "x", "roll": "y", "yaw": "z"}
_DEGREES, _CUT_MM, _SHIFT_MM = 15.0, 30.0, 12.0
_SLICE_MM = 5.0


@dataclass(frozen=True, eq=False)
class Changed:
    """A scan that was changed.

    Attributes:
        scan: as it is now, on an orthogonal grid.
        moved: 4 x 4, RAS+ mm of a point of the head before to after.
        mirrored: whether left and right of the head were exchanged.
    """

    scan: Volume
    moved: Affine
    mirrored: bool = False


@dataclass(frozen=True)
class StabilityFigure:
    """One changed scan.

    Attributes:
        scan, change: names.
        dice: mean over the twenty labels with the scan as it was; None where the network refused.
        least: the lowest of them.
        least_label: where that was.
        failure: why there is none.
    """

    scan: str
    change: str
    dice: float | None
    least: float | None = None
    least_label: int | None = None
    failure: str = ""


@dataclass(frozen=True)
class Stability:
    """All changed scans."""

    weights: str
    figures: tuple[StabilityFigure, ...]

    def table(self) -> str:
        """The figures as text."""
        rows = [
            [
                one.scan,
                one.change,
                *([one.failure, "-"] if one.dice is None else [f"{one.dice:.3f}", f"{one.least:.3f}"]),
            ]
            for one in self.figures
        ]
        return table(["scan", "change", "Dice with the first answer", "least region"], rows)

    def as_dict(self) -> dict[str, Any]:
        """The figures for JSON."""
        return {"weights": self.weights, "figures": [vars(one) for one in self.figures]}


def changes_of(scan: Volume, seed: int = 0) -> dict[str, Callable[[], Changed]]:
    """What is done to a scan, by name; each is done when it is called.

    Args:
        scan: HU on an orthogonal grid.
        seed: of the noise.
    """
    makers: dict[str, Callable[[], Changed]] = {"mirrored": partial(_mirrored, scan)}
    for name, axis in _TURNS.items():
        for degrees in (-_DEGREES, _DEGREES):
            makers[f"{name} {degrees:+g} degrees"] = partial(_turned, scan, axis, degrees)
    for name, axis in _TURNS.items():
        makers[f"re-sliced, {name} {_DEGREES:+g} degrees"] = partial(_resliced, scan, axis)
    for sd_hu in (3.0, 5.0):
        makers[f"noise of {sd_hu:g} HU"] = partial(_noisy, scan, sd_hu, seed)
    for hu in (-5.0, 5.0):
        makers[f"{hu:+g} HU"] = partial(_in_place, scan, hu)
    for side in ("base", "vertex"):
        makers[f"{side} cut by {_CUT_MM:g} mm"] = partial(_cut, scan, side)
    makers[f"shifted by {_SHIFT_MM:g} mm along each axis"] = partial(_shifted, scan)
    return makers


def measure_stability(
    scans: Sequence[Path],
    weights: str | Path | None = None,
    device: str = "cpu",
    flips: bool = True,
    changes: Sequence[str] | None = None,
    output: Path | None = None,
    progress: Progress = silent,
) -> Stability:
    """Change scans and compare the network's answers.

    Args:
        scans: DICOM folders, NIfTI or NRRD files.
        weights: name or file of the network's weights.
        device: where it computes.
        flips: whether the network also sees the mirrored head.
        changes: names of those that are made; all without it.
        output: a JSON file for the figures.
        progress: told after each change.

    Raises:
        InputError: a scan as it was is refused.
        WeightsError: the weights are missing or can't be used.
    """
    segmenter = NetworkSegmenter.load(find_weights(weights), choose_device(device), InferenceSettings(flips=flips))
    figures: list[StabilityFigure] = []
    for number, path in enumerate(scans):
        scan = load_scan(path).volume
        head = analyse_head(scan)
        first = _labels(segmenter, scan, head, scan, head.brain, np.eye(4))
        makers = {name: make for name, make in changes_of(scan).items() if changes is None or name in changes}
        for done, (name, make) in enumerate(makers.items(), start=1):
            dice = _dice(segmenter, make(), scan, head, first)
            figures.append(StabilityFigure(path.name, name, *dice))
            progress((number + done / len(makers)) / len(scans), f"{path.name}: {name}")
    found = Stability(segmenter.manifest.name, tuple(figures))
    if output is not None:
        write_json(found.as_dict(), output)
    return found


def _dice(
    segmenter: NetworkSegmenter, changed: Changed, scan: Volume, head: HeadAnalysis, first: LabelMap
) -> tuple[float | None, float | None, int | None, str]:
    """Mean and least Dice over the labels, which label has the least, and why there is none."""
    try:
        again = _labels(segmenter, changed.scan, analyse_head(changed.scan), scan, head.brain, changed.moved)
    except DeepStrokeError as error:
        return None, None, None, str(error)
    if changed.mirrored:
        again = again.with_labels(_sides_exchanged(again.data))
    seen = _seen(changed, scan)
    dice = agreement_of(again.with_labels(again.data * seen), first.with_labels(first.data * seen), limit=0.0).dice
    least = min(dice, key=dice.__getitem__)
    return round(float(np.mean(list(dice.values()))), 4), round(dice[least], 4), least, ""


def _labels(
    segmenter: NetworkSegmenter, scan: Volume, head: HeadAnalysis, onto: Volume, within: LabelMap, moved: Affine
) -> LabelMap:
    """The regions of one scan at the voxels of another that shows the same head."""
    prediction = segmenter.predict(scan, head.brain)
    midline = np.append(head.plane.normal, -head.plane.offset_mm)
    reader = LabelReader(prediction, segmenter.manifest.output, midline)
    voxels = np.argwhere(within.mask)
    found: ReadLabels = reader.read(voxels, moved @ onto.ijk_to_ras)
    labels = np.zeros(onto.shape, np.uint8)
    labels[tuple(voxels.T)] = found.labels
    return onto.with_labels(clean(labels, onto.voxel_ml).labels)


def _seen(changed: Changed, scan: Volume) -> NDArray[np.bool_]:
    """Which voxels of the scan the changed one still shows."""
    ijk = np.moveaxis(np.indices(scan.shape), 0, -1)
    place = changed.scan.ijk_of(apply_affine(changed.moved @ scan.ijk_to_ras, ijk))
    sizes = np.array(changed.scan.shape)
    return np.asarray(((place >= -0.5) & (place <= sizes - 0.5)).all(axis=-1))


def _mirrored(scan: Volume) -> Changed:
    mirror = np.diag([-1.0, 1.0, 1.0, 1.0])
    return Changed(Volume(scan.data, mirror @ scan.ijk_to_ras).reoriented_to_ras(), mirror, mirrored=True)


def _turned(scan: Volume, axis: str, degrees: float) -> Changed:
    """The head lies otherwise, slices and all."""
    moved = _rotation(scan, axis, degrees)
    return Changed(Volume(scan.data, moved @ scan.ijk_to_ras), moved)


def _resliced(scan: Volume, axis: str) -> Changed:
    """The head is turned and cut into new axial slices of 5 mm."""
    moved = _rotation(scan, axis, _DEGREES)
    turned = Volume(scan.data, moved @ scan.ijk_to_ras)
    places = corners(turned.shape, turned.ijk_to_ras)
    low, high = places.min(axis=0), places.max(axis=0)
    pixel = min(scan.spacing_mm)
    spacing = np.array([pixel, pixel, _SLICE_MM])
    i, j, k = np.ceil((high - low) / spacing).astype(int).tolist()
    ijk_to_ras = np.diag([*spacing, 1.0])
    ijk_to_ras[:3, 3] = low + spacing / 2.0
    return Changed(resample(turned, Grid((i, j, k), ijk_to_ras), order=1, fill=AIR_HU), moved)


def _noisy(scan: Volume, sd_hu: float, seed: int) -> Changed:
    noise = np.random.default_rng(seed).normal(0.0, sd_hu, scan.shape)
    return Changed(scan.with_data((scan.data + noise).astype(np.float32)), np.eye(4))


def _in_place(scan: Volume, hu: float) -> Changed:
    return Changed(scan.with_data((scan.data + hu).astype(np.float32)), np.eye(4))


def _cut(scan: Volume, side: str) -> Changed:
    """Without the lowest or the highest slices of the head."""
    head = np.flatnonzero((scan.data > 0).any(axis=(0, 1)))
    slices = max(round(_CUT_MM / scan.spacing_mm[2]), 1)
    first, last = int(head[0]), int(head[-1]) + 1
    kept = slice(first + slices, None) if side == "base" else slice(0, last - slices)
    ijk_to_ras = scan.ijk_to_ras.copy()
    ijk_to_ras[:3, 3] = scan.ras_of(np.array([0, 0, kept.start]))
    return Changed(Volume(scan.data[:, :, kept], ijk_to_ras), np.eye(4))


def _shifted(scan: Volume) -> Changed:
    moved = np.eye(4)
    moved[:3, 3] = (_SHIFT_MM, -_SHIFT_MM, _SHIFT_MM)
    return Changed(Volume(scan.data, moved @ scan.ijk_to_ras), moved)


def _rotation(scan: Volume, axis: str, degrees: float) -> Affine:
    """About an axis through the middle of the scan."""
    middle = scan.ras_of((np.array(scan.shape) - 1) / 2.0)
    moved = np.eye(4)
    moved[:3, :3] = Rotation.from_euler(axis, degrees, degrees=True).as_matrix()
    moved[:3, 3] = middle - moved[:3, :3] @ middle
    return moved


def _sides_exchanged(labels: NDArray) -> NDArray[np.uint8]:
    right, most = SIDE_OFFSET["right"], len(REGIONS)
    exchanged = np.where(labels > most, labels - right, np.where(labels > 0, labels + right, 0))
    return np.asarray(exchanged, dtype=np.uint8)
