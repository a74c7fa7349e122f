"""From a T1 image to what the networks see: N4, MNI152, skull strip, rescaling, equalisation and a crop."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from deepstroke.errors import ConfigError, MissingDependencyError, RegistrationError
from deepstroke.frames import RAS_TO_LPS
from deepstroke.progress import Progress, silent
from deepstroke.volume import LabelMap, Volume

if TYPE_CHECKING:
    import SimpleITK

Engine = Literal["simpleitk", "ants"]
_GREY_LEVELS = 256
#: The middle of the crop: between cerebellum and pons, MNI mm.
_MIDDLE_MM = (0.0, -48.0, -32.0)
_N4_ITERATIONS, _N4_SHRINK_TO_MM = (50, 50, 30), 4.0


@dataclass(frozen=True)
class PreparationSettings:
    """Which steps are taken, and where the crop lies.

    Attributes:
        bias_correction: N4.
        registration: affine, to the MNI152 average; without it the image must lie in MNI mm already.
        engine: of both: SimpleITK, or ANTs (``pip install "deepstroke[ants]"``).
        strip: leave only the brain of the average, grown by 3 mm.
        equalise: spread the histogram of what isn't 0 evenly.
        spacing_mm: of the isotropic result.
        shape: of the crop; the paper's 128 x 128 x 96 at 1 mm.
        origin_mm: MNI RAS mm of the crop's first voxel; none: the crop's middle lies between cerebellum and pons.

    Raises:
        ConfigError: spacing or shape are out of range; one fault a line.
    """

    bias_correction: bool = True
    registration: bool = True
    engine: Engine = "simpleitk"
    strip: bool = False
    equalise: bool = True
    spacing_mm: float = 1.0
    shape: tuple[int, int, int] = (128, 128, 96)
    origin_mm: tuple[float, float, float] | None = None

    def __post_init__(self) -> None:
        faults = []
        if self.engine not in ("simpleitk", "ants"):
            faults.append(f"engine: simpleitk or ants is expected, found {self.engine!r}")
        if not 0.5 <= self.spacing_mm <= 4:
            faults.append(f"spacing_mm: 0.5 to 4 is expected, found {self.spacing_mm}")
        if len(self.shape) != 3 or any(size < 16 or size % 16 for size in self.shape):
            faults.append(f"shape: three multiples of 16 are expected, found {self.shape}")
        if faults:
            raise ConfigError("\n".join(faults), code="cerebellum-settings")

    @classmethod
    def in_mni(cls, spacing_mm: float, strip: bool = False) -> PreparationSettings:
        """For images that lie in MNI mm already, with the paper's field of view of 128 x 128 x 96 mm."""
        i, j, k = (16 * max(1, round(extent / spacing_mm / 16)) for extent in (128, 128, 96))
        return cls(False, False, strip=strip, spacing_mm=spacing_mm, shape=(i, j, k))

    def grid(self) -> Volume:
        """The crop as an empty volume in MNI RAS mm."""
        affine = np.diag([self.spacing_mm] * 3 + [1.0])
        middle = np.array(_MIDDLE_MM) - self.spacing_mm * (np.array(self.shape) - 1) / 2
        affine[:3, 3] = middle if self.origin_mm is None else self.origin_mm
        return Volume(np.zeros(self.shape, np.uint8), affine)


@dataclass(frozen=True, eq=False)
class PreparedT1:
    """What the networks see, with the way back.

    Attributes:
        image: 0..1 on the crop's grid in MNI mm (the paper's 0..255, divided).
        labels: on the same grid, where labels were given.
        mni_to_image: 4 x 4, MNI RAS mm to RAS mm of the image that was prepared.
    """

    image: Volume
    labels: LabelMap | None
    mni_to_image: NDArray[np.float64]


