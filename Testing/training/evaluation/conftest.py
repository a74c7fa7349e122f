"""Cases, evaluations and folders made from boxes, and a run whose network knows its regions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from deepstroke.networks import build
from deepstroke.nifti import write_nifti
from deepstroke.volume import LabelMap
from deepstroke_training.configuration import as_mapping, fill
from deepstroke_training.configuration_files import write_settings
from deepstroke_training.data.splits import Split, write_splits
from deepstroke_training.evaluation import CaseName, CasePrediction, Evaluation, EvaluationSettings, evaluate_cases
from deepstroke_training.training.checkpoint_files import write_best
from deepstroke_training.training.run_settings import RunSettings
from phantoms_curated import register_hu_reader, write_dataset
from phantoms_regions import boxes

Case = Callable[..., CasePrediction]


@pytest.fixture(scope="session")
def case() -> Case:
    """A function that makes a case of a number, a prediction and a truth."""

    def make(
        number: int, prediction: LabelMap, truth: LabelMap | None = None, patient: str | None = None, stage: str = ""
    ) -> CasePrediction:
        name = CaseName(f"case{number:02d}", patient or f"patient{number:02d}", stage)
        return CasePrediction(name, prediction, boxes() if truth is None else truth)

    return make


@pytest.fixture(scope="session")
def evaluation(case: Case, tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    """Four cases of three patients: perfect, moved by a voxel, without both M2, and with exchanged sides."""
    cases = [
        case(1, boxes()),
        case(2, boxes(shift_k=1)),
        case(3, boxes(without=(6, 16)), patient="patient02"),
        case(4, boxes(swapped=True)),
    ]
    settings = EvaluationSettings(worst=2, draws=1000)
    return evaluate_cases(cases, tmp_path_factory.mktemp("evaluation"), settings, {"run": "a test"})


@pytest.fixture(scope="session")
def curated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on a curated data set whose network knows the regions, with another split than would be drawn now."""
    folder = tmp_path_factory.mktemp("curated")
    dataset = write_dataset(folder / "dataset", {"a": "p1", "b": "p2", "c": "p3", "d": "p4", "e": "p4"})
    data = {
        "synthetic": None,
        "curated": [{"folder": str(dataset), "stages": {"raw": 1.0, "registered": 1.0}}],
        "spacing_mm": 3.0,
        "shape": [32, 32, 30],
        "cache": str(folder / "cache"),
    }
    settings = fill(RunSettings, {"network": {"name": register_hu_reader()}, "data": data})
    run = folder / "run"
    write_settings(as_mapping(settings), run / "config.yaml")
    write_best({"weights": build("hu_reader").state_dict(), "measures": {}, "step": 7}, run)
    write_splits([Split("dataset", ("p1", "p3"), ("p2",), ("p4",))], run / "split.json")
    return run


@pytest.fixture
def folders(tmp_path: Path) -> Callable[..., tuple[Path, Path]]:
    """A function that writes label maps by case as folders of predictions and truths."""

    def write(predictions: dict[str, LabelMap], truths: dict[str, LabelMap] | None = None) -> tuple[Path, Path]:
        truths = {name: boxes() for name in predictions} if truths is None else truths
        for folder, maps in (("predictions", predictions), ("dataset/truth", truths)):
            for name, labels in maps.items():
                write_nifti(labels, tmp_path / folder / f"{name}.nii.gz")
        return tmp_path / "predictions", tmp_path / "dataset" / "truth"

    return write
