"""Levels, planes and thresholds of the atlas: every figure that a border depends on, once, in mm.

u is the distance from the midline; y and z are MNI152 millimetres. The contours stand in ``drawings``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from numpy.typing import NDArray


@dataclass(frozen=True)
class Levels:
    """Axial levels in mm of z.

    Attributes:
        lowest: lowest slice of M1-M3.
        ganglionic: the slice that stands for the ganglionic level.
        split: M1-M3, L, IC and I lie strictly below, M4-M6 strictly above; no voxel centre lies on it.
        supraganglionic: the slice that stands for the supraganglionic level.
        highest: highest slice of M4-M6.
    """

    lowest: float = -12.0
    ganglionic: float = 4.0
    split: float = 18.5
    supraganglionic: float = 24.0
    highest: float = 66.0


@dataclass(frozen=True)
class Signal:
    """T1 signal (0..1) and grey matter probability that tell tissues apart on the averages.

    Attributes:
        csf_below: T1 below this is CSF.
        choroid_below: T1 of the choroid plexus stays below this; it counts as ventricle.
        caudate_below: T1 of the caudate stays below this; the internal capsule is brighter.
        tissue_above: grey and white matter together at the edge of the brain, to which cortical regions reach.
        insula_grey_above: grey matter probability of the insular cortex.
    """

    csf_below: float = 0.53
    choroid_below: float = 0.62
    caudate_below: float = 0.765
    tissue_above: float = 0.4
    insula_grey_above: float = 0.75


@dataclass(frozen=True)
class Ray:
    """A vertical plane, drawn on an axial slice as a ray that runs laterally.

    Attributes:
        u, y: where it starts, mm.
        degrees: its turn towards the front, 0 straight lateral.
    """

    u: float
    y: float
    degrees: float

    def y_at(self, u: NDArray) -> NDArray:
        """y in mm of the ray at a distance u from the midline."""
        return self.y + math.tan(math.radians(self.degrees)) * (u - self.u)

    def ahead(self, u: NDArray, y: NDArray) -> NDArray:
        """How far in mm along y a point lies in front of the ray (negative: behind)."""
        return y - self.y_at(u)


@dataclass(frozen=True)
class TiltedPlane:
    """A plane between M4, M5 and M6 that leans back as it rises.

    Attributes:
        y: where it crosses the level split at ``at_u``, mm.
        at_u: distance from the midline at which ``y`` is given, mm.
        degrees: its turn towards the front on an axial slice, 0 straight lateral.
        back_per_mm: mm that it moves back per mm of height.
    """

    y: float
    at_u: float
    degrees: float
    back_per_mm: float

    def y_at(self, u: NDArray, z: NDArray) -> NDArray:
        """y in mm of the plane."""
        return self.y + math.tan(math.radians(self.degrees)) * (u - self.at_u) - self.back_per_mm * (z - LEVELS.split)


@dataclass(frozen=True)
class GanglionicPlan:
    """Borders of M1-M3 (mm).

    Attributes:
        aca: border to the ACA territory, from the tip of the frontal horn to the middle frontal gyrus.
        m1_m2: from the front of the insula along the horizontal ramus of the Sylvian fissure.
        m2_m3: from the back of the insula to the posterior third of the superior temporal gyrus.
        pca: border to the PCA territory, from the atrium to the lateral occipitotemporal cortex.
        m1_depth, m3_depth: how far M1 and M3 reach inwards from the edge of the brain; M2 reaches to the insula.
        opercular_u: medial border of M2 where no insula lies beside it.
        temporal_stem_u: the same in the temporal lobe, below ``temporal_stem_top_z``.
        temporal_stem_top_z: below this the mesial temporal lobe is kept out.
    """

    aca: Ray = Ray(20.0, 34.0, 50.0)
    m1_m2: Ray = Ray(30.0, 25.0, -6.0)
    m2_m3: Ray = Ray(35.0, -23.0, -18.0)
    pca: Ray = Ray(34.0, -50.0, -40.0)
    m1_depth: float = 22.0
    m3_depth: float = 27.0
    opercular_u: float = 35.0
    temporal_stem_u: float = 38.0
    temporal_stem_top_z: float = -4.0


@dataclass(frozen=True)
class SupraganglionicPlan:
    """Borders of M4-M6 (mm).

    Attributes:
        medial_u: medial border (ACA territory) at the level split and at the highest slice.
        frontal_from_y: in front of this the medial border turns outwards ...
        frontal_slope: ... by so many mm per mm.
        m4_m5: the precentral sulcus.
        m5_m6: the postcentral sulcus.
        pca: border to the PCA territory, the parieto-occipital cortex.
        depth_mm: how far the regions reach inwards from the edge of the brain.
    """

    medial_u: tuple[float, float] = (28.0, 18.0)
    frontal_from_y: float = 25.0
    frontal_slope: float = 0.25
    m4_m5: TiltedPlane = TiltedPlane(14.0, 45.0, -8.0, 0.30)
    m5_m6: TiltedPlane = TiltedPlane(-31.0, 45.0, -6.0, 0.12)
    pca: Ray = Ray(23.0, -62.0, -18.0)
    depth_mm: float = 30.0


@dataclass(frozen=True)
class TissueHounsfield:
    """HU of pure tissue on non-contrast CT at 120 kV."""

    grey: float = 37.0
    white: float = 28.0
    csf: float = 8.0


@dataclass(frozen=True)
class Rounding:
    """Sigma in mm of the Gaussian that rounds borders; a border lies where the smoothed mask passes one half.

    Attributes:
        nuclei: caudate, lentiform nucleus, thalamus and internal capsule.
        insula: the insular ribbon; the gyri of an average brain are nobody's.
        cortex: the outer borders of M1-M6, not the planes between them.
    """

    nuclei: float = 0.7
    insula: float = 1.5
    cortex: float = 2.0


LEVELS = Levels()
ROUNDING = Rounding()
GANGLIONIC = GanglionicPlan()
SUPRAGANGLIONIC = SupraganglionicPlan()
TISSUE_HU = TissueHounsfield()
SIGNAL = Signal()
