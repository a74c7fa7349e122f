"""The DICOM files behind a volume node, and where each slice truly lies."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from deepstroke.errors import InputError
from deepstroke.resources import resources_folder

if TYPE_CHECKING:
    from host import Host


@pytest.fixture
def sample(host: Host) -> Any:
    host.load("DeepStrokeASPECTS")
    from DeepStrokeASPECTSLib.sample import load_sample

    return load_sample()


def find(node: Any) -> Any:
    from DeepStrokeSlicerLib.sources import find_source
    from DeepStrokeSlicerLib.timers import run_now

    return run_now(find_source(node))


def test_the_headers_agree_with_slicers_matrix_on_an_even_tilted_series(host: Host, sample: Any) -> None:
    from DeepStrokeSlicerLib.nodes import affine_of

    source = find(sample)
    assert len(source.slices) == 30
    assert source.tilt_deg == pytest.approx(12.0, abs=0.05)
    assert source.steps_mm == pytest.approx([5.0] * 29, abs=1e-3)
    shown = affine_of(sample)
    for k in (0, 11, 29):
        expected = shown @ (100.0, 200.0, float(k), 1.0)
        np.testing.assert_allclose(source.slice_affines[k] @ (100.0, 200.0, 0.0, 1.0), expected, atol=0.02)


def test_files_are_found_in_the_dicom_database(host: Host, sample: Any) -> None:
    from DeepStrokeSlicerLib.sources import FOLDER_ATTRIBUTE

    sample.RemoveAttribute(FOLDER_ATTRIBUTE)
    assert find(sample) is None
    host.database.add_folder(resources_folder() / "SampleScan" / "series")
    assert len(find(sample).slices) == 30


def test_the_files_alone_are_handed_over_under_short_names(host: Host, sample: Any, tmp_path: Path) -> None:
    find(sample).link_into(tmp_path / "dicom")
    files = sorted((tmp_path / "dicom").iterdir())
    assert [path.name for path in files[:2]] == ["00001.dcm", "00002.dcm"]
    assert len(files) == 30
    assert files[0].read_bytes()[128:132] == b"DICM"


def test_a_volume_that_is_not_from_dicom_has_none(host: Host) -> None:
    from readings import tilted_ct

    from DeepStrokeSlicerLib.nodes import node_from_volume

    assert find(node_from_volume(tilted_ct(), "CT")) is None


def test_a_resampled_volume_is_told_from_its_files(host: Host, sample: Any) -> None:
    from DeepStrokeSlicerLib.nodes import image_of_array

    sample.SetAndObserveImageData(image_of_array(np.zeros((100, 100, 30), np.int16)))
    with pytest.raises(InputError, match="100 x 100 x 30 voxels, its DICOM files have"):
        find(sample)


def test_a_flipped_volume_is_told_from_its_files(host: Host, sample: Any) -> None:
    from DeepStrokeSlicerLib.nodes import affine_of, matrix_of

    flipped = affine_of(sample) @ np.diag([-1.0, 1.0, 1.0, 1.0])
    sample.SetIJKToRASMatrix(matrix_of(flipped))
    with pytest.raises(InputError, match="were turned"):
        find(sample)


def test_a_file_that_is_no_dicom_is_named(host: Host, sample: Any, tmp_path: Path) -> None:
    from DeepStrokeSlicerLib.sources import FOLDER_ATTRIBUTE

    (tmp_path / "notes.txt").write_text("no DICOM", encoding="utf-8")
    sample.SetAttribute(FOLDER_ATTRIBUTE, str(tmp_path))
    with pytest.raises(InputError, match=r"notes\.txt"):
        find(sample)


def test_an_altered_sample_is_refused(host: Host, sample: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from DeepStrokeASPECTSLib.sample import sample_folder

    shutil.copytree(resources_folder() / "SampleScan", tmp_path / "SampleScan")
    (tmp_path / "SampleScan" / "series" / "IM0001.dcm").write_bytes(b"")
    monkeypatch.setenv("DEEPSTROKE_RESOURCES", str(tmp_path))
    with pytest.raises(InputError, match=r"IM0001\.dcm is altered"):
        sample_folder()


def test_an_uneven_real_series_has_its_true_steps(host: Host, shared_data: Callable[[str], Path]) -> None:
    host.load("DeepStrokeASPECTS")
    from DeepStrokeASPECTSLib.sample import load_series

    source = find(load_series(shared_data("ct/ge-head"), "head"))
    assert source.tilt_deg == pytest.approx(18.5, abs=0.3)
    assert min(source.steps_mm) < 2 < 6 < max(source.steps_mm)
