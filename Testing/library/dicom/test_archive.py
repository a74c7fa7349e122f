"""Archives are read in memory; members that climb out, bombs and damage refuse the archive by name."""

from __future__ import annotations

import io
import os
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

from deepstroke.dicom import choose_series, inspect, read_scan
from deepstroke.errors import DicomSeriesError
from phantoms import axial_stack, ct_slices, write_series


@pytest.fixture
def series(tmp_path: Path) -> list[Path]:
    return write_series(tmp_path / "series", ct_slices(axial_stack(tilt_deg=8.0)))


def zipped(target: Path, members: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(target, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return target


@pytest.mark.parametrize("name", ["study.zip", "study.tar", "study.tar.gz", "study.tgz"])
def test_a_series_in_an_archive_reads_like_the_folder(name: str, series: list[Path], tmp_path: Path) -> None:
    archive = tmp_path / name
    if name.endswith("zip"):
        zipped(archive, {f"A/{path.name}": path.read_bytes() for path in series})
    else:
        with tarfile.open(archive, "w:gz" if "gz" in name else "w") as tar:
            for path in series:
                tar.add(path, f"A/{path.name}")
    before = sorted(tmp_path.rglob("*"))
    packed = read_scan(choose_series(inspect(archive)))
    plain = read_scan(choose_series(inspect(series[0].parent)))
    assert np.array_equal(packed.volume.data, plain.volume.data)
    assert packed.volume.same_grid(plain.volume)
    assert len(packed.slices.read_sources()) == 32
    assert set(packed.slices.paths) == {archive}
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("member", ["../evil.dcm", "/etc/evil.dcm", "a/../../evil.dcm", "C:\\evil.dcm", "..\\evil.dcm"])
def test_a_zip_with_a_member_that_climbs_out_is_refused(member: str, tmp_path: Path) -> None:
    archive = zipped(tmp_path / "slip.zip", {"good.dcm": b"x", member: b"y"})
    with pytest.raises(DicomSeriesError, match=r"slip\.zip.*outside the archive's folder") as caught:
        inspect(archive)
    assert caught.value.code == "archive-slip"
    assert not (tmp_path.parent / "evil.dcm").exists()


@pytest.mark.parametrize("kind", ["name", "absolute link", "device"])
def test_a_tar_that_climbs_out_is_refused(kind: str, tmp_path: Path) -> None:
    member = tarfile.TarInfo("../evil.dcm" if kind == "name" else "evil.dcm")
    if kind == "absolute link":
        member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
    if kind == "device":
        member.type = tarfile.CHRTYPE
    with tarfile.open(tmp_path / "slip.tar", "w") as tar:
        tar.addfile(member, io.BytesIO())
    with pytest.raises(DicomSeriesError, match=r"slip\.tar.*outside the archive's folder"):
        inspect(tmp_path / "slip.tar")


def test_a_zip_bomb_is_refused_by_its_ratio(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "bomb.zip", {f"{n}.dcm": bytes(10_000_000) for n in range(8)})
    assert archive.stat().st_size < 100_000
    with pytest.raises(DicomSeriesError, match=r"bomb\.zip: 0\.1 MB would unpack to 80 MB") as caught:
        inspect(archive)
    assert caught.value.code == "archive-bomb"


def test_a_zip_whose_directory_claims_terabytes_is_refused_by_its_size(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "huge.zip", {"a.dcm": os.urandom(1000)}, zipfile.ZIP_STORED)
    data = bytearray(archive.read_bytes())
    entry = data.index(b"PK\x01\x02")
    data[entry + 24 : entry + 28] = b"\xfe\xff\xff\xff"
    archive.write_bytes(bytes(data))
    with pytest.raises(DicomSeriesError, match="would unpack to 4295 MB"):
        inspect(archive)


def test_a_cut_archive_is_refused_by_name(series: list[Path], tmp_path: Path) -> None:
    archive = zipped(tmp_path / "cut.zip", {path.name: path.read_bytes() for path in series})
    archive.write_bytes(archive.read_bytes()[:-4000])
    assert {entry.code for entry in inspect(archive).rejected} == {"not-dicom"}
    with tarfile.open(tmp_path / "cut.tar.gz", "w:gz") as tar:
        tar.add(series[0], "A")
    (tmp_path / "cut.tar.gz").write_bytes((tmp_path / "cut.tar.gz").read_bytes()[:-50])
    with pytest.raises(DicomSeriesError, match=r"cut\.tar\.gz.*damaged"):
        inspect(tmp_path / "cut.tar.gz")


def test_a_damaged_member_is_rejected_and_the_rest_is_read(series: list[Path], tmp_path: Path) -> None:
    members = {path.name: path.read_bytes() for path in series} | {"extra.bin": os.urandom(5000)}
    archive = zipped(tmp_path / "flip.zip", members, zipfile.ZIP_STORED)
    data = bytearray(archive.read_bytes())
    at = data.index(members["extra.bin"][:50])
    data[at + 10] ^= 0xFF
    archive.write_bytes(bytes(data))
    inspection = inspect(archive)
    assert choose_series(inspection).slices == 32
    assert [(entry.path, entry.code) for entry in inspection.rejected] == [(f"{archive}!extra.bin", "archive-damaged")]


def test_an_encrypted_zip_is_refused_with_what_to_do(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "locked.zip", {"a.dcm": b"x"})
    data = bytearray(archive.read_bytes())
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    archive.write_bytes(bytes(data))
    with pytest.raises(DicomSeriesError, match="encrypted"):
        inspect(archive)


def test_a_zip_inside_a_folder_is_named_and_left_alone(series: list[Path]) -> None:
    zipped(series[0].parent / "more.zip", {"a.dcm": b"x"})
    inspection = inspect(series[0].parent)
    assert choose_series(inspection).slices == 32
    assert [Path(entry.path).name for entry in inspection.rejected] == ["more.zip"]
