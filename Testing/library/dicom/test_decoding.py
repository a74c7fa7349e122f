"""Compressed frames: what they claim is checked, and damage ends in an error rather than in the process's death."""

from __future__ import annotations

import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.encaps import generate_frames
from pydicom.uid import JPEG2000Lossless, JPEGLosslessSV1, JPEGLSLossless, RLELossless

from deepstroke.dicom.codestream import FrameClaim, is_cut, read_claim
from deepstroke.dicom.decoding import decode, require_codec
from deepstroke.dicom.header import SliceHeader, read_headers
from deepstroke.dicom.source import FileSource, open_source
from deepstroke.errors import DicomSeriesError
from phantoms import axial_stack, ct_slices, set_encapsulated, stored_values, write

IMAGE = ct_slices(axial_stack([0.0]))[0]
SYNTAXES = [JPEGLosslessSV1, JPEGLSLossless, JPEG2000Lossless]


def frame_of(path: Path) -> bytes:
    return next(generate_frames(pydicom.dcmread(path).PixelData, number_of_frames=1))


def with_frame(path: Path, frame: bytes) -> SliceHeader:
    """The header of the file with another compressed frame in it."""
    dataset = pydicom.dcmread(path)
    set_encapsulated(dataset, [frame], dataset.file_meta.TransferSyntaxUID)
    dataset.save_as(path)
    source = FileSource(path)
    with open_source(source) as stream:
        return read_headers(stream, source)[0]


@pytest.mark.parametrize("syntax", SYNTAXES, ids=lambda syntax: syntax.keyword)
def test_a_sound_frame_claims_what_it_holds(syntax: str, tmp_path: Path) -> None:
    frame = frame_of(write(IMAGE, tmp_path / "IM1", syntax))
    claim = read_claim(frame)
    assert claim is not None
    assert (claim.rows, claim.columns, claim.samples) == (88, 80, 1)
    assert 11 <= claim.bits <= 16
    assert not is_cut(frame)
    assert is_cut(frame[: len(frame) // 2])


def test_rle_has_no_claim(tmp_path: Path) -> None:
    assert read_claim(frame_of(write(IMAGE, tmp_path / "IM1", RLELossless))) is None


@pytest.mark.parametrize("syntax", [*SYNTAXES, RLELossless], ids=lambda syntax: syntax.keyword)
def test_stored_values_come_back_unchanged(syntax: str, tmp_path: Path) -> None:
    path = write(IMAGE, tmp_path / "IM1", syntax)
    ((index, stored),) = decode([with_frame(path, frame_of(path))])
    assert index == 0
    assert np.array_equal(stored, stored_values(IMAGE))


@pytest.mark.parametrize(
    ("offset", "value", "claimed"),
    [(1, struct.pack(">H", 30000), FrameClaim(30000, 80, 1, 16)), (0, b"\x1b", FrameClaim(88, 80, 1, 27))],
    ids=["rows", "bits"],
)
def test_a_claim_that_contradicts_the_header_is_refused(
    offset: int, value: bytes, claimed: FrameClaim, tmp_path: Path
) -> None:
    path = write(IMAGE, tmp_path / "IM1", JPEGLosslessSV1)
    frame = bytearray(frame_of(path))
    start = frame.index(b"\xff\xc3") + 4 + offset
    frame[start : start + len(value)] = value
    assert read_claim(bytes(frame)) == claimed
    with pytest.raises(DicomSeriesError, match="the compressed frame claims") as caught:
        list(decode([with_frame(path, bytes(frame))]))
    assert caught.value.code == "undecodable"


@pytest.mark.parametrize(
    "damage",
    [
        lambda frame: frame.replace(b"\xff\xc3", b"\xff\xc9"),
        lambda frame: frame.replace(b"\xff\xc4", b"\xff\xcc"),
        lambda frame: frame[: frame.index(b"\xff\xda")] + b"\xff\xd9",
        lambda frame: frame[:2] + b"\x00" + frame[3:],
        lambda frame: frame[:300] + bytes(40),
    ],
    ids=["arithmetic coding", "no tables", "no scan", "no marker", "cut"],
)
def test_an_unsound_jpeg_header_never_reaches_the_codec(damage: Callable[[bytes], bytes], tmp_path: Path) -> None:
    path = write(IMAGE, tmp_path / "IM1", JPEGLosslessSV1)
    header = with_frame(path, damage(frame_of(path)))
    with pytest.raises(DicomSeriesError, match=r"IM1: a compressed frame is cut off"):
        list(decode([header]))


_DECODE_DAMAGED = """
import sys
import numpy as np
from pathlib import Path
sys.path.insert(0, sys.argv[2])
import pydicom, pydicom.encaps
from deepstroke.dicom.decoding import decode
from deepstroke.errors import DicomSeriesError
from test_decoding import frame_of, with_frame
path = Path(sys.argv[1])
frame, rng, refused = frame_of(path), np.random.default_rng(0), 0
for _ in range(60):
    damaged = bytearray(frame)
    for place in rng.integers(0, 120 if rng.random() < 0.5 else len(frame), 4):
        damaged[place] = rng.integers(256)
    try:
        list(decode([with_frame(path, bytes(damaged))]))
    except DicomSeriesError:
        refused += 1
print("survived", refused)
"""


@pytest.mark.parametrize("syntax", SYNTAXES, ids=lambda syntax: syntax.keyword)
def test_frames_with_random_damage_never_take_the_process_down(syntax: str, tmp_path: Path) -> None:
    path = write(IMAGE, tmp_path / "IM1", syntax)
    here = Path(__file__).parent
    environment = {"PYTHONPATH": f"{here.parents[1]}", "OMP_NUM_THREADS": "1", "PATH": "/usr/bin:/bin"}
    command = [sys.executable, "-c", _DECODE_DAMAGED, str(path), str(here)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr[-500:]
    word, refused = done.stdout.split()
    assert word == "survived"
    assert int(refused) > 10


def test_an_unknown_syntax_is_refused_by_name() -> None:
    with pytest.raises(DicomSeriesError, match=r"MPEG2 Main Profile .* can't be decoded") as caught:
        require_codec("1.2.840.10008.1.2.4.100")
    assert caught.value.code == "unknown-syntax"
