"""The library's label maps, read in portions: a thin-slice scan's has 100 MB, and Slicer must not stand still."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np

from deepstroke.errors import InputError
from deepstroke.volume import Volume
from DeepStrokeSlicerLib.nodes import read_volume_file

_PORTION_BYTES = 1 << 22
_HEADER_BYTES = 348
#: NIfTI's codes of the types that label maps have.
_TYPES: dict[int, np.dtype[Any]] = {2: np.dtype("<u1"), 4: np.dtype("<i2"), 512: np.dtype("<u2")}


def read_labels(path: Path) -> Generator[None, None, Volume]:
    """Read a label map (``.nii.gz`` with an sform, as the library writes it), in portions of some ms.

    Other files are read by Slicer's own reader, in one go.

    Raises:
        InputError: the file is missing or damaged.
    """
    content = bytearray()
    try:
        with gzip.open(path) as stream:
            while portion := stream.read(_PORTION_BYTES):
                content += portion
                yield
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path} is missing or can't be read", code="damaged-file") from error
    return _volume(content) or read_volume_file(path)


def _volume(content: bytearray) -> Volume | None:
    """The volume in a NIfTI file's bytes; None where they are written in another way than the library's."""
    if len(content) < _HEADER_BYTES or struct.unpack_from("<i", content)[0] != _HEADER_BYTES:
        return None
    rank, *sizes = struct.unpack_from("<4h", content, 40)
    kind = _TYPES.get(struct.unpack_from("<h", content, 70)[0])
    offset, slope, shift = struct.unpack_from("<3f", content, 108)
    (by_sform,) = struct.unpack_from("<h", content, 254)
    scaled = not (slope in (0.0, 1.0) or math.isnan(slope)) or not (shift == 0.0 or math.isnan(shift))
    if rank != 3 or kind is None or not by_sform or scaled:
        return None
    count = int(np.prod(sizes))
    if len(content) < int(offset) + count * kind.itemsize:
        return None
    data = np.frombuffer(content, kind, count, int(offset)).reshape(sizes, order="F")
    ijk_to_ras = np.eye(4)
    ijk_to_ras[:3] = np.reshape(struct.unpack_from("<12f", content, 280), (3, 4))
    return Volume(data, ijk_to_ras)
