"""Damaged and hostile files: each gets an error that names the file and the cause, and costs little memory."""

from __future__ import annotations

import resource
import struct
import sys
import zlib
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.uid import DeflatedExplicitVRLittleEndian, JPEGLSLossless, RLELossless

from deepstroke.dicom import inspect
from deepstroke.dicom.parsing import INFLATED_FLOOR_BYTES
from deepstroke.dicom.records import Inspection
from phantoms import axial_stack, ct_slices, set_encapsulated, stored_values, write, write_series

STACK = axial_stack()


@pytest.fixture
def one(tmp_path: Path) -> Path:
    """One sound CT image."""
    return write(ct_slices(STACK.only([16]))[0], tmp_path / "one" / "IM1")


def rejection(inspection: Inspection) -> tuple[str, str]:
    (entry,) = inspection.rejected
    return entry.code, entry.message


def test_an_empty_file_is_rejected_by_name(tmp_path: Path) -> None:
    (tmp_path / "IM1").touch()
    code, message = rejection(inspect(tmp_path))
    assert code == "empty-file"
    assert str(tmp_path / "IM1") in message


@pytest.mark.parametrize("length", [1, 100, 131])
def test_a_file_cut_before_its_header_is_rejected(one: Path, length: int) -> None:
    one.write_bytes(one.read_bytes()[:length])
    code, message = rejection(inspect(one))
    assert code == "truncated-header"
    assert str(one) in message


@pytest.mark.parametrize("part", [0.05, 0.3, 0.6, 0.9])
def test_a_file_cut_inside_its_header_is_rejected(one: Path, part: float) -> None:
    header = pydicom.dcmread(one, stop_before_pixels=True)
    data = one.read_bytes()
    end = data.index(b"\xe0\x7f\x10\x00OW")
    one.write_bytes(data[: 140 + int(part * (end - 140))])
    inspection = inspect(one)
    causes = {entry.code for entry in inspection.rejected} | {r.code for s in inspection.series for r in s.reasons}
    assert causes & {"truncated-header", "no-pixels", "no-series-uid", "not-ct", "not-dicom"}
    assert not inspection.usable
    assert str(header.PatientName) not in str(inspection.as_dict())


@pytest.mark.parametrize("compressed", [False, True], ids=["native", "compressed"])
def test_pixels_cut_short_make_the_series_incomplete(compressed: bool, tmp_path: Path) -> None:
    paths = write_series(tmp_path, ct_slices(STACK), *([RLELossless] if compressed else []))
    paths[5].write_bytes(paths[5].read_bytes()[:-100])
    (record,) = inspect(tmp_path).series
    assert record.reasons[0].code == "incomplete-series"
    assert str(paths[5]) in record.reasons[0].message
    assert "ends inside its" in record.reasons[0].message


def test_text_and_pictures_beside_the_slices_are_listed_and_do_no_harm(tmp_path: Path) -> None:
    write_series(tmp_path, ct_slices(STACK))
    (tmp_path / "README.TXT").write_text("viewer")
    (tmp_path / "x.png").write_bytes(b"\x89PNG" + bytes(500))
    inspection = inspect(tmp_path)
    assert len(inspection.usable) == 1
    assert {Path(entry.path).name: entry.code for entry in inspection.rejected} == {
        "README.TXT": "truncated-header",
        "x.png": "not-dicom",
    }


def test_a_file_without_preamble_is_read_and_flagged(tmp_path: Path) -> None:
    for path in write_series(tmp_path, ct_slices(STACK)):
        path.write_bytes(path.read_bytes()[132:])
    (record,) = inspect(tmp_path).series
    assert record.usable
    assert [f.message for f in record.findings if f.code == "no-preamble"] == [
        "the file lacks its preamble; it was read all the same (32 of 32 slices)"
    ]


