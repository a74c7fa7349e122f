"""Finding series in folders and single files, choosing one, and saying why not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deepstroke.dicom import choose_series, inspect
from deepstroke.errors import DicomSeriesError, InputError
from phantoms import axial_stack, ct_slices, multi_frame, write, write_series

STACK = axial_stack()


def test_the_best_series_is_chosen_and_the_choice_explained(tmp_path: Path) -> None:
    thin = axial_stack([0.9 * k - 60 for k in range(134)], thickness=0.9, rows=44, columns=40, spacing=(5.0, 4.4))
    write_series(tmp_path / "thin", ct_slices(thin, SeriesNumber=1, SeriesDescription="Head 0.9"))
    write_series(tmp_path / "thick", ct_slices(STACK, SeriesNumber=2))
    write_series(tmp_path / "half", ct_slices(STACK.only(range(12)), SeriesNumber=3))
    inspection = inspect(tmp_path)
    chosen = choose_series(inspection)
    assert chosen.number == 2
    assert [record.number for record in inspection.series] == [2, 1, 3]
    assert any("slices 5 mm thick" in merit for merit in chosen.merits)
    assert "32 axial slices cover 160 mm" in chosen.merits


def test_a_named_series_is_taken_and_an_unknown_one_refused(tmp_path: Path) -> None:
    write_series(tmp_path / "a", ct_slices(STACK, SeriesInstanceUID="1.2.3"))
    write_series(tmp_path / "b", ct_slices(STACK, SeriesInstanceUID="1.2.4", ImageType=["DERIVED", "PRIMARY", "AXIAL"]))
    inspection = inspect(tmp_path)
    assert choose_series(inspection).uid == "1.2.3"
    assert choose_series(inspection, "1.2.4").uid == "1.2.4"
    with pytest.raises(DicomSeriesError, match=r"no series 9\.9 \(found 1\.2\.3, 1\.2\.4\)"):
        choose_series(inspection, "9.9")


def test_a_named_series_that_is_unusable_is_refused_with_its_reasons(tmp_path: Path) -> None:
    write_series(tmp_path / "a", ct_slices(STACK))
    write_series(tmp_path / "b", ct_slices(STACK, SeriesInstanceUID="1.2.4", Modality="MR"))
    with pytest.raises(DicomSeriesError, match="modality MR"):
        choose_series(inspect(tmp_path), "1.2.4")


def test_every_reason_stands_in_the_error_where_nothing_is_usable(tmp_path: Path) -> None:
    write_series(tmp_path / "a", ct_slices(STACK, Modality="MR", SeriesNumber=4))
    write_series(tmp_path / "b", ct_slices(STACK.only(range(8)), SeriesNumber=5))
    (tmp_path / "c.dcm").touch()
    with pytest.raises(DicomSeriesError, match=r"series 4 .*modality MR.*series 5 .*cover 40 mm.*1 files were turned"):
        choose_series(inspect(tmp_path))


def test_folders_without_dicom_and_missing_paths_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DicomSeriesError, match="no DICOM series"):
        choose_series(inspect(tmp_path))
    with pytest.raises(InputError, match="no such file or folder"):
        inspect(tmp_path / "absent")


def test_one_multi_frame_file_is_a_series(tmp_path: Path) -> None:
    path = write(multi_frame(ct_slices(STACK)), tmp_path / "IM1")
    assert choose_series(inspect(path)).slices == 32


def test_a_record_is_json_without_patient_data(tmp_path: Path) -> None:
    write_series(tmp_path / "study", ct_slices(axial_stack(tilt_deg=12), SeriesDescription="Head Person 5.0"))
    text = json.dumps(inspect(tmp_path / "study").as_dict())
    assert "Person" not in text
    (series,) = json.loads(text)["series"]
    assert {"uid", "number", "slices", "spacing_mm", "tilt_deg", "kernel", "usable", "reasons", "findings"} <= set(
        series
    )
    assert series["usable"] is True
    assert series["spacing_mm"][:2] == [2.2, 2.5]


def test_progress_runs_from_nothing_to_all(tmp_path: Path) -> None:
    write_series(tmp_path, ct_slices(STACK))
    seen: list[float] = []
    inspect(tmp_path, lambda fraction, text: seen.append(fraction))
    assert seen[0] == 0.0
    assert seen[-1] == 1.0
    assert seen == sorted(seen)


def test_two_runs_over_one_folder_agree(tmp_path: Path) -> None:
    write_series(tmp_path / "x", ct_slices(STACK))
    write_series(tmp_path / "y", ct_slices(STACK, Modality="MR"))
    assert inspect(tmp_path).as_dict() == inspect(tmp_path).as_dict()


def test_a_link_to_nothing_and_a_folder_named_like_a_file_do_no_harm(tmp_path: Path) -> None:
    write_series(tmp_path, ct_slices(STACK))
    (tmp_path / "IM9999").symlink_to(tmp_path / "nothing")
    (tmp_path / "IM8888.dcm").mkdir()
    assert choose_series(inspect(tmp_path)).slices == 32
