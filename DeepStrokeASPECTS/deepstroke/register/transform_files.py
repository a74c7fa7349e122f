"""Transform files that ITK, ANTs, SimpleITK and 3D Slicer read: composite transforms in LPS+ mm.

``name.h5`` maps fixed points to moving ones, so that it resamples the moving image onto the fixed one;
``name-inverse.h5`` beside it maps back.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from deepstroke.errors import InputError
from deepstroke.frames import RAS_TO_LPS, Affine, as_affine
from deepstroke.nifti import atomic_path
from deepstroke.register.transform import DisplacementField, SpatialTransform, Step

if TYPE_CHECKING:
    import SimpleITK

_FLIP = np.array([-1.0, -1.0, 1.0])


def inverse_path(path: str | os.PathLike[str]) -> Path:
    """Where the inverse of the transform at ``path`` stands."""
    path = Path(path)
    return path.with_name(f"{path.stem}-inverse{path.suffix}")


def save(transform: SpatialTransform, path: str | os.PathLike[str]) -> None:
    """Write a transform and, beside it, its inverse (``inverse_path``) as ITK composite transforms.

    Args:
        transform: its quality and findings aren't kept in the files.
        path: ends in ``.h5``.

    Raises:
        InputError: the name doesn't end in ``.h5``, or the file can't be written.
    """
    if Path(path).suffix != ".h5":
        raise InputError(f"{path}: a transform's file name ends in .h5", code="file-type")
    for steps, target in ((transform.steps, Path(path)), (transform.inverse_steps, inverse_path(path))):
        with atomic_path(target) as temporary:
            _composite(steps).WriteTransform(str(temporary))


def load(path: str | os.PathLike[str]) -> SpatialTransform:
    """Read what ``save`` wrote; quality and findings aren't in the files.

    Raises:
        InputError: a file of the two is missing, damaged, or holds another kind of transform.
    """
    return SpatialTransform(_steps(Path(path)), _steps(inverse_path(path)), "file")


def _composite(steps: tuple[Step, ...]) -> SimpleITK.CompositeTransform:
    import SimpleITK

    composite = SimpleITK.CompositeTransform(3)
    # ITK applies what was added last first.
    for step in reversed(steps):
        composite.AddTransform(_itk_field(step) if isinstance(step, DisplacementField) else _itk_affine(step))
    return composite


def _itk_affine(ras_to_ras: np.ndarray) -> SimpleITK.AffineTransform:
    import SimpleITK

    lps = RAS_TO_LPS @ ras_to_ras @ RAS_TO_LPS
    affine = SimpleITK.AffineTransform(3)
    affine.SetMatrix(lps[:3, :3].ravel().tolist())
    affine.SetTranslation(lps[:3, 3].tolist())
    return affine


def _itk_field(displacement: DisplacementField) -> SimpleITK.DisplacementFieldTransform:
    import SimpleITK

    # SimpleITK indexes arrays k, j, i; ITK keeps displacements in double precision.
    vectors = (displacement.data * _FLIP).transpose(2, 1, 0, 3)
    image = SimpleITK.GetImageFromArray(np.ascontiguousarray(vectors, dtype=np.float64), isVector=True)
    lps = RAS_TO_LPS @ displacement.ijk_to_ras
    spacing = np.linalg.norm(lps[:3, :3], axis=0)
    image.SetSpacing(spacing.tolist())
    image.SetDirection((lps[:3, :3] / spacing).ravel().tolist())
    image.SetOrigin(lps[:3, 3].tolist())
    return SimpleITK.DisplacementFieldTransform(image)


def affine_from_itk(part: SimpleITK.Transform) -> Affine:
    """A linear ITK transform (LPS+ mm) as a 4 x 4 affine in RAS+ mm."""
    import SimpleITK

    # A linear map is known by where it sends the origin and the unit vectors.
    lps = np.eye(4)
    lps[:3, 3] = part.TransformPoint((0.0, 0.0, 0.0))
    if isinstance(part, SimpleITK.AffineTransform):
        lps[:3, :3] = np.reshape(part.GetMatrix(), (3, 3))
    else:
        lps[:3, :3] = np.stack(
            [np.array(part.TransformPoint(unit)) - lps[:3, 3] for unit in np.eye(3).tolist()], axis=1
        )
    return as_affine(RAS_TO_LPS @ lps @ RAS_TO_LPS)


def _steps(path: Path) -> tuple[Step, ...]:
    import SimpleITK

    if not path.is_file():
        raise InputError(
            f"{path}: no such transform file (a transform and its inverse stand side by side)", code="missing-file"
        )
    try:
        read = SimpleITK.ReadTransform(str(path))
    except RuntimeError as error:
        raise InputError(f"{path}: damaged or not an ITK transform", code="damaged-file") from error
    parts = [read]
    if read.GetTransformEnum() == SimpleITK.sitkComposite:
        composite = SimpleITK.CompositeTransform(read)
        parts = [composite.GetNthTransform(n) for n in range(composite.GetNumberOfTransforms())]
    return tuple(_step(part, path) for part in reversed(parts))


def _step(part: SimpleITK.Transform, path: Path) -> Step:
    import SimpleITK

    part = part.Downcast()
    if isinstance(part, SimpleITK.DisplacementFieldTransform):
        return field_from_itk(part.GetDisplacementField())
    if not part.IsLinear():
        raise InputError(
            f"{path}: expected affines and displacement fields, found {part.GetName()}", code="transform-kind"
        )
    return affine_from_itk(part)


def field_from_itk(image: SimpleITK.Image) -> DisplacementField:
    """A vector image of displacements in LPS+ mm as a displacement field in RAS+ mm."""
    import SimpleITK

    vectors = SimpleITK.GetArrayFromImage(image).transpose(2, 1, 0, 3) * _FLIP
    lps = np.eye(4)
    lps[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) * np.array(image.GetSpacing())
    lps[:3, 3] = image.GetOrigin()
    return DisplacementField(vectors.astype(np.float32), RAS_TO_LPS @ lps)