def test_a_bare_data_set_without_any_meta_information_is_read_and_its_syntax_inferred(tmp_path: Path) -> None:
    for path in write_series(tmp_path, ct_slices(STACK)):
        data = path.read_bytes()
        path.write_bytes(
            data[data.index(b"\x08\x00\x05\x00" if b"\x08\x00\x05\x00" in data[:400] else b"\x08\x00\x08\x00CS") :]
        )
    (record,) = inspect(tmp_path).series
    assert record.usable
    assert {"no-preamble", "inferred-transfer-syntax"} <= {finding.code for finding in record.findings}


def _drop_syntax(path: Path) -> None:
    """Turn the Transfer Syntax UID element into one that nobody reads, of the same length."""
    data = path.read_bytes()
    path.write_bytes(data.replace(b"\x02\x00\x10\x00UI", b"\x02\x00\x17\x00AE", 1))


def test_a_missing_transfer_syntax_is_inferred_for_native_pixels(tmp_path: Path) -> None:
    for path in write_series(tmp_path, ct_slices(STACK)):
        _drop_syntax(path)
    (record,) = inspect(tmp_path).series
    assert record.usable
    assert any(
        "Explicit VR Little Endian" in f.message for f in record.findings if f.code == "inferred-transfer-syntax"
    )


def test_a_missing_transfer_syntax_of_compressed_pixels_is_rejected(tmp_path: Path) -> None:
    path = write(ct_slices(STACK)[0], tmp_path / "IM1", RLELossless)
    _drop_syntax(path)
    code, message = rejection(inspect(tmp_path))
    assert code == "no-transfer-syntax"
    assert "doesn't say how" in message


def test_extra_pixel_bytes_are_left_out_and_recorded(tmp_path: Path) -> None:
    slices = ct_slices(STACK)
    for dataset in slices:
        dataset.PixelData += bytes(64)
    write_series(tmp_path, slices)
    (record,) = inspect(tmp_path).series
    assert record.usable
    assert any("64 bytes more" in f.message for f in record.findings if f.code == "extra-pixel-bytes")


@pytest.mark.parametrize("tag", [{"Rows": 65535, "Columns": 65535}, {"Rows": 0}, {"BitsAllocated": 12}])
def test_impossible_sizes_are_refused_before_decoding(tag: dict[str, int], tmp_path: Path) -> None:
    datasets = ct_slices(STACK)
    for dataset in datasets:
        for keyword, value in tag.items():
            setattr(dataset, keyword, value)
    write_series(tmp_path, datasets)
    (record,) = inspect(tmp_path).series
    assert record.reasons[0].code == "incomplete-series"
    assert "CT has" in record.reasons[0].message


def test_bits_that_do_not_start_at_the_lowest_are_refused(tmp_path: Path) -> None:
    write_series(tmp_path, ct_slices(STACK, BitsStored=12, HighBit=15))
    (record,) = inspect(tmp_path).series
    assert "12 bits end at bit 15" in record.reasons[0].message


def test_too_many_frames_are_refused(tmp_path: Path) -> None:
    dataset = ct_slices(STACK)[0]
    dataset.NumberOfFrames = 2_000_000
    write(dataset, tmp_path / "IM1")
    code, message = rejection(inspect(tmp_path))
    assert code == "impossible-size"
    assert "2000000 frames" in message


@pytest.mark.parametrize(("tag", "code"), [(b"\xe0\x7f\x10\x00OW", "incomplete-series"), (b"\x20\x00\x32\x00DS", "")])
def test_a_claimed_length_of_four_gigabytes_is_compared_with_the_file(one: Path, tag: bytes, code: str) -> None:
    """The claim is made for the pixels, and for a header value that is read."""
    data = bytearray(one.read_bytes())
    at = data.index(tag)
    if tag.endswith(b"OW"):
        data[at + 8 : at + 12] = struct.pack("<L", 0xFFFFFFF0)
    else:
        data[at + 4 : at + 8] = b"OB\0\0"
        data[at + 8 : at + 12] = struct.pack("<L", 0xFFFFFFF0)
    one.write_bytes(bytes(data))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    inspection = inspect(one)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert not inspection.usable
    assert grown < 100_000
    causes = {entry.code for entry in inspection.rejected} | {r.code for s in inspection.series for r in s.reasons}
    assert causes & {"incomplete-series", "truncated-header", "no-pixels", "damaged"}


