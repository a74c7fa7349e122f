"""Pictures of the atlas: axial montages with contours on the CT-like template and on T1, coronal and sagittal cuts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from deepstroke.nifti import atomic_path
from deepstroke.regions import REGIONS, SIDED_REGIONS
from deepstroke.volume import LabelMap, Volume
from deepstroke_training.atlas_authoring import frame
from deepstroke_training.atlas_authoring.labelling import sided_labels
from deepstroke_training.atlas_authoring.mni import load_maps
from deepstroke_training.atlas_authoring.tissues import hemisphere_tissues

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Cut = Literal["axial", "coronal", "sagittal"]

AXIAL_MM = tuple(range(-12, 68, 4))
CORONAL_MM = tuple(range(-60, 52, 8))
SAGITTAL_MM = (14, 20, 26, 32, 38, 44, 50, 58)
_NORMAL_AXIS: dict[Cut, int] = {"sagittal": 0, "coronal": 1, "axial": 2}
#: HU for the template, T1 signal for the average.
_CT_WINDOW, _T1_WINDOW = (0.0, 50.0), (0.3, 0.95)


def render(folder: Path) -> list[Path]:
    """Write the montages as PNG and return their paths.

    Args:
        folder: where they go; made if absent.

    Raises:
        MissingDependencyError: nilearn is not installed.
        InputError: the folder can't be written.

    Example:
        >>> render(Path("pictures"))  # doctest: +SKIP
    """
    affine = frame.ijk_to_ras()
    template = Volume(frame.mirrored(hemisphere_tissues().hounsfield()), affine)
    t1 = Volume(frame.mirrored(load_maps().t1), affine)
    labels = sided_labels()
    planned: tuple[tuple[str, Volume, tuple[float, float], Cut, tuple[int, ...]], ...] = (
        ("axial-ct.png", template, _CT_WINDOW, "axial", AXIAL_MM),
        ("axial-t1.png", t1, _T1_WINDOW, "axial", AXIAL_MM),
        ("coronal-t1.png", t1, _T1_WINDOW, "coronal", CORONAL_MM),
        ("sagittal-t1.png", t1, _T1_WINDOW, "sagittal", SAGITTAL_MM),
    )
    return [
        montage(image, labels, folder / name, cut=cut, places_mm=places, window=window)
        for name, image, window, cut, places in planned
    ]


def montage(
    image: Volume,
    labels: LabelMap,
    path: Path,
    cut: Cut,
    places_mm: tuple[int, ...],
    window: tuple[float, float],
) -> Path:
    """One picture of slices with the regions' contours, the patient's left on the right, as radiologists view.

    Args:
        image: on the atlas grid.
        labels: sided regions on the same grid.
        path: the PNG.
        cut: which way the slices run.
        places_mm: where they lie along their normal.
        window: lowest and highest value shown.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    columns = 5
    rows = -(-len(places_mm) // columns)
    figure = Figure(figsize=(3.2 * columns, 3.6 * rows + 0.5), facecolor="black")
    FigureCanvasAgg(figure)
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in grid:
        axes.set_axis_off()
    for axes, place in zip(grid, places_mm, strict=False):
        _draw(axes, image, labels, cut, place, window)
    figure.subplots_adjust(0, 0.04, 1, 0.97, 0.02, 0.06)
    _legend(figure)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=100, facecolor="black")
    return path


def _draw(axes: Axes, image: Volume, labels: LabelMap, cut: Cut, place_mm: int, window: tuple[float, float]) -> None:
    axis = _NORMAL_AXIS[cut]
    index = round(place_mm - image.ijk_to_ras[axis, 3])
    grey, regions = (_as_viewed(volume.data, axis, index) for volume in (image, labels))
    axes.imshow(grey, cmap="gray", vmin=window[0], vmax=window[1], interpolation="nearest")
    for label, (region, _) in enumerate(SIDED_REGIONS, start=1):
        if (regions == label).any():
            colour = tuple(channel / 255 for channel in region.colour)
            axes.contour(regions == label, levels=[0.5], colors=[colour], linewidths=1.0)
    axes.set_title(f"{'xyz'[axis]} = {place_mm} mm", color="white", fontsize=8, pad=2)
    for text, across in (("R", 0.03), ("L", 0.93)) if cut != "sagittal" else ():
        axes.text(across, 0.03, text, color="white", fontsize=8, transform=axes.transAxes)


def _as_viewed(data: NDArray, axis: int, index: int) -> NDArray:
    """A slice with superior or anterior up and the patient's left (or the front) on the right."""
    plane = np.take(data, index, axis=axis)
    if axis != 0:
        plane = plane[::-1]
    return plane.T[::-1]


def _legend(figure: object) -> None:
    from matplotlib.patches import Patch

    handles = [
        Patch(color=tuple(channel / 255 for channel in region.colour), label=region.abbreviation) for region in REGIONS
    ]
    figure.legend(  # type: ignore[attr-defined]
        handles=handles,
        loc="lower center",
        ncols=10,
        frameon=False,
        fontsize=9,
        labelcolor="white",
    )
