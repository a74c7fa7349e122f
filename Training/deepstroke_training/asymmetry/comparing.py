"""The paper's table 1 on one set of cases: every method trained and tested in one run, ADN paired with each."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean

import numpy as np
import torch
from numpy.typing import NDArray

from deepstroke.commands.console import table
from deepstroke.evaluation import PairedDifference, dice, hausdorff95, paired_bootstrap
from deepstroke.infarct.maps import PROBABILITY, disentangled
from deepstroke.networks import AsymmetryDisentanglementNetwork
from deepstroke.nifti import atomic_path, write_json, write_nifti
from deepstroke.progress import Progress, silent, within
from deepstroke.volume import Volume
from deepstroke_training.asymmetry.alignment_fitting import fit_alignment
from deepstroke_training.asymmetry.cases import StrokeCase, make_cases, midplane_of
from deepstroke_training.asymmetry.fitting import TrainedMethod, fit_method
from deepstroke_training.asymmetry.posing import pose_of, posed
from deepstroke_training.asymmetry.settings import METHOD_NAMES, AsymmetrySettings, Method
from deepstroke_training.configuration import as_mapping

FIGURES, TABLE, WEIGHTS = "comparison.json", "comparison.md", "{}.pt"


@dataclass(frozen=True)
class MethodScores:
    """Of one method on the test cases, in their order.

    Attributes:
        dice: 0..1.
        hd95_mm: of a case in which nothing was found, the length of the volume's diagonal.
        volume_ml, true_volume_ml: of the lesion.
    """

    dice: tuple[float, ...]
    hd95_mm: tuple[float, ...]
    volume_ml: tuple[float, ...]
    true_volume_ml: tuple[float, ...]


@dataclass(frozen=True)
class AlignmentScores:
    """How far T's mid-sagittal planes are from the true ones, of each test case whose plane is known.

    Attributes:
        angle_deg, offset_mm: absolute errors.
    """

    angle_deg: tuple[float, ...]
    offset_mm: tuple[float, ...]


@dataclass(frozen=True)
class Comparison:
    """Everything that was measured.

    Attributes:
        settings: of the run.
        scores: by method.
        alignment: of T.
        refined: of T made better; the same where that isn't wanted.
    """

    settings: AsymmetrySettings
    scores: dict[Method, MethodScores]
    alignment: AlignmentScores
    refined: AlignmentScores

    def beside(self, method: Method, measure: str, base: Method = "adn") -> PairedDifference:
        """ADN (or another) minus a method, on the same cases."""
        first, second = (getattr(self.scores[each], measure) for each in (base, method))
        return paired_bootstrap(first, second, [str(number) for number in range(len(first))])

    def table(self) -> str:
        """The figures as text."""
        rows = [self._row(method) for method in self.scores]
        header = ["method", "Dice", "HD95 mm", "ADN - it: Dice (95 %)", "HD95 (95 %)"]
        lines = [table(header, rows), f"{self.settings.test_cases} test cases, {self.settings.preset} preset"]
        told = {"T's": self.alignment} | ({"the refined": self.refined} if self.settings.refine_steps else {})
        for name, errors in told.items():
            if errors.angle_deg:
                angle, offset = fmean(errors.angle_deg), fmean(errors.offset_mm)
                lines.append(f"{name} mid-sagittal plane: off by {angle:.2f} degrees and {offset:.2f} mm on average")
        return "\n".join(lines)

    def _row(self, method: Method) -> list[str]:
        scores = self.scores[method]
        means = [f"{fmean(scores.dice):.4f}", f"{fmean(scores.hd95_mm):.2f}"]
        if method == "adn" or "adn" not in self.scores:
            return [METHOD_NAMES[method], *means, "", ""]
        differences = [self.beside(method, measure).difference for measure in ("dice", "hd95_mm")]
        return [METHOD_NAMES[method], *means, *(f"{d:+.3f} ({d.low:+.3f} to {d.high:+.3f})" for d in differences)]

    def as_dict(self) -> dict[str, object]:
        """The figures for JSON."""
        return {
            "settings": as_mapping(self.settings),
            "scores": {name: asdict(each) for name, each in self.scores.items()},
            "alignment": asdict(self.alignment),
            "refined_alignment": asdict(self.refined),
        }


def compare(settings: AsymmetrySettings, folder: Path, progress: Progress = silent) -> Comparison:
    """Train and test every method; write weights, ``comparison.json`` and ``comparison.md``.

    Raises:
        InputError: a case can't be used, or the disk refuses.
    """
    cases = make_cases(settings, within(progress, 0.0, 0.1))
    training, test = cases[: settings.training_cases], cases[settings.training_cases :]
    aligner = fit_alignment(training, settings, within(progress, 0.1, 0.2))
    training = posed(training, aligner.alignment, settings.refine_steps)
    scores: dict[Method, MethodScores] = {}
    alignment = score_alignment(aligner, test)
    better = score_alignment(aligner, test, settings.refine_steps)
    share = 0.8 / len(settings.methods)
    for number, method in enumerate(settings.methods):
        part = within(progress, 0.2 + number * share, 0.2 + (number + 1) * share)
        trained = fit_method(method, aligner, training, settings, part)
        _save(trained, folder)
        scores[method] = score(trained, test)
        # so that a run that is stopped keeps what it has measured
        _write(Comparison(settings, scores, alignment, better), folder)
    return Comparison(settings, scores, alignment, better)


def _write(result: Comparison, folder: Path) -> None:
    write_json(result.as_dict(), folder / FIGURES)
    with atomic_path(folder / TABLE) as temporary:
        temporary.write_text(f"```\n{result.table()}\n```\n", encoding="utf-8")


def score(trained: TrainedMethod, cases: list[StrokeCase]) -> MethodScores:
    """Dice, HD95 and volumes of each case, the lesion being where its probability is 0.5 or more."""
    found = [segment(trained, case) for case in cases]
    voxels_ml = [float(np.prod(case.spacing_mm)) / 1000 for case in cases]
    return MethodScores(
        dice=tuple(dice(mask, case.lesion) for mask, case in zip(found, cases, strict=True)),
        hd95_mm=tuple(_hd95(mask, case) for mask, case in zip(found, cases, strict=True)),
        volume_ml=tuple(float(mask.sum()) * ml for mask, ml in zip(found, voxels_ml, strict=True)),
        true_volume_ml=tuple(float(case.lesion.sum()) * ml for case, ml in zip(cases, voxels_ml, strict=True)),
    )


def segment(trained: TrainedMethod, case: StrokeCase) -> NDArray[np.bool_]:
    """The lesion's mask (i, j, k) on the case's grid."""
    with torch.no_grad():
        return (trained.probability(torch.from_numpy(case.image)[None, None])[0, 0] >= 0.5).numpy()


def score_alignment(
    aligner: AsymmetryDisentanglementNetwork, cases: list[StrokeCase], refine_steps: int = 0
) -> AlignmentScores:
    """Errors of T, or of T made better, on the cases whose mid-sagittal plane is known."""
    angles, offsets = [], []
    for case in cases:
        if case.midplane is None:
            continue
        image = torch.from_numpy(case.image)[None, None]
        angle, offset = midplane_of(pose_of(aligner.alignment, image, refine_steps), case.spacing_mm[0])[0]
        angles.append(float(np.degrees(abs(angle - case.midplane[0]))))
        offsets.append(abs(offset - case.midplane[1]))
    return AlignmentScores(tuple(angles), tuple(offsets))


def write_maps(network: AsymmetryDisentanglementNetwork, image: Volume, folder: Path) -> float:
    """Write the maps of a skull-stripped image of 0..1 as NIfTI files and tell the infarct's volume in ml.

    All but the lesion's probability lie on the aligned grid, written with the image's affine.

    Raises:
        InputError: the image isn't within 0..1, or the disk refuses.
    """
    maps = disentangled(network, image)
    for name, volume in maps.items():
        write_nifti(volume, folder / f"{name}.nii.gz")
    lesion = image.with_labels(maps[PROBABILITY].data >= 0.5)
    write_nifti(lesion, folder / "lesion.nii.gz")
    return lesion.volume_ml()


def _hd95(mask: NDArray[np.bool_], case: StrokeCase) -> float:
    if not mask.any():
        return float(np.linalg.norm(np.array(mask.shape) * case.spacing_mm))
    return hausdorff95(mask, case.lesion, case.spacing_mm)


def _save(trained: TrainedMethod, folder: Path) -> None:
    with atomic_path(folder / WEIGHTS.format(trained.method)) as temporary:
        torch.save(trained.network.state_dict(), temporary)