def _nested(depth: int, explicit_lengths: bool) -> bytes:
    """A sequence of one item that holds a sequence of one item ..."""
    header = b"\x40\x00\x30\xa7SQ\0\0"
    if not explicit_lengths:
        start = header + b"\xff\xff\xff\xff" + b"\xfe\xff\x00\xe0\xff\xff\xff\xff"
        end = b"\xfe\xff\x0d\xe0\0\0\0\0" + b"\xfe\xff\xdd\xe0\0\0\0\0"
        return start * depth + end * depth
    inner = b""
    for _ in range(depth):
        item = b"\xfe\xff\x00\xe0" + struct.pack("<L", len(inner)) + inner
        inner = header + struct.pack("<L", len(item)) + item
    return inner


def test_sequences_nested_5000_deep_are_refused(one: Path) -> None:
    data = one.read_bytes()
    at = data.index(b"\xe0\x7f\x10\x00OW")
    one.write_bytes(data[:at] + _nested(5000, explicit_lengths=False) + data[at:])
    code, message = rejection(inspect(one))
    assert code in ("nesting", "damaged")
    assert str(one) in message
    assert sys.getrecursionlimit() < 5000


def test_sequences_nested_5000_deep_with_lengths_are_never_opened(tmp_path: Path) -> None:
    for path in write_series(tmp_path, ct_slices(STACK)):
        data = path.read_bytes()
        at = data.index(b"\xe0\x7f\x10\x00OW")
        path.write_bytes(data[:at] + _nested(5000, explicit_lengths=True) + data[at:])
    (record,) = inspect(tmp_path).series
    assert record.usable