def prepare(
    image: Volume,
    labels: LabelMap | None = None,
    settings: PreparationSettings | None = None,
    progress: Progress = silent,
) -> PreparedT1:
    """Prepare a T1 image, and labels on its grid where there are any.

    Args:
        image: T1 signal, 0 and more.
        labels: moved by nearest voxels.
        settings: which steps.
        progress: told which step is being taken.

    Raises:
        GeometryError: the labels lie on another grid.
        MissingDependencyError: nilearn (the average) or antspyx isn't installed.
        RegistrationError: the image can't be brought onto the average.
    """
    settings = settings or PreparationSettings()
    if labels is not None:
        image.require_same_grid(labels, "the label map")
    progress(0.0, "bias field")
    corrected = bias_corrected(image, settings.engine) if settings.bias_correction else image
    progress(0.4, "registration to MNI152")
    matrix = mni_to_image(corrected, settings.engine) if settings.registration else np.eye(4)
    progress(0.8, "intensities and crop")
    grid = settings.grid()
    signal = _sampled(corrected, matrix, mni_grid(settings.spacing_mm), 1)
    if settings.strip:
        signal = np.where(_brain_on(mni_grid(settings.spacing_mm)), signal, 0)
    grey = rescaled(signal)
    whole = mni_grid(settings.spacing_mm).with_data(equalised(grey) if settings.equalise else grey)
    cropped = _sampled(whole, np.eye(4), grid, 1) / (_GREY_LEVELS - 1)
    moved = None if labels is None else grid.with_labels(_sampled(labels, matrix, grid, 0))
    return PreparedT1(grid.with_data(cropped.astype(np.float32)), moved, matrix)


def bias_corrected(image: Volume, engine: Engine = "simpleitk") -> Volume:
    """The image divided by its bias field as N4 finds it (Tustison et al. 2010), on a coarser copy.

    Raises:
        MissingDependencyError: antspyx is wanted and isn't installed.
    """
    if engine == "ants":
        ants = _ants()
        corrected = ants.n4_bias_field_correction(_to_ants(image), shrink_factor=_shrink(image))
        return image.with_data(corrected.numpy())
    import SimpleITK

    whole = _to_sitk(image)
    coarse = SimpleITK.Shrink(whole, [_shrink(image)] * 3)
    n4 = SimpleITK.N4BiasFieldCorrectionImageFilter()
    n4.SetMaximumNumberOfIterations(list(_N4_ITERATIONS))
    n4.Execute(coarse, SimpleITK.OtsuThreshold(coarse, 0, 1, 200))
    field = SimpleITK.Exp(n4.GetLogBiasFieldAsImage(whole))
    return image.with_data(_from_sitk(whole / SimpleITK.Cast(field, whole.GetPixelID())))


def mni_to_image(image: Volume, engine: Engine = "simpleitk") -> NDArray[np.float64]:
    """The affine 4 x 4 that leads from MNI RAS mm to the image's RAS mm, found by mutual information.

    Raises:
        RegistrationError: no fit was found.
        MissingDependencyError: nilearn or antspyx isn't installed.
    """
    from deepstroke_training.cerebellum.synthetic_t1 import labelled_average

    average = labelled_average().head
    if engine == "ants":
        return _mni_to_image_by_ants(average, image)
    import SimpleITK

    fixed, moving = _to_sitk(average), _to_sitk(image)
    start = SimpleITK.CenteredTransformInitializer(
        fixed, moving, SimpleITK.AffineTransform(3), SimpleITK.CenteredTransformInitializerFilter.MOMENTS
    )
    method = SimpleITK.ImageRegistrationMethod()
    method.SetMetricAsMattesMutualInformation(32)
    method.SetMetricSamplingStrategy(method.REGULAR)
    method.SetMetricSamplingPercentage(0.1)
    method.SetInterpolator(SimpleITK.sitkLinear)
    method.SetOptimizerAsRegularStepGradientDescent(1.0, 1e-4, 150)
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetShrinkFactorsPerLevel([8, 4])
    method.SetSmoothingSigmasPerLevel([3, 1.5])
    method.SmoothingSigmasAreSpecifiedInPhysicalUnitsOn()
    method.SetInitialTransform(start, inPlace=False)
    try:
        found = method.Execute(fixed, moving)
    except RuntimeError as error:
        raise RegistrationError(f"the image can't be brought onto MNI152: {str(error).splitlines()[-1]}") from error
    return _matrix_of(found)


def rescaled(signal: NDArray) -> NDArray[np.float32]:
    """Signal from its least to its largest value as 0..255; one without contrast becomes 0."""
    low, high = float(signal.min()), float(signal.max())
    return ((signal - low) * ((_GREY_LEVELS - 1) / (high - low) if high > low else 0)).astype(np.float32)


