"""What the engines of other projects have in common: ITK images in LPS+, and fields and affines read back."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from deepstroke.errors import MissingDependencyError
from deepstroke.frames import RAS_TO_LPS, Affine, as_affine
from deepstroke.register.transform import DisplacementField, SpatialTransform
from deepstroke.register.transform_files import field_from_itk
from deepstroke.register.working_image import WorkingImage

if TYPE_CHECKING:
    import SimpleITK


def require_package(name: str, extra: str, engine: str) -> None:
    """Raise MissingDependencyError, with the way to install it, unless a package can be imported."""
    if importlib.util.find_spec(name) is None:
        raise MissingDependencyError(
            f"the engine {engine!r} needs the package {name}: pip install 'deepstroke[{extra}]', "
            "or use the engine 'fast'",
            code="missing-package",
        )


def itk_image(image: WorkingImage) -> SimpleITK.Image:
    """A working image as float32 ITK image in LPS+ mm."""
    import SimpleITK

    ijk_to_lps = RAS_TO_LPS @ image.ijk_to_ras
    spacing = np.linalg.norm(ijk_to_lps[:3, :3], axis=0)
    # SimpleITK indexes arrays k, j, i.
    itk = SimpleITK.GetImageFromArray(np.ascontiguousarray(image.data.transpose(2, 1, 0), dtype=np.float32))
    itk.SetSpacing(spacing.tolist())
    itk.SetDirection((ijk_to_lps[:3, :3] / spacing).ravel().tolist())
    itk.SetOrigin(ijk_to_lps[:3, 3].tolist())
    return itk


def peer_transform(
    warp: SimpleITK.Image, inverse_warp: SimpleITK.Image, fixed_to_moving: NDArray[np.float64], engine: str
) -> SpatialTransform:
    """The transform of an engine that warps on the fixed grid and then applies an affine.

    Args:
        warp: displacements in LPS+ mm on the fixed grid.
        inverse_warp: the displacements back, on the same grid.
        fixed_to_moving: 4 x 4 affine, fixed RAS+ mm to moving RAS+ mm.
        engine: its name in the result.
    """
    affine: Affine = as_affine(fixed_to_moving)
    there: DisplacementField = field_from_itk(warp)
    back: DisplacementField = field_from_itk(inverse_warp)
    return SpatialTransform((there, affine), (as_affine(np.linalg.inv(affine)), back), engine)