def test_a_deflated_bomb_is_refused_before_it_fills_the_memory(tmp_path: Path) -> None:
    path = write(ct_slices(STACK)[0], tmp_path / "IM1", DeflatedExplicitVRLittleEndian)
    data = path.read_bytes()
    end_of_meta = 144 + struct.unpack("<L", data[140:144])[0]
    deflater = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    block = bytes(2**24)
    bomb = b"".join(deflater.compress(block) for _ in range(INFLATED_FLOOR_BYTES // len(block) + 2)) + deflater.flush()
    assert len(bomb) < 1_000_000
    path.write_bytes(data[:end_of_meta] + bomb)
    code, message = rejection(inspect(tmp_path))
    assert code == "deflated-bomb"
    assert str(path) in message


def test_damaged_deflated_content_is_rejected(tmp_path: Path) -> None:
    path = write(ct_slices(STACK)[0], tmp_path / "IM1", DeflatedExplicitVRLittleEndian)
    data = bytearray(path.read_bytes())
    data[400:600] = b"\xff" * 200
    path.write_bytes(bytes(data))
    code, message = rejection(inspect(tmp_path))
    assert code == "damaged"
    assert "deflated content" in message


def test_a_compressed_frame_that_claims_another_size_never_reaches_the_codec(tmp_path: Path) -> None:
    """The JPEG-LS codec would allocate 7 GB and then take the process down."""
    paths = write_series(tmp_path, ct_slices(STACK), JPEGLSLossless)
    for path in paths:
        dataset = pydicom.dcmread(path)
        frame = bytearray(next(pydicom.encaps.generate_frames(dataset.PixelData, number_of_frames=1)))
        at = frame.index(b"\xff\xf7")
        frame[at + 5 : at + 9] = struct.pack(">HH", 60000, 60000)
        set_encapsulated(dataset, [bytes(frame)], JPEGLSLossless)
        dataset.save_as(path)
    (record,) = inspect(tmp_path).series
    assert [reason.code for reason in record.reasons] == ["undecodable"]
    assert "claims 60000 x 60000" in record.reasons[0].message


def test_a_damaged_compressed_frame_is_rejected_by_name(tmp_path: Path) -> None:
    paths = write_series(tmp_path, ct_slices(STACK), JPEGLSLossless)
    for path in paths:
        dataset = pydicom.dcmread(path)
        frame = next(pydicom.encaps.generate_frames(dataset.PixelData, number_of_frames=1))
        set_encapsulated(dataset, [frame[:60]], JPEGLSLossless)
        dataset.save_as(path)
    (record,) = inspect(tmp_path).series
    assert not record.usable
    assert record.reasons[0].code in ("undecodable", "damaged")


def test_no_patient_data_stands_in_any_message_warning_or_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, recwarn: pytest.WarningsRecorder
) -> None:
    """Values that break their rules are what libraries like to quote."""
    slices = ct_slices(STACK, SeriesDescription="SECRET Person", Modality="CT", BodyPartExamined="SECRETPART")
    for path in write_series(tmp_path, slices):
        data = path.read_bytes()
        assert all(secret in data for secret in (b"Secret^Person", b"SECRET-4711", b"19390201"))
        data = data.replace(b"\x20\x00\x12\x00IS\x02\x001 ", b"\x20\x00\x12\x00IS\x06\x00SECRET")
        data = data.replace(b"\x18\x00\x60\x00DS\x04\x00120 ", b"\x18\x00\x60\x00DS\x06\x00SECRET")
        path.write_bytes(data.replace(b"19390201", b"SECRETDA"))
    caplog.set_level("DEBUG")
    inspection = inspect(tmp_path)
    assert inspection.usable
    assert "secret" not in str(inspection.as_dict()).lower().replace(str(tmp_path).lower(), "")
    assert "secret" not in (caplog.text + str([str(w.message) for w in recwarn])).lower()


def test_a_series_uid_that_climbs_out_of_a_folder_stays_a_string(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="Invalid value for VR UI"):
        slices = ct_slices(STACK, SeriesInstanceUID="../../../tmp/evil")
    before = {path.name for path in tmp_path.parent.iterdir()}
    write_series(tmp_path, slices)
    (record,) = inspect(tmp_path).series
    assert record.usable
    assert any(finding.code == "invalid-uid" for finding in record.findings)
    assert {path.name for path in tmp_path.parent.iterdir()} == before
    assert np.all(stored_values(slices[0]) >= 0)


def _damage(data: bytes, rng: np.random.Generator) -> bytes:
    """A few bytes of the header changed, taken out or put in."""
    damaged = bytearray(data)
    for place in rng.integers(0, 1200, rng.integers(1, 5)):
        count = int(rng.integers(1, 20))
        kind = rng.random()
        if kind < 0.6:
            damaged[place] = rng.integers(256)
        elif kind < 0.8:
            del damaged[place : place + count]
        else:
            damaged[place:place] = rng.bytes(count)
    return bytes(damaged)


def test_random_damage_to_headers_is_always_named_and_never_breaks_the_inspection(tmp_path: Path) -> None:
    slices = ct_slices(axial_stack(rows=24, columns=20, spacing=(9.0, 9.0)))
    paths = write_series(tmp_path, slices)
    sound = [path.read_bytes() for path in paths]
    rng = np.random.default_rng(0)
    for _ in range(15):
        damaged = rng.random(len(paths)) < 0.3
        for path, data, bad in zip(paths, sound, damaged, strict=True):
            path.write_bytes(_damage(data, rng) if bad else data)
        inspection = inspect(tmp_path)
        accounted = sum(record.slices for record in inspection.series) + len(inspection.rejected)
        lost = sum("can't be read" in reason.message for record in inspection.series for reason in record.reasons)
        assert accounted + lost >= len(paths) - damaged.sum()
        assert not inspection.usable or inspection.usable[0].findings


def test_a_damaged_file_beside_a_series_is_mentioned_with_the_series(tmp_path: Path) -> None:
    """Its slice may be the missing vertex, which no gap would show."""
    paths = write_series(tmp_path, ct_slices(STACK.only(range(31))))
    (tmp_path / "IM9999").write_bytes(paths[0].read_bytes()[:400])
    (record,) = inspect(tmp_path).usable
    assert "1 damaged files beside it may be slices of this series" in [f.message for f in record.findings]
