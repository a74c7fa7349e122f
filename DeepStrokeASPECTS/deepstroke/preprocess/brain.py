"""Brain extraction from head CT by morphology, and the checks that go with it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepstroke.findings import Finding
from deepstroke.frames import Affine
from deepstroke.preprocess.asymmetry import largest_dark_area
from deepstroke.preprocess.cavity import Cavity, find_cavity
from deepstroke.preprocess.head_checks import findings_of, refuse_unfit, require_hounsfield_units
from deepstroke.preprocess.head_measures import HeadMeasures, measure_head
from deepstroke.preprocess.midsagittal import MidsagittalPlane, find_plane
from deepstroke.preprocess.refinement import refine
from deepstroke.volume import LabelMap, Volume


@dataclass(frozen=True, eq=False)
class HeadAnalysis:
    """The brain of a head CT and what was noticed about the head.

    Attributes:
        brain: 1 in the brain with its CSF, 0 elsewhere, on the scan's grid.
        plane: the mid-sagittal plane of the head.
        measures: what was measured.
        findings: what a reader of the result must know.
        cavity: the same brain and the skull on a coarse grid, for what needs no detail.
    """

    brain: LabelMap
    plane: MidsagittalPlane
    measures: HeadMeasures
    findings: tuple[Finding, ...]
    cavity: Cavity

    @property
    def brain_ml(self) -> float:
        """Volume of the brain with its CSF in ml."""
        return self.measures.brain_ml


def extract_brain(volume: Volume) -> LabelMap:
    """The brain of a head CT with its cerebrospinal fluid, up to the inner table, cut at the foramen magnum.

    Args:
        volume: HU on an orthogonal grid of any orientation and spacing.

    Returns:
        1 in the brain and 0 elsewhere, on the volume's grid.

    Raises:
        GeometryError, InputError: as ``analyse_head``.

    Example:
        >>> brain = extract_brain(read_volume("head.nii.gz"))
    """
    return analyse_head(volume).brain


def analyse_head(volume: Volume) -> HeadAnalysis:
    """Extract the brain of an adult's head CT, measure the head, and refuse what can't be read.

    Args:
        volume: HU on an orthogonal grid of any orientation and spacing.

    Raises:
        GeometryError: the voxel axes are sheared, or the volume is too small for a head.
        InputError: the values are not finite, all the same or no HU; or the scan shows no head, a phantom, a part of
            a brain, an infant, an open skull or contrast medium.
    """
    require_hounsfield_units(volume)
    upright = volume.reoriented_to_ras()
    cavity = find_cavity(upright)
    brain = refine(cavity, upright)
    measures = measure_head(cavity, brain, upright)
    refuse_unfit(measures)
    plane = find_plane(cavity)
    findings = findings_of(measures, largest_dark_area(cavity, plane))
    mask = _oriented_as(volume.ijk_to_ras, brain, upright.ijk_to_ras)
    return HeadAnalysis(volume.with_labels(mask), plane, measures, findings, cavity)


def _oriented_as(ijk_to_ras: Affine, data: NDArray, data_ijk_to_ras: Affine) -> NDArray:
    """Permute and flip an array's axes to point as those of another affine do."""
    from nibabel.orientations import apply_orientation, io_orientation, ornt_transform

    change = ornt_transform(io_orientation(data_ijk_to_ras), io_orientation(ijk_to_ras))
    return np.ascontiguousarray(apply_orientation(data, change))
