"""Grey matter, white matter and CSF for the tissue-aware loss: from template priors, or by ANTs Atropos."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from deepstroke.errors import InputError, MissingDependencyError

GREY, WHITE, CSF = 1, 2, 3
_ATROPOS_ORDER = (CSF, WHITE, GREY)  # k-means numbers classes from the darkest: on CT CSF, white, grey matter
_LEAST_PRIOR = 0.3


def tissues_from_priors(template_mm: NDArray, brain: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """The likeliest tissue of each voxel by nilearn's MNI152 maps.

    Args:
        template_mm: (3, i, j, k) where each voxel lies in MNI RAS mm.
        brain: (i, j, k), outside of which nothing is.

    Returns:
        (i, j, k) 0 outside, 1 grey matter, 2 white matter, 3 CSF.

    Raises:
        MissingDependencyError: nilearn is not installed.
    """
    from scipy import ndimage

    grey, white = _prior_maps()
    places = np.linalg.inv(np.asarray(grey.affine)) @ np.vstack((template_mm.reshape(3, -1), np.ones(brain.size)))
    of_grey, of_white = (
        ndimage.map_coordinates(np.asarray(each.get_fdata(), np.float32), places[:3], order=1).reshape(brain.shape)
        for each in (grey, white)
    )
    solid = np.maximum(of_grey, of_white) > _LEAST_PRIOR
    tissue = np.where(solid, np.where(of_grey >= of_white, GREY, WHITE), CSF)
    return np.where(brain, tissue, 0).astype(np.uint8)


def tissues_by_atropos(
    hu: NDArray, brain: NDArray[np.bool_], spacing_mm: tuple[float, float, float]
) -> NDArray[np.uint8]:
    """Three classes of HU within the brain by ANTs Atropos (Avants et al. 2011), ordered by density.

    Args:
        hu: (i, j, k).
        brain: (i, j, k).
        spacing_mm: voxel size.

    Returns:
        As ``tissues_from_priors``.

    Raises:
        MissingDependencyError: antspyx is not installed.
        InputError: the brain is empty or of fewer than three densities.
    """
    try:
        import ants
    except ImportError as error:
        raise MissingDependencyError("Atropos needs ANTs: pip install 'deepstroke[ants]'") from error
    if len(np.unique(hu[brain])) < len(_ATROPOS_ORDER):
        raise InputError(
            "three tissues can't be told apart: the brain is empty or has fewer than three densities", code="tissue"
        )
    image, mask = (ants.from_numpy(each.astype(np.float32), spacing=list(spacing_mm)) for each in (hu, brain))
    found = ants.atropos(image, mask, i="kmeans[3]", m="[0.2,1x1x1]")["segmentation"].numpy()
    classes = np.rint(found).astype(np.intp)
    means = [hu[classes == number].mean() if (classes == number).any() else np.inf for number in (1, 2, 3)]
    lookup = np.zeros(4, np.uint8)
    lookup[np.argsort(means) + 1] = _ATROPOS_ORDER
    return lookup[classes]


def _prior_maps():  # type: ignore[no-untyped-def]  # nilearn has no types
    try:
        from nilearn import datasets
    except ImportError as error:
        raise MissingDependencyError("nilearn holds the MNI152 maps: pip install 'deepstroke[train]'") from error
    return datasets.load_mni152_gm_template(resolution=1), datasets.load_mni152_wm_template(resolution=1)
