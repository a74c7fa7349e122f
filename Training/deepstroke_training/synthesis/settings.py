"""What can be set about a synthetic head: anatomy, pathology and acquisition, each with its unit and range."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

from deepstroke.regions import BY_ABBREVIATION, SIDES, Side
from deepstroke_training.synthesis.artefact_settings import ArtefactSettings
from deepstroke_training.synthesis.setting_checks import outside, refuse

Calcification = Literal["choroid", "pineal", "pallidum", "falx"]
FocalKind = Literal["acute", "old", "haemorrhage"]


@dataclass(frozen=True)
class AnatomySettings:
    """One person's head.

    Attributes:
        scale: size along right, anterior and superior relative to the template (whose brain is larger than life).
        warp_mm: standard deviation of the random displacement.
        fine_warp_mm: standard deviation of a second one, of half the wavelength.
        petalia_mm: how far the right frontal and the left occipital pole stand out (negative: the other two).
        atrophy: 0 (young, tight sulci) to 1 (wide sulci).
        ventricle_mm: how far the ventricles' walls are pushed out (negative: slit ventricles).
        ventricle_asymmetry_mm: how much further on one side (positive: left).
        leukoaraiosis_hu: loss of density of the white matter around the ventricles and in the centrum semiovale.
        sulci: 0..1, how strongly folds of this person's own are cut into the cortex.
        grey_hu: density of the cortex.
        contrast_hu: how much lower the white matter lies.
        csf_hu: density of the fluid.
        vault: thickness of the calvarium relative to the average adult.
        scalp: thickness of the scalp relative to the average adult.
        bone_hu: density of compact bone.
        frontal_sinus: whether there is one.
        calcifications: which structures hold chalk.
        craniectomy: side of a bone flap that is missing.
    """

    scale: tuple[float, float, float] = (0.91, 0.89, 0.90)
    warp_mm: float = 2.0
    fine_warp_mm: float = 0.0
    petalia_mm: float = 0.0
    atrophy: float = 0.4
    ventricle_mm: float = 1.0
    ventricle_asymmetry_mm: float = 0.0
    leukoaraiosis_hu: float = 3.0
    sulci: float = 0.9
    grey_hu: float = 37.0
    contrast_hu: float = 7.0
    csf_hu: float = 8.0
    vault: float = 1.0
    scalp: float = 1.0
    bone_hu: float = 1500.0
    frontal_sinus: bool = True
    calcifications: tuple[Calcification, ...] = ("choroid", "pineal")
    craniectomy: Side | None = None

    def __post_init__(self) -> None:
        faults = [f for s in self.scale for f in outside("scale", s, 0.6, 1.2)]
        faults += outside("warp_mm", self.warp_mm, 0, 5) + outside("atrophy", self.atrophy, 0, 1)
        faults += outside("fine_warp_mm", self.fine_warp_mm, 0, 1.5) + outside("petalia_mm", self.petalia_mm, -8, 8)
        faults += outside("ventricle_mm", self.ventricle_mm, -2, 8)
        faults += outside("vault", self.vault, 0.3, 2) + outside("scalp", self.scalp, 0.3, 2.5)
        faults += [f"unknown calcification {c!r}" for c in self.calcifications if c not in get_args(Calcification)]
        refuse("anatomy", faults)


@dataclass(frozen=True)
class AcuteInfarct:
    """Early ischemia of whole ASPECTS regions: low density and loss of the grey-white border.

    Attributes:
        side: the patient's side.
        regions: abbreviations such as ``"M2"``.
        drop_hu: how far grey matter falls (white matter falls less, so that their contrast goes).
        swelling_mm: how far its middle pushes the brain around it.
    """

    side: Side
    regions: tuple[str, ...]
    drop_hu: float = 7.0
    swelling_mm: float = 0.0

    def __post_init__(self) -> None:
        faults = [] if self.side in SIDES else [f"a side is left or right, found {self.side!r}"]
        faults += [f"unknown region {name!r}" for name in self.regions if name not in BY_ABBREVIATION]
        faults += [] if self.regions else ["no region given"]
        faults += outside("drop_hu", self.drop_hu, 0, 25) + outside("swelling_mm", self.swelling_mm, 0, 15)
        refuse("acute infarct", faults)


@dataclass(frozen=True)
class FocalLesion:
    """A lesion in a warped ellipsoid around a point; infarcts stay in the hemisphere of their centre.

    Attributes:
        kind: ``"acute"`` (early low density), ``"old"`` (a fluid-filled defect) or ``"haemorrhage"``.
        centre: template RAS+ mm.
        radius_mm: mean radius, in the template.
        stretch: radius along right, anterior and superior relative to the mean.
        drop_hu: of ``"acute"``.
        swelling_mm: how far it pushes the brain around it.
        outside_regions: whether it spares the ASPECTS regions, as an infarct of another artery does.
    """

    kind: FocalKind
    centre: tuple[float, float, float]
    radius_mm: float
    stretch: tuple[float, float, float] = (1.0, 1.0, 1.0)
    drop_hu: float = 7.0
    swelling_mm: float = 0.0
    outside_regions: bool = False

    def __post_init__(self) -> None:
        faults = outside("radius_mm", self.radius_mm, 1, 60) + outside("drop_hu", self.drop_hu, 0, 25)
        faults += [] if self.kind in get_args(FocalKind) else [f"unknown kind {self.kind!r}"]
        faults += [f for s in self.stretch for f in outside("stretch", s, 0.2, 3)]
        refuse("focal lesion", faults + outside("swelling_mm", self.swelling_mm, 0, 15))


@dataclass(frozen=True)
class HyperdenseArtery:
    """A clot in the first segment of the middle cerebral artery.

    Attributes:
        side: the patient's side.
        hu: density of the clot.
        radius_mm: of the artery.
    """

    side: Side
    hu: float = 62.0
    radius_mm: float = 1.8

    def __post_init__(self) -> None:
        faults = [] if self.side in SIDES else [f"a side is left or right, found {self.side!r}"]
        refuse("hyperdense artery", faults + outside("radius_mm", self.radius_mm, 0.5, 4))


Lesion = AcuteInfarct | FocalLesion | HyperdenseArtery


@dataclass(frozen=True)
class PathologySettings:
    """What is wrong with the brain: any number of lesions, laid over each other in this order."""

    lesions: tuple[Lesion, ...] = ()


@dataclass(frozen=True)
class AcquisitionSettings:
    """How the scanner sees the head.

    Attributes:
        matrix: pixels along a row and a column.
        pixel_mm: pixel size.
        thickness_mm: slice thickness, along the slice normal.
        step_mm: distance between neighbouring slices along the slice normal.
        upper_step_mm: the same above ``change_mm``, where the scan was made in two parts.
        change_mm: template z where the upper part begins.
        tilt_degrees: gantry tilt; positive: the slice planes rise towards the face, as with a raised chin.
        pitch_degrees: turn of the head about the right axis; positive: chin up.
        roll_degrees: turn about the anterior axis; positive: the right ear goes down.
        yaw_degrees: turn about the superior axis; positive: the face turns to the left.
        shift_mm: place of the head's centre in the scanner, RAS+ mm.
        field_shift_mm: place of the field of view's centre beside the head's, along right and anterior.
        bottom_mm: template z of the lowest slice's middle (about -70 at the foramen magnum).
        top_mm: template z of the highest slice's middle (about 90 above the vertex).
        noise_hu: standard deviation of the noise inside the brain, in a slice of this thickness.
        noise_wavelength_mm: where the noise has most of its power.
        kernel_mm: standard deviation of a soft kernel's blur in the plane.
        edge_gain: by how much a sharp kernel overdraws edges of about 1 mm.
        cupping_hu: brightening next to the skull by beam hardening.
        streak_hu: depth of the dark band between the petrous bones.
        render_mm: in-plane step at which anatomy is computed before it is brought to the matrix.
        head_rest: whether the rest is seen behind the head.
        rest_gap_mm: how much further back than usual it lies.
        enhancement_hu: how far contrast medium brightens the arteries; 0 in a plain scan.
    """

    matrix: int = 512
    pixel_mm: float = 0.45
    thickness_mm: float = 5.0
    step_mm: float = 5.0
    upper_step_mm: float | None = None
    change_mm: float = -15.0
    tilt_degrees: float = 0.0
    pitch_degrees: float = 0.0
    roll_degrees: float = 0.0
    yaw_degrees: float = 0.0
    shift_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    field_shift_mm: tuple[float, float] = (0.0, 0.0)
    bottom_mm: float = -76.0
    top_mm: float = 92.0
    noise_hu: float = 3.5
    noise_wavelength_mm: float = 3.3
    kernel_mm: float = 0.0
    edge_gain: float = 0.0
    cupping_hu: float = 3.5
    streak_hu: float = 6.0
    render_mm: float = 0.8
    head_rest: bool = True
    rest_gap_mm: float = 0.0
    enhancement_hu: float = 0.0

    def __post_init__(self) -> None:
        faults = outside("thickness_mm", self.thickness_mm, 0.3, 10) + outside("step_mm", self.step_mm, 0.3, 20)
        faults += outside("tilt_degrees", self.tilt_degrees, -30, 30) + outside("matrix", self.matrix, 32, 1024)
        faults += outside("pixel_mm", self.pixel_mm, 0.2, 8) + outside("render_mm", self.render_mm, 0.3, 4)
        faults += outside("kernel_mm", self.kernel_mm, 0, 3) + outside("edge_gain", self.edge_gain, 0, 3)
        if self.upper_step_mm is not None:
            faults += outside("upper_step_mm", self.upper_step_mm, 0.3, 20)
        faults += [] if self.bottom_mm < self.top_mm else ["bottom_mm must lie below top_mm"]
        refuse("acquisition", faults)


@dataclass(frozen=True)
class HeadSettings:
    """Everything about one case."""

    anatomy: AnatomySettings = field(default_factory=AnatomySettings)
    pathology: PathologySettings = field(default_factory=PathologySettings)
    acquisition: AcquisitionSettings = field(default_factory=AcquisitionSettings)
    artefacts: ArtefactSettings = field(default_factory=ArtefactSettings)
