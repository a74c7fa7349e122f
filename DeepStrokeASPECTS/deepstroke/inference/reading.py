"""From a network's grid to any points of a scan: labels, sides and probabilities where they are asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from deepstroke.frames import Affine
from deepstroke.inference.classes import is_sided, numbers_of
from deepstroke.inference.predict import Prediction
from deepstroke.inference.weights import WeightsOutput
from deepstroke.regions import SIDE_OFFSET
from deepstroke.volume import LabelMap, Volume

if TYPE_CHECKING:
    import torch
    from torch import Tensor

#: Points that are read at once, on a processor and on a GPU; bounds the memory.
_CHUNK = {"cpu": 1 << 18, "cuda": 1 << 22}
#: Further than this from the fitted mid-sagittal plane its side counts, mm; nearer, the side that the network sees,
#: which follows a midline that is pushed aside.
SURE_MM = 15.0


@dataclass(frozen=True, eq=False)
class ReadLabels:
    """What was read at points.

    Attributes:
        labels: uint8, 0 background, 1..10 left, 11..20 right.
        confidence: float32 0..1, the probability of the label.
    """

    labels: NDArray[np.uint8]
    confidence: NDArray[np.float32]


class LabelReader:
    """Reads a prediction between its voxels, each channel linearly interpolated.

    Args:
        prediction: what is read.
        output: of the weights' manifest: names, temperature.
        midline: (4,); its product with (x, y, z, 1) in RAS+ mm of the scan is the distance from the mid-sagittal plane
            in mm, above 0 on the right. It serves networks without sides and coordinates.

    Raises:
        WeightsError: the manifest's labels aren't regions.
    """

    def __init__(self, prediction: Prediction, output: WeightsOutput, midline: NDArray) -> None:
        import torch

        self.grid, self.temperature = prediction.grid, output.temperature
        logits = prediction.logits
        across = prediction.template_mm
        channels = logits if across is None else torch.cat([logits, across[:1]])
        #: (voxels, channels): one row is what a corner of a cell gives.
        self.table = channels.reshape(channels.shape[0], -1).T.contiguous()
        self.device, self.classes = logits.device, logits.shape[0]
        self.numbers = torch.tensor(numbers_of(output.labels), device=self.device)
        self.sided, self.sees_sides = is_sided(output.labels), across is not None
        fitted = midline if prediction.pose is None else prediction.pose.midline
        self.midline = np.asarray(fitted, dtype=np.float64)

    def read(self, points: NDArray, points_to_ras: Affine) -> ReadLabels:
        """The labels of points.

        Args:
            points: (N, 3), such as voxel indices.
            points_to_ras: 4 x 4 affine from them to RAS+ mm of the scan.
        """
        found = [self._chunk(chunk, points_to_ras) for chunk in self._chunks(points)]
        if not found:
            return ReadLabels(np.zeros(0, np.uint8), np.zeros(0, np.float32))
        labels, confidence = zip(*found, strict=True)
        return ReadLabels(np.concatenate(labels), np.concatenate(confidence))

    def read_labels(self, points: NDArray, points_to_ras: Affine) -> NDArray[np.uint8]:
        """The labels of points alone, which takes less time; see ``read``."""
        found = []
        for chunk in self._chunks(points):
            values, inside, across = self._values(chunk, points_to_ras)
            channel = values[:, : self.classes].argmax(dim=1)
            found.append(self._sided(channel, inside, across))
        return np.concatenate(found) if found else np.zeros(0, np.uint8)

    def probability_of(self, labels: NDArray[np.uint8], points: NDArray, points_to_ras: Affine) -> NDArray[np.float32]:
        """The probability of given labels (N,) at points (N, 3): that of their region, whatever the side."""
        import torch

        found, start = [], 0
        for chunk in self._chunks(points):
            values, inside, _ = self._values(chunk, points_to_ras)
            wanted = torch.as_tensor(labels[start : start + len(chunk)].astype(np.int64), device=self.device)
            start += len(chunk)
            if not self.sided:
                wanted = torch.where(wanted > SIDE_OFFSET["right"], wanted - SIDE_OFFSET["right"], wanted)
            channel = (self.numbers[None] == wanted[:, None]).int().argmax(dim=1, keepdim=True)
            chances = (values[:, : self.classes] / self.temperature).softmax(dim=1)
            found.append(torch.where(inside, chances.gather(1, channel)[:, 0], 0.0).cpu().numpy())
        return np.concatenate(found) if found else np.zeros(0, np.float32)

    def _chunk(self, points: NDArray, points_to_ras: Affine) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        import torch

        values, inside, across = self._values(points, points_to_ras)
        chance, channel = (values[:, : self.classes] / self.temperature).softmax(dim=1).max(dim=1)
        chance = torch.where(inside, chance, 0.0)
        return self._sided(channel, inside, across), chance.float().cpu().numpy()

    def _sided(self, channel: Tensor, inside: Tensor, across: Tensor) -> NDArray[np.uint8]:
        """The labels of channels: 0 off the grid, and the right side's numbers right of the midline."""
        import torch

        labels = torch.where(inside, self.numbers[channel], 0)
        if not self.sided:
            labels = labels + SIDE_OFFSET["right"] * ((labels > 0) & (across > 0))
        return labels.to(torch.uint8).cpu().numpy()

    def _values(self, points: NDArray, points_to_ras: Affine) -> tuple[Tensor, Tensor, Tensor]:
        """At (N, 3) points: all channels (N, C), whether they lie on the grid, and mm to the right of the midline."""
        import torch

        at = torch.as_tensor(np.asarray(points, dtype=np.float32), device=self.device)
        place = _moved(at, np.linalg.inv(self.grid.ijk_to_ras) @ points_to_ras)
        sizes = torch.tensor(self.grid.shape, device=self.device)
        inside = ((place >= -0.5) & (place <= sizes - 0.5)).all(dim=1)
        values = _interpolated(self.table, place, self.grid.shape)
        across = _moved(at, (self.midline @ points_to_ras)[None])[:, 0]
        if self.sees_sides:
            across = torch.where(across.abs() > SURE_MM, across, values[:, -1])
        return values, inside, across

    def _chunks(self, points: NDArray) -> Iterator[NDArray]:
        size = _CHUNK[self.device.type]
        return (points[start : start + size] for start in range(0, len(points), size))


