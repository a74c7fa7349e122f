"""An infarct's result: volumes of both sides about the head's own plane, and the files in a folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from deepstroke.asymmetry_maps import ASYMMETRY_MAPS
from deepstroke.errors import InputError
from deepstroke.infarct import InfarctResult
from deepstroke.inference.weights import WeightsInput, WeightsManifest, WeightsNetwork, WeightsOutput
from deepstroke.preprocess.midsagittal import MidsagittalPlane
from deepstroke.report.contents import SeriesFacts
from deepstroke.volume import LabelMap, Volume

#: Voxels of 2 x 2 x 5 mm hold 0.02 ml; the middle of the grid is x = 0.
AFFINE = np.array([[2.0, 0, 0, -39.0], [0, 2.0, 0, -39.0], [0, 0, 5.0, 0], [0, 0, 0, 1]])
#: Turned by 30 degrees about the long axis: the patient's right is where x cos + y sin is above 0.
TURNED = np.array([np.cos(np.pi / 6), np.sin(np.pi / 6), 0.0])


def result_of(lesion: np.ndarray, normal: np.ndarray) -> InfarctResult:
    ones = np.ones(lesion.shape, np.uint8)
    image = Volume(np.full(lesion.shape, 0.4, np.float32), AFFINE)
    return InfarctResult(
        ct=Volume(np.full(lesion.shape, 36.0, np.float32), AFFINE),
        brain=LabelMap(ones, AFFINE),
        plane=MidsagittalPlane(normal, 0.0, 5.0),
        lesion=LabelMap(lesion, AFFINE),
        probability=image.with_data(lesion.astype(np.float32)),
        maps={each.file: image for each in ASYMMETRY_MAPS},
        weights=WeightsManifest(
            name="finder",
            sha256="ab" * 32,
            network=WeightsNetwork("adn", {}),
            input=WeightsInput(2.0, (40, 40, 6), (0.0, 80.0), ("stripped",), None, 0.0),
            output=WeightsOutput(("background", "infarct"), None),
            licence="Apache-2.0",
        ),
        series=SeriesFacts(None, None, None, 6, (2.0, 2.0, 5.0), 0.0),
        findings=(),
    )


@pytest.fixture
def lesion() -> np.ndarray:
    """100 voxels, 2 ml, at low x (the patient's left) and high y."""
    data = np.zeros((40, 40, 6), np.uint8)
    data[15:20, 30:40, 2:4] = 1
    return data


def test_sides_are_told_by_the_heads_plane_and_not_by_the_grid(lesion: np.ndarray) -> None:
    upright = result_of(lesion, np.array([1.0, 0.0, 0.0]))
    assert (upright.left_ml, upright.right_ml) == (pytest.approx(2.0), 0.0)
    turned = result_of(lesion, TURNED)
    assert (turned.left_ml, turned.right_ml) == (pytest.approx(0.0), pytest.approx(2.0))
    assert turned.as_dict()["right_ml"] == pytest.approx(2.0)
    nothing = result_of(np.zeros_like(lesion), TURNED)
    assert (nothing.left_ml, nothing.right_ml) == (0.0, 0.0)


def test_files_of_an_earlier_run_go_and_others_stay(lesion: np.ndarray, tmp_path: Path) -> None:
    for name in ("labels.nii.gz", "rejected.json", "notes.txt"):
        (tmp_path / name).write_text("of another patient")
    result_of(lesion, TURNED).save(tmp_path)
    written = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    volumes = {f"{name}.nii.gz" for name in ("ct", "brain", "infarct", "lesion-probability")}
    maps = {f"maps/{each.file}.nii.gz" for each in ASYMMETRY_MAPS}
    assert written == volumes | maps | {"notes.txt", "report.html", "infarct.json"}


def test_a_folder_that_is_a_file_is_refused(lesion: np.ndarray, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(InputError, match="can't be written"):
        result_of(lesion, TURNED).save(tmp_path / "out")