def equalised(grey: NDArray) -> NDArray[np.float32]:
    """Grey levels 0..255 of which those above 0 are equally frequent; 0 stays 0."""
    levels = np.clip(np.rint(grey), 0, _GREY_LEVELS - 1).astype(np.intp)
    counts = np.bincount(levels.ravel(), minlength=_GREY_LEVELS).astype(np.float64)
    counts[0] = 0
    shares = counts.cumsum() / max(counts.sum(), 1.0)
    return (shares[levels] * (_GREY_LEVELS - 1)).astype(np.float32)


@cache
def mni_grid(spacing_mm: float) -> Volume:
    """The average's whole field of view at a spacing, empty."""
    from deepstroke_training.cerebellum.synthetic_t1 import SyntheticT1, labelled_average

    return SyntheticT1(max(spacing_mm, 1.0)).grid(labelled_average().head)


def _brain_on(grid: Volume) -> NDArray[np.bool_]:
    from deepstroke_training.cerebellum.synthetic_t1 import labelled_average

    average = labelled_average()
    brain = ndimage.binary_dilation(average.brain, iterations=3).astype(np.float32)
    return _sampled(average.head.with_data(brain), np.eye(4), grid, 1) > 0.5


def _sampled(image: Volume, grid_to_image: NDArray, grid: Volume, order: int) -> NDArray:
    """The image on a grid, whose RAS mm a matrix brings to the image's."""
    matrix = image.ras_to_ijk @ grid_to_image @ grid.ijk_to_ras
    data = image.data if order == 0 else image.data.astype(np.float32)
    return ndimage.affine_transform(data, matrix[:3, :3], matrix[:3, 3], grid.shape, order=order)


def _shrink(image: Volume) -> int:
    return max(1, int(_N4_SHRINK_TO_MM / max(image.spacing_mm)))


def _to_sitk(image: Volume) -> SimpleITK.Image:
    import SimpleITK

    lps = RAS_TO_LPS @ image.ijk_to_ras
    made = SimpleITK.GetImageFromArray(np.ascontiguousarray(image.data.astype(np.float32).T))
    made.SetSpacing(image.spacing_mm)
    made.SetOrigin(lps[:3, 3].tolist())
    made.SetDirection((lps[:3, :3] / np.array(image.spacing_mm)).ravel().tolist())
    return made


def _from_sitk(image: SimpleITK.Image) -> NDArray[np.float32]:
    import SimpleITK

    return np.ascontiguousarray(SimpleITK.GetArrayFromImage(image).T)


def _matrix_of(transform: SimpleITK.Transform) -> NDArray[np.float64]:
    """A linear transform of LPS points as a matrix of RAS points."""
    corners = [transform.TransformPoint(point) for point in np.vstack((np.zeros(3), np.eye(3))).tolist()]
    lps = np.eye(4)
    lps[:3, 3] = corners[0]
    lps[:3, :3] = (np.array(corners[1:]) - corners[0]).T
    return RAS_TO_LPS @ lps @ RAS_TO_LPS


def _ants():  # type: ignore[no-untyped-def]
    try:
        import ants
    except ImportError as error:
        raise MissingDependencyError("ANTs isn't installed: pip install 'deepstroke[ants]'") from error
    return ants


def _to_ants(image: Volume):  # type: ignore[no-untyped-def]
    lps = RAS_TO_LPS @ image.ijk_to_ras
    spacing = list(image.spacing_mm)
    direction = lps[:3, :3] / np.array(spacing)
    return _ants().from_numpy(image.data.astype(np.float32), lps[:3, 3].tolist(), spacing, direction)


def _mni_to_image_by_ants(average: Volume, image: Volume) -> NDArray[np.float64]:
    ants = _ants()
    found = ants.registration(_to_ants(average), _to_ants(image), type_of_transform="Affine")
    transform = ants.read_transform(found["fwdtransforms"][0])
    points = np.vstack((np.zeros(3), np.eye(3))).tolist()
    corners = np.array([ants.apply_ants_transform_to_point(transform, point) for point in points])
    lps = np.eye(4)
    lps[:3, 3] = corners[0]
    lps[:3, :3] = (corners[1:] - corners[0]).T
    return RAS_TO_LPS @ lps @ RAS_TO_LPS
