"""A small data set as ``curate`` makes them, and a network that reads its regions off their HU."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from deepstroke.frames import Affine
from deepstroke.networks import available, register
from deepstroke.nifti import write_nifti
from deepstroke.volume import LabelMap, Volume

#: HU of the head, of C on the left and of M1 on the right; no mixture of two of them looks like the third.
HEAD_HU, C_HU, M1_HU = 50, 10, 90
#: RAS+ mm: C lies left and in front, M1 right, behind and higher.
C_BOX = ((-34.0, 8.0, -20.0), (-10.0, 32.0, 0.0))
M1_BOX = ((10.0, -34.0, 4.0), (34.0, -6.0, 28.0))
_BRAIN_BOX = ((-42.0, -42.0, -38.0), (42.0, 42.0, 38.0))
_SHAPE = (64, 52, 32)


class HuReader(nn.Module):
    """Logits by the distance of a voxel's intensity from each class's own.

    Args:
        in_channels: 1.
        out_channels: classes of an unsided label map.
    """

    def __init__(self, in_channels: int = 1, out_channels: int = 11) -> None:
        super().__init__()
        means = torch.full((out_channels,), 100.0)
        means[0], means[1], means[5] = HEAD_HU / 100, C_HU / 100, M1_HU / 100
        self.means = nn.Parameter(means)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """(B, 1, i, j, k) to (B, K, i, j, k)."""
        return -((image - self.means.reshape(1, -1, 1, 1, 1)) ** 2)


def register_hu_reader() -> str:
    """Make the network known, and return its name."""
    if "hu_reader" not in available():
        register("hu_reader", HuReader)
    return "hu_reader"


def write_dataset(folder: Path, patients: Mapping[str, str]) -> Path:
    """Write the files of cases, each in another place and way up.

    Args:
        folder: of the data set.
        patients: the patient of each case.
    """
    for number, name in enumerate(patients):
        affine = _affine(number)
        head, labels, brain = _case(affine)
        stripped = np.where(brain, head, 0).astype(np.int16)
        images = {
            "raw_volumes": Volume(head, affine),
            "raw_segmentation": LabelMap(labels, affine),
            "stripped_volumes": Volume(stripped, affine),
            "registered_volumes": Volume(head, affine),  # all of it brain: 0 HU outside would look like C
            "registered_segmentation": LabelMap(labels, affine),
        }
        for place, volume in images.items():
            write_nifti(volume, folder / place / f"{name}.nii.gz")
    rows = "".join(f"{case},{patient}\n" for case, patient in patients.items())
    (folder / "cases.csv").write_text(f"case,patient\n{rows}")
    return folder


def _affine(number: int) -> Affine:
    """2 x 2.5 x 4 mm about the origin, the first two axes turned round in every other case."""
    turned = -1.0 if number % 2 == 0 else 1.0
    spacing = np.array([2.0 * turned, 2.5 * turned, 4.0])
    affine = np.diag([*spacing, 1.0])
    affine[:3, 3] = -spacing * (np.array(_SHAPE) - 1) / 2 + (number, -number, 2 * number)
    return affine


def _case(affine: Affine) -> tuple[NDArray[np.int16], NDArray[np.uint8], NDArray[np.bool_]]:
    ijk = np.stack(np.meshgrid(*[np.arange(n) for n in _SHAPE], indexing="ij"), axis=-1)
    ras = ijk @ affine[:3, :3].T + affine[:3, 3]
    brain, c, m1 = (((ras >= low) & (ras < high)).all(axis=-1) for low, high in (_BRAIN_BOX, C_BOX, M1_BOX))
    head = np.where(c, C_HU, np.where(m1, M1_HU, HEAD_HU)).astype(np.int16)
    return head, np.where(c, 1, np.where(m1, 15, 0)).astype(np.uint8), brain
