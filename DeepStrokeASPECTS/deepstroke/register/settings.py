"""How the engine ``fast`` runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from deepstroke.errors import ConfigError


@dataclass(frozen=True)
class AffineSettings:
    """How the affine stage searches.

    Attributes:
        pitch_degrees: extra starts, turned about the left-right axis.
        yaw_degrees: extra starts, turned about the superior-inferior axis.
        roll_degrees: extra starts, turned about the anterior-posterior axis.
        kept_starts: how many of the best starts are optimised.
        coarse_steps: most Gauss-Newton steps at the coarse level, for the similarity and for the affine each.
        fine_steps: most Gauss-Newton steps at the fine level.
        coarse_halvings: the coarse level has voxels ``2 ** coarse_halvings`` times those of the working image.
        fine_halvings: the same of the fine level.
        least_gain: a level ends when a step gains less NCC than this.
    """

    pitch_degrees: tuple[float, ...] = (-40.0, -20.0, 20.0, 40.0)
    yaw_degrees: tuple[float, ...] = (-30.0, 30.0, 90.0, 180.0, 270.0)
    roll_degrees: tuple[float, ...] = (-30.0, 30.0, 180.0)
    kept_starts: int = 6
    coarse_steps: int = 20
    fine_steps: int = 20
    coarse_halvings: int = 2
    fine_halvings: int = 1
    least_gain: float = 1e-5


@dataclass(frozen=True)
class DiffeomorphicSettings:
    """How the deformable stage runs; lengths are in voxels of the level at hand.

    The two sigmas and the step were chosen on synthetic pairs of known truth, easy and hard (``deepstroke-train bench
    registration``), and kept stiffer than what does best there (3 and 1): on an aged brain those make left and right
    regions of one kind differ by 40 %, these by 23 %.

    Attributes:
        halvings: levels from coarse to fine; a level's voxels are ``2 ** halvings`` times those of the images.
        iterations: of each level.
        radius: of the LNCC's cubes, voxels.
        variance_floor: added to local variances, HU squared.
        update_sigma: smoothing of each update, voxels.
        field_sigma: smoothing of the fields after each update, voxels.
        step: longest update of the two fields together, voxels.
        step_decay: share of the step that is gone at a level's end.
        mask_dilation: how far beyond the masks the images still pull, voxels.

    Raises:
        ConfigError: a value is out of its range.
    """

    halvings: tuple[int, ...] = (2, 1, 0)
    iterations: tuple[int, ...] = (100, 50, 10)
    radius: int = 2
    variance_floor: float = 10.0
    update_sigma: float = 2.0
    field_sigma: float = 1.4
    step: float = 1.0
    step_decay: float = 0.75
    mask_dilation: int = 2

    def __post_init__(self) -> None:
        faults = []
        if list(self.halvings) != sorted(self.halvings, reverse=True):
            faults.append(f"halvings from coarse to fine, found {self.halvings}")
        if len(self.halvings) != len(self.iterations) or not self.halvings:
            faults.append(f"one number of iterations a level, found {self.iterations} for {self.halvings}")
        if not all(0 <= halvings <= 2 for halvings in self.halvings) or min(self.iterations, default=0) < 0:
            faults.append(f"halvings 0..2 and iterations >= 0, found {self.halvings} and {self.iterations}")
        if self.radius < 1 or self.mask_dilation < 0:
            faults.append(f"radius >= 1 and mask_dilation >= 0, found {self.radius} and {self.mask_dilation}")
        if min(self.variance_floor, self.update_sigma, self.field_sigma, self.step) <= 0:
            faults.append("variance_floor, update_sigma, field_sigma and step > 0")
        if not 0 <= self.step_decay < 1:
            faults.append(f"step_decay in 0..1, found {self.step_decay}")
        if faults:
            raise ConfigError("registration settings: expected " + "; ".join(faults), code="registration-settings")

    def levels(self) -> Iterator[tuple[float, int, int]]:
        """For each level the share of the whole work done after it, its halvings and its iterations."""
        work = [n * 8.0**-h for n, h in zip(self.iterations, self.halvings, strict=True)]
        for level, (halvings, iterations) in enumerate(zip(self.halvings, self.iterations, strict=True)):
            yield sum(work[: level + 1]) / (sum(work) or 1.0), halvings, iterations


@dataclass(frozen=True)
class FastSettings:
    """How the engine ``fast`` runs.

    Attributes:
        spacing_mm: voxels of the grid on which the fields live.
        margin_mm: how far the matched box reaches beyond the brain.
        taper_mm: within this distance beyond the box the deformation fades to the affine.
        affine: the affine stage.
        diffeomorphic: the deformable stage.

    Raises:
        ConfigError: a length is out of its range.
    """

    spacing_mm: float = 2.0
    margin_mm: float = 8.0
    taper_mm: float = 24.0
    affine: AffineSettings = field(default_factory=AffineSettings)
    diffeomorphic: DiffeomorphicSettings = field(default_factory=DiffeomorphicSettings)

    def __post_init__(self) -> None:
        if self.spacing_mm <= 0 or self.margin_mm < 2 * self.spacing_mm or self.taper_mm < 0:
            raise ConfigError(
                "registration settings: expected spacing_mm > 0, margin_mm of two voxels or more and taper_mm >= 0, "
                f"found {self.spacing_mm:g}, {self.margin_mm:g} and {self.taper_mm:g}",
                code="registration-settings",
            )
