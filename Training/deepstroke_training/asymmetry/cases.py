"""Cases of the comparison: synthetic strokes with known pose and tissue, or AISD."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from deepstroke.errors import InputError
from deepstroke.networks import InPlanePose
from deepstroke.progress import Progress, silent
from deepstroke_training.asymmetry.losses import TissueMaps, aligned_mask
from deepstroke_training.asymmetry.settings import AsymmetrySettings
from deepstroke_training.asymmetry.tissues import CSF, GREY, WHITE, tissues_by_atropos, tissues_from_priors
from deepstroke_training.synthesis.settings import AcuteInfarct, FocalLesion, PathologySettings

#: HU that become 0 and 1.
WINDOW_HU = (0.0, 80.0)
_IMAGES, _MASKS = "image", "mask"
#: In AISD's folder: scan, i, j, k, for PNG files don't state the size of their voxels.
_SPACINGS = "spacing.csv"
#: What AISD is resampled to, as in the paper.
AISD_SPACING_MM, AISD_SHAPE = (1.2, 1.2, 5.0), (256, 256, 40)


@dataclass(frozen=True, eq=False)
class StrokeCase:
    """A skull-stripped head on its grid, i being left-right.

    Attributes:
        image: (i, j, k), 0..1.
        lesion: (i, j, k) of 0 and 1.
        tissue: (i, j, k) 0 outside, 1 grey, 2 white matter, 3 CSF.
        spacing_mm: voxel size.
        midplane: angle in radians and offset in mm of the mid-sagittal plane where it is known: see ``midplane_of``.
        pose: angle in radians, and shifts in voxels along i and j, that align it, once found; see ``posing``.
    """

    image: NDArray[np.float32]
    lesion: NDArray[np.uint8]
    tissue: NDArray[np.uint8]
    spacing_mm: tuple[float, float, float]
    midplane: tuple[float, float] | None = None
    pose: tuple[float, float, float] | None = None


@dataclass(frozen=True, eq=False)
class StrokeBatch:
    """Cases as tensors (B, 1, i, j, k).

    Attributes:
        image, lesion, tissue: as in ``StrokeCase``.
        pose: that aligns them; no motion where it hasn't been found.
    """

    image: Tensor
    lesion: Tensor
    tissue: Tensor
    pose: InPlanePose

    @staticmethod
    def of(cases: list[StrokeCase]) -> StrokeBatch:
        """A batch of cases of one shape."""
        image, lesion, tissue = (
            torch.stack([torch.from_numpy(np.ascontiguousarray(getattr(case, name))) for case in cases])[:, None]
            for name in ("image", "lesion", "tissue")
        )
        numbers = torch.tensor([case.pose or (0.0, 0.0, 0.0) for case in cases], dtype=torch.float64)
        return StrokeBatch(image.float(), lesion.float(), tissue, InPlanePose.of(numbers[:, 0], numbers[:, 1:]))

    def tissue_maps(self) -> TissueMaps:
        """The tissues on the aligned grid, lesions left out."""
        healthy = 1 - aligned_mask(self.lesion, self.pose)
        grey, white, csf = (aligned_mask(self.tissue == number, self.pose) * healthy for number in (GREY, WHITE, CSF))
        return TissueMaps(grey, white, csf)


def make_cases(settings: AsymmetrySettings, progress: Progress = silent) -> list[StrokeCase]:
    """All cases that settings name, the training ones first.

    Raises:
        InputError: AISD is missing or has too few scans.
    """
    count = settings.training_cases + settings.test_cases
    return read_aisd(settings.aisd, count) if settings.aisd else synthetic_strokes(settings, count, progress)


def synthetic_strokes(settings: AsymmetrySettings, count: int, progress: Progress = silent) -> list[StrokeCase]:
    """Synthetic heads with an acute infarct and anatomical asymmetry; heads without one are passed over.

    Raises:
        InputError: too few of many heads have an infarct.
    """
    from deepstroke_training.synthesis.pathology import LesionLabel
    from deepstroke_training.synthesis.random_fields import stream_seed
    from deepstroke_training.synthesis.sampling import draw_settings
    from deepstroke_training.synthesis.training_source import TrainingSource

    most = 20 * count
    times = settings.supersampling
    i, j, k = (times * size for size in settings.shape)
    source = TrainingSource(most, settings.seed, settings.spacing_mm / times, (i, j, k))
    cases: list[StrokeCase] = []
    for number in range(most):
        seed = stream_seed(settings.seed, f"stroke/{number}") >> 16
        drawn = draw_settings(seed)
        if not _has_acute_infarct(drawn.pathology):
            continue
        sample = source.make(seed, drawn)
        lesion = (sample.lesions == LesionLabel.ACUTE_INFARCT).numpy()
        case = _case_of(sample.image[0].numpy(), lesion, sample.brain.numpy(), sample.template_mm, settings)
        if case.lesion.any():  # and the slices cover it
            cases.append(case)
            progress(len(cases) / count, f"head {len(cases)} of {count}")
        if len(cases) == count:
            return cases
    raise InputError(f"only {len(cases)} of {most} synthetic heads have an acute infarct", code="too-few-cases")


def _has_acute_infarct(pathology: PathologySettings) -> bool:
    return any(
        isinstance(lesion, AcuteInfarct) or (isinstance(lesion, FocalLesion) and lesion.kind == "acute")
        for lesion in pathology.lesions
    )


def _case_of(
    hu: NDArray, lesion: NDArray, brain: NDArray, template_mm: Tensor, settings: AsymmetrySettings
) -> StrokeCase:
    times = settings.supersampling
    places = np.stack([averaged(axis, times) for axis in template_mm.numpy()])
    coarse_brain = averaged(brain, times) >= 0.5
    return StrokeCase(
        image=averaged(shown(hu, brain), times),
        lesion=(averaged(lesion, times) >= 0.5).astype(np.uint8),
        tissue=tissues_from_priors(places, coarse_brain),
        spacing_mm=(settings.spacing_mm,) * 3,
        midplane=fitted_midplane(places[0], coarse_brain, settings.spacing_mm),
    )


def averaged(volume: NDArray, times: int) -> NDArray[np.float32]:
    """Means of blocks of so many voxels along each axis of (i, j, k), whose sizes they divide."""
    i, j, k = (size // times for size in volume.shape)
    return volume.astype(np.float32).reshape(i, times, j, times, k, times).mean(axis=(1, 3, 5))


def shown(hu: NDArray, brain: NDArray[np.bool_]) -> NDArray[np.float32]:
    """HU within the window as 0..1, 0 outside the brain."""
    low, high = WINDOW_HU
    return np.where(brain, np.clip((hu - low) / (high - low), 0, 1), 0).astype(np.float32)


def fitted_midplane(template_x: NDArray, brain: NDArray[np.bool_], spacing_mm: float) -> tuple[float, float]:
    """Angle in radians and offset in mm of the plane x = 0 of the template, by least squares over the brain.

    Args:
        template_x: (i, j, k) mm.
        brain: where it is fitted.
        spacing_mm: of an isotropic grid.
    """
    at = (np.argwhere(brain) - (np.array(brain.shape) - 1) / 2) * spacing_mm
    (a, b, _, start), *_ = np.linalg.lstsq(np.column_stack((at, np.ones(len(at)))), template_x[brain], rcond=None)
    return float(np.arctan2(b, a)), float(-start / np.hypot(a, b))


def midplane_of(pose: InPlanePose, spacing_mm: float) -> list[tuple[float, float]]:
    """Angle in radians and offset in mm of each pose's mid-sagittal plane.

    The plane's normal points from the volume's centre at the angle from i towards j, and is as long as the offset.
    """
    normal = pose.aligned_to_input[:, :2, 0]
    offset = (normal * pose.translation).sum(1) * spacing_mm
    return list(zip(pose.angle_rad.tolist(), offset.tolist(), strict=True))


def read_aisd(folder: Path, count: int) -> list[StrokeCase]:
    """Scans of AISD (Liang et al. 2021) on the paper's grid of 256 x 256 x 40 voxels of 1.2 x 1.2 x 5 mm.

    ``image/<scan>/*.png`` and ``mask/<scan>/*.png`` hold slices from below, right on the left as in a viewer; grey
    values 0..255 span the window, and what isn't 0 is brain; whatever a mask marks is lesion. ``spacing.csv`` with the
    columns scan, i, j, k tells the size of voxels in mm.

    Raises:
        InputError: the data set is missing or not laid out so, or has too few scans; the message says where to get it.
    """
    missing = [name for name in (_IMAGES, _MASKS, _SPACINGS) if not (folder / name).exists()]
    if missing:
        raise InputError(
            f"{folder} holds no AISD data set: {', '.join(missing)} is missing; folders {_IMAGES} and {_MASKS} with a "
            f"folder of PNG slices a scan and {_SPACINGS} (scan,i,j,k in mm) are expected; ask for the data at "
            "https://github.com/GriffinLiang/AISD",
            code="missing-dataset",
        )
    with (folder / _SPACINGS).open(newline="", encoding="utf-8") as stream:
        spacings = {row["scan"]: (float(row["i"]), float(row["j"]), float(row["k"])) for row in csv.DictReader(stream)}
    names = sorted(spacings)
    if len(names) < count:
        raise InputError(
            f"{folder / _SPACINGS} lists {len(names)} scans, the settings want {count}", code="too-few-cases"
        )
    return [_aisd_case(folder, name, spacings[name]) for name in names[:count]]


def _aisd_case(folder: Path, name: str, spacing_mm: tuple[float, float, float]) -> StrokeCase:
    image, mask = (_slices(folder / kind / name) for kind in (_IMAGES, _MASKS))
    if image.shape != mask.shape:
        where = folder / _MASKS / name
        raise InputError(f"{where} has shape {mask.shape}, its image {image.shape}", code="grid-mismatch")
    shown_image = resized(image / np.float32(255), spacing_mm)
    lesion = resized((mask > 0).astype(np.float32), spacing_mm) >= 0.5
    tissue = tissues_by_atropos(shown_image, shown_image > 0, AISD_SPACING_MM)
    return StrokeCase(shown_image, lesion.astype(np.uint8), tissue, AISD_SPACING_MM)


def resized(image: NDArray[np.float32], spacing_mm: tuple[float, float, float]) -> NDArray[np.float32]:
    """An image (i, j, k) about its middle on the grid of ``AISD_SHAPE`` and ``AISD_SPACING_MM``, linearly."""
    ratio = np.array(AISD_SPACING_MM) / np.array(spacing_mm)
    offset = (np.array(image.shape) - 1) / 2 - ratio * (np.array(AISD_SHAPE) - 1) / 2
    return ndimage.affine_transform(image.astype(np.float32), np.diag(ratio), offset, AISD_SHAPE, order=1)


def _slices(folder: Path) -> NDArray[np.uint8]:
    """PNG slices as (i, j, k), i from left to right of the patient and j from back to front."""
    from PIL import Image

    paths = sorted(folder.glob("*.png"))
    if not paths:
        raise InputError(f"{folder} holds no PNG slices", code="missing-dataset")
    stack = np.stack([np.asarray(Image.open(path).convert("L")) for path in paths], axis=-1)
    return stack.transpose(1, 0, 2)[::-1, ::-1]
