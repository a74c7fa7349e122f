"""How good a case is, in figures, and which of them ask for a look by a person."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepstroke.findings import Finding
from deepstroke.register.quality import RegistrationQuality
from deepstroke_training.curation.settings import ReviewLimits

#: Findings of earlier stages after which a person should look at the labels.
REVIEWED_FINDINGS = frozenset(
    {
        "doubtful-registration",
        "missing-slices",
        "vertex-missing",
        "short-coverage",
        "contrast-suspected",
        "no-brain-seen",
        "files-missing",
        "files-rejected",
        "overlay-truncated",
        "overlay-clipped",
        "overlay-lost",
        "overlay-impossible",
        "overlay-beyond-601E",
        "overlay-too-sparse",
        "refinement-folds",
    }
)


@dataclass(frozen=True)
class OverlayAgreement:
    """How far the points of a case's overlay lie from the propagated outlines, in mm, in the scan's own space.

    Attributes:
        points: how many points the overlay has.
        first_mm: median distance after the first pass.
        final_mm: median distance after the last pass.
        final_p95_mm: its 95th percentile.
    """

    points: int
    first_mm: float
    final_mm: float
    final_p95_mm: float


@dataclass(frozen=True)
class CaseQuality:
    """The figures of one case; those of the registration are of ``RegistrationQuality``, mm and fractions.

    Attributes:
        registration: of the first pass.
        brain_ml: volume of the brain with its CSF.
        regions: how many of the 20 regions the scan shows.
        overlay: None where the series carries no overlay.
    """

    registration: RegistrationQuality
    brain_ml: float
    regions: int
    overlay: OverlayAgreement | None = None

    def as_dict(self) -> dict[str, Any]:
        """The figures as columns of ``cases.csv``, rounded to what is meaningful."""
        figures: dict[str, Any] = {"brain_ml": self.brain_ml, "regions": self.regions, **asdict(self.registration)}
        if self.overlay is not None:
            figures.update({f"overlay_{name}": value for name, value in asdict(self.overlay).items()})
        return {name: round(v, 4) if isinstance(v, float) else v for name, v in figures.items()}


def agreement(first_mm: NDArray, final_mm: NDArray) -> OverlayAgreement:
    """The agreement of an overlay from the distances of its points after the first and after the last pass."""
    return OverlayAgreement(
        points=len(final_mm),
        first_mm=float(np.median(first_mm)),
        final_mm=float(np.median(final_mm)),
        final_p95_mm=float(np.percentile(final_mm, 95)),
    )


def flags(quality: CaseQuality, findings: Iterable[Finding], limits: ReviewLimits) -> tuple[str, ...]:
    """Codes of everything that asks for a look, sorted; empty for a case that may be used as it is."""
    doubts = {
        "strong-deformation": quality.registration.jacobian_min < limits.least_jacobian,
        "regions-missing": quality.regions < 20,
        "overlay-apart": quality.overlay is not None and quality.overlay.final_mm > limits.most_overlay_mm,
    }
    noticed = {finding.code for finding in findings} & REVIEWED_FINDINGS
    return tuple(sorted({code for code, is_so in doubts.items() if is_so} | noticed))
