"""Folders of predictions and truths, paired by the names of their files."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path

from deepstroke.errors import InputError
from deepstroke.nifti import read_label_map, read_volume
from deepstroke.progress import Progress, silent
from deepstroke_training.evaluation.evaluating import CasePrediction, Evaluation, EvaluationSettings, evaluate_cases
from deepstroke_training.evaluation.records import CaseName

_SUFFIXES = (".nii.gz", ".nii", ".nrrd", ".nhdr")
_SHOWN = 5


def evaluate_folders(
    predictions: Path,
    truth: Path,
    output: Path,
    settings: EvaluationSettings | None = None,
    images: Path | None = None,
    table: Path | None = None,
    progress: Progress = silent,
) -> Evaluation:
    """Evaluate a folder of label maps against a folder of true ones with the same names.

    Args:
        predictions: ``<case>.nii.gz`` and the like.
        truth: the same names; cases without a prediction are an error, since leaving them out would flatter.
        output: folder for the results.
        settings: how.
        images: the scans under the same names, for the pictures of the worst cases.
        table: CSV with the columns ``case`` and ``patient``; ``cases.csv`` beside the truth's folder without it; where
            there is none, each case is a patient.
        progress: told after each case.

    Raises:
        InputError: names differ, a file is damaged, or lies on another grid; the message names it.

    Example:
        >>> evaluate_folders(Path("out"), Path("dataset/raw_segmentation"), Path("evaluation"))  # doctest: +SKIP
    """
    pairs = pair_files(predictions, truth)
    patients = read_patients(table, truth)
    scans = _files(images) if images is not None else {}
    source = {"predictions": str(predictions), "truth": str(truth)}
    cases = _read_cases(pairs, patients, scans)
    return evaluate_cases(cases, output, settings, source, total=len(pairs), progress=progress)


def pair_files(predictions: Path, truth: Path) -> dict[str, tuple[Path, Path]]:
    """Prediction and truth of each case, in the order of their names.

    Raises:
        InputError: a folder is missing or empty, or the names differ.
    """
    predicted, true = _files(predictions), _files(truth)
    alone = [
        f"{len(names)} only in {folder} ({_shown(names)})"
        for folder, names in ((predictions, predicted.keys() - true.keys()), (truth, true.keys() - predicted.keys()))
        if names
    ]
    if alone:
        raise InputError(f"the cases differ: {'; '.join(alone)}", code="other-cases")
    return {name: (predicted[name], true[name]) for name in sorted(true)}


def read_patients(table: Path | None, truth: Path) -> dict[str, str]:
    """Whose each case is.

    Raises:
        InputError: the table can't be read or lacks the columns.
    """
    path = table or truth.parent / "cases.csv"
    if table is None and not path.is_file():
        return {}
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            reader = csv.DictReader(stream)
            columns = set(reader.fieldnames or ())
            if {"case", "patient"} <= columns:
                return {row["case"]: row["patient"] for row in reader}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} can't be read: {error}", code="damaged-file") from error
    if table is None:
        return {}
    raise InputError(f"{path}: expected the columns case and patient, found {', '.join(sorted(columns))}", code="table")


def _files(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder", code="missing-file")
    files = {name: path for path in sorted(folder.iterdir()) if (name := _stem(path))}
    if not files:
        raise InputError(f"{folder}: no label map here ({', '.join(_SUFFIXES)})", code="missing-file")
    return files


def _stem(path: Path) -> str | None:
    """The case's name; None for what is no volume."""
    suffix = next((suffix for suffix in _SUFFIXES if path.name.lower().endswith(suffix)), None)
    return None if suffix is None or path.name.startswith(".") else path.name[: -len(suffix)]


def _read_cases(
    pairs: Mapping[str, tuple[Path, Path]], patients: Mapping[str, str], scans: Mapping[str, Path]
) -> Iterator[CasePrediction]:
    for name, (predicted, true) in pairs.items():
        prediction, truth = read_label_map(predicted), read_label_map(true)
        truth.require_same_grid(prediction, str(predicted))
        image = read_volume(scans[name]) if name in scans else None
        yield CasePrediction(CaseName(name, patients.get(name, name)), prediction, truth, image)


def _shown(names: set[str]) -> str:
    first = sorted(names)[:_SHOWN]
    return ", ".join(first) + (", ..." if len(names) > _SHOWN else "")
