"""What was found of an infarct in one scan, and the files that it leaves."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np

from deepstroke import __version__
from deepstroke.asymmetry_maps import ASYMMETRY_MAPS
from deepstroke.findings import Finding
from deepstroke.infarct.maps import PROBABILITY
from deepstroke.inference.weights import WeightsManifest
from deepstroke.nifti import write_json, write_nifti
from deepstroke.outputs import clear_outputs, in_whole_hu
from deepstroke.preprocess.midsagittal import MidsagittalPlane
from deepstroke.preprocess.resampling import resample
from deepstroke.report.contents import SeriesFacts
from deepstroke.report.infarct_page import InfarctPage, write_infarct_page
from deepstroke.volume import LabelMap, Volume


@dataclass(frozen=True, eq=False)
class InfarctResult:
    """What was found in one scan.

    Attributes:
        ct: HU on an orthogonal grid with axes nearest to RAS+.
        brain: 0 and 1 on the same grid.
        plane: the mid-sagittal plane of the head, which tells left from right.
        lesion: 0 and 1 on the same grid: probability of 0.5 or more, within the brain.
        probability: 0..1 on the same grid.
        maps: X, A, P, Q, X_hat and X_tilde on the network's aligned grid, by the names of their files.
        weights: what found it.
        series: what was read.
        findings: what a reader must know.
    """

    ct: Volume
    brain: LabelMap
    plane: MidsagittalPlane
    lesion: LabelMap
    probability: Volume
    maps: dict[str, Volume]
    weights: WeightsManifest
    series: SeriesFacts
    findings: tuple[Finding, ...]

    @property
    def right_ml(self) -> float:
        """Volume of what lies on the patient's right."""
        places = self.lesion.ras_of(np.argwhere(self.lesion.mask))
        return float(np.count_nonzero(self.plane.signed_distance(places) > 0) * self.lesion.voxel_ml)

    @property
    def left_ml(self) -> float:
        """Volume of what lies on the patient's left."""
        return self.lesion.volume_ml() - self.right_ml

    def as_dict(self) -> dict[str, Any]:
        """The figures for JSON."""
        weights = self.weights
        return {
            "infarct_ml": self.lesion.volume_ml(),
            "left_ml": self.left_ml,
            "right_ml": self.right_ml,
            "weights": {
                "name": weights.name,
                "sha256": weights.sha256,
                "licence": weights.licence,
                "hu_range": list(weights.input.hu_range),
            },
            "series": asdict(self.series),
            "warnings": [each.as_dict() for each in self.findings],
            "versions": {"deepstroke": __version__},
        }

    def save(self, folder: str | Path) -> None:
        """Write scan, brain, infarct, probability and maps as NIfTI, ``report.html``, and ``infarct.json`` last.

        What an earlier run of ``segment`` left in the folder is removed first, so that no two patients ever mix.

        Raises:
            InputError: the folder can't be written; the message names the file.
        """
        folder = Path(folder)
        clear_outputs(folder)
        volumes = {
            "ct": in_whole_hu(self.ct),
            "brain": self.brain,
            "infarct": self.lesion,
            PROBABILITY: self.probability,
        }
        for name, volume in volumes.items():
            write_nifti(volume, folder / f"{name}.nii.gz")
        for name, volume in self.maps.items():
            write_nifti(volume, folder / "maps" / f"{name}.nii.gz")
        write_infarct_page(self._page(), folder / "report.html")
        write_json(self.as_dict(), folder / "infarct.json")

    def _page(self) -> InfarctPage:
        grid = self.maps[ASYMMETRY_MAPS[0].file]
        return InfarctPage(
            created=datetime.now(timezone.utc).astimezone().isoformat(timespec="seconds"),
            ct=self.ct,
            brain=self.brain,
            lesion=self.lesion,
            left_ml=self.left_ml,
            right_ml=self.right_ml,
            maps=self.maps,
            lesion_on_maps=resample(self.lesion, grid, order=0),
            weights=self.weights,
            series=self.series,
            findings=self.findings,
        )