def read_volume_labels(reader: LabelReader, reference: Volume, within: NDArray[np.bool_]) -> tuple[LabelMap, Volume]:
    """Labels and their probabilities on a scan's grid, a slab at a time.

    Args:
        reader: of the prediction.
        reference: whose grid is filled; it may be oblique, flipped, anisotropic or cropped.
        within: (i, j, k) bool; elsewhere both stay 0.
    """
    labels, confidence = np.zeros(reference.shape, np.uint8), np.zeros(reference.shape, np.float32)
    rows = max(_CHUNK[reader.device.type] // (reference.shape[1] * reference.shape[2]), 1)
    for start in range(0, reference.shape[0], rows):
        voxels = np.argwhere(within[start : start + rows])
        if len(voxels):
            voxels[:, 0] += start
            found = reader.read(voxels, reference.ijk_to_ras)
            labels[tuple(voxels.T)], confidence[tuple(voxels.T)] = found.labels, found.confidence
    return reference.with_labels(labels), reference.with_data(confidence)


def _moved(points: torch.Tensor, matrix: NDArray) -> Tensor:
    """(N, 3) points by the rows of an affine; the product is summed in 32 bits, whose error is far below a voxel."""
    import torch

    rows = torch.as_tensor(np.asarray(matrix[:3], dtype=np.float32), device=points.device)
    return torch.addmm(rows[:, 3], points, rows[:, :3].T)


def _interpolated(table: Tensor, place: Tensor, shape: tuple[int, int, int]) -> Tensor:
    """Rows of a table (voxels, C) at fractional voxel places (N, 3), linear; the border's values go on beyond it."""
    import torch
    from torch.nn.functional import embedding_bag

    last = torch.tensor(shape, device=place.device) - 1
    place = torch.minimum(place.clamp_min(0.0), last.float())
    low = torch.minimum(place.floor().long(), (last - 1).clamp_min(0))
    fraction = place - low
    sides = torch.stack([1.0 - fraction, fraction])
    steps = torch.minimum(torch.ones_like(last), last)
    rows, weights = [], []
    for i, j, k in ((i, j, k) for i in (0, 1) for j in (0, 1) for k in (0, 1)):
        at = low + steps * torch.tensor((i, j, k), device=place.device)
        rows.append((at[:, 0] * shape[1] + at[:, 1]) * shape[2] + at[:, 2])
        weights.append(sides[i, :, 0] * sides[j, :, 1] * sides[k, :, 2])
    corners, shares = torch.stack(rows, dim=1), torch.stack(weights, dim=1)
    return embedding_bag(corners, table, per_sample_weights=shares, mode="sum")
