"""How a curation run works."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

from deepstroke.errors import ConfigError
from deepstroke.register.registration import Engine
from deepstroke.register.settings import AffineSettings, DiffeomorphicSettings, FastSettings

#: Which usable series become cases: every one, or the best of each study.
Selection = Literal["every", "best-of-study"]


@dataclass(frozen=True)
class ReviewLimits:
    """Figures beyond which a case is flagged for a look by a person, beside those of ``QualityLimits``.

    Attributes:
        least_jacobian: least Jacobian determinant of the deformation.
        most_overlay_mm: median distance of the overlay's points from the propagated outline.
    """

    least_jacobian: float = 0.05
    most_overlay_mm: float = 3.0


@dataclass(frozen=True)
class CurationSettings:
    """What a run does to every case; it is part of the journal's key.

    Attributes:
        atlas: name or folder of the atlas; the embedded one without a name.
        engine: of the registration.
        device: of the engine ``"fast"``; ``"cpu"`` gives the same bytes on every run.
        registration: settings of the engine ``"fast"``.
        second_pass: whether labels are refined by the overlay of a series that carries one.
        selection: which usable series become cases.
        review: which figures flag a case.
        reserve_mb: space that must stay free where the data set lies; below it the run stops.

    Raises:
        ConfigError: a value is not one of those allowed.
    """

    atlas: str | None = None
    engine: Engine = "fast"
    device: str = "cpu"
    registration: FastSettings = field(default_factory=FastSettings)
    second_pass: bool = True
    selection: Selection = "every"
    review: ReviewLimits = field(default_factory=ReviewLimits)
    reserve_mb: float = 500.0

    def __post_init__(self) -> None:
        faults = []
        if self.engine not in get_args(Engine):
            faults.append(f"engine is one of {', '.join(get_args(Engine))}, found {self.engine!r}")
        if self.selection not in get_args(Selection):
            faults.append(f"selection is one of {', '.join(get_args(Selection))}, found {self.selection!r}")
        if self.reserve_mb < 0:
            faults.append(f"reserve_mb is 0 or more, found {self.reserve_mb}")
        if faults:
            raise ConfigError("curation settings: " + "; ".join(faults), code="curation-settings")

    def as_dict(self) -> dict[str, Any]:
        """The settings that the results depend on, for JSON."""
        values = asdict(self)
        for operational in ("reserve_mb", "selection"):
            values.pop(operational)
        return values


def coarse_registration() -> FastSettings:
    """Settings that register in a few seconds at 4 mm, for trying a run out; too coarse for labels to train on."""
    return FastSettings(
        spacing_mm=4.0,
        affine=AffineSettings(yaw_degrees=(), roll_degrees=(), kept_starts=2, coarse_halvings=1, fine_halvings=0),
        diffeomorphic=DiffeomorphicSettings(halvings=(1, 0), iterations=(30, 15)),
    )
