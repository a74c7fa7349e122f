"""NIfTI, NRRD and JSON files in and out. Writes are atomic: a file is complete or absent."""

from __future__ import annotations

import gzip
import json
import math
import os
import shutil
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from deepstroke.errors import InputError
from deepstroke.frames import RAS_TO_LPS, Affine
from deepstroke.volume import LabelMap, Volume

#: More voxels than any head CT has: a header that claims more is damaged or hostile.
MAX_VOXELS = 2**30
#: What the readers raise on damaged files besides their own errors.
_DAMAGE = (OSError, EOFError, ValueError, KeyError, IndexError, OverflowError, StopIteration, MemoryError, zlib.error)


@contextmanager
def atomic_path(target: str | os.PathLike[str]) -> Iterator[Path]:
    """A temporary path beside ``target`` that replaces it when the block ends well.

    The file is flushed to the disk before the rename; on an error it is removed and ``target`` stays as it was.

    Raises:
        InputError: the disk is full or the folder can't be written; the message names the target.
    """
    target = Path(target)
    suffix = "".join(target.suffixes[-2:])
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:40]}-", suffix=suffix)
        os.close(handle)
    except OSError as error:
        raise InputError(f"{target} can't be written: {error.strerror or error}", code="write") from error
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb+") as stream:
            os.fsync(stream.fileno())
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        temporary.replace(target)
    except OSError as error:
        free = shutil.disk_usage(target.parent).free / 1e6
        raise InputError(
            f"{target} can't be written ({error.strerror or error}); {free:.0f} MB are free there", code="write"
        ) from error
    finally:
        temporary.unlink(missing_ok=True)


def write_json(content: Any, path: str | os.PathLike[str]) -> None:
    """Write strict JSON (no NaN or Infinity), indented, keys in the order given.

    Raises:
        ValueError: a value isn't finite.
        InputError: the disk refuses.
    """
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    with atomic_path(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def write_nifti(volume: Volume, path: str | os.PathLike[str]) -> None:
    """Write a volume as ``.nii`` or ``.nii.gz`` (RAS+ mm in both the sform and the qform).

    Raises:
        InputError: the voxel axes are not orthogonal (a qform can't hold a shear), or the disk refuses.
    """
    import nibabel

    if not volume.is_orthogonal:
        raise InputError(
            f"{path}: NIfTI viewers straighten a sheared grid without a word; resample to an orthogonal one first",
            code="sheared-nifti",
        )
    data = volume.data.astype(np.uint8) if volume.data.dtype == bool else volume.data
    # the order of the file, in which nibabel gathers each slice voxel by voxel otherwise
    image = nibabel.Nifti1Image(np.asfortranarray(data), volume.ijk_to_ras, dtype=data.dtype)
    image.header.set_xyzt_units("mm")
    image.set_qform(volume.ijk_to_ras, code=1)
    image.set_sform(volume.ijk_to_ras, code=1)
    with atomic_path(path) as temporary:
        nibabel.save(image, temporary)


def read_volume(path: str | os.PathLike[str]) -> Volume:
    """Read ``.nii``, ``.nii.gz``, ``.nrrd`` or ``.nhdr`` as stored values in RAS+ mm, axes as in the file.

    Raises:
        InputError: the file is missing, damaged, not three-dimensional, or holds no geometry.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such file", code="missing-file")
    name = path.name.lower()
    if name.endswith((".nii", ".nii.gz")):
        data, affine = _read_nifti(path)
    elif name.endswith((".nrrd", ".nhdr")):
        data, affine = _read_nrrd(path)
    else:
        raise InputError(f"{path}: expected .nii, .nii.gz, .nrrd or .nhdr", code="file-type")
    while data.ndim > 3 and data.shape[-1] == 1:
        data = data[..., 0]
    if data.ndim != 3:
        raise InputError(f"{path}: expected three dimensions, found shape {data.shape}", code="volume-shape")
    with _naming(path):
        return Volume(data, affine)


def read_label_map(path: str | os.PathLike[str]) -> LabelMap:
    """Read a label map; the errors are those of ``read_volume`` and ``LabelMap``."""
    volume = read_volume(path)
    with _naming(Path(path)):
        return LabelMap(volume.data, volume.ijk_to_ras)


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Put the file's name before the message of an error about its content."""
    try:
        yield
    except InputError as error:
        raise type(error)(f"{path}: {error}", code=error.code) from error


def _require_size(path: Path, shape: Sequence[int]) -> None:
    """Raise where a header claims more voxels than any head CT has, before memory is asked for them."""
    voxels = math.prod(int(n) for n in shape)
    if not 0 < voxels <= MAX_VOXELS:
        raise InputError(f"{path}: the header claims {voxels} voxels; damaged, or no head CT", code="damaged-file")


@contextmanager
def _damage_named(path: Path, kind: str) -> Iterator[None]:
    """Turn what readers raise on damaged files into an error that names the file."""
    from nibabel.filebasedimages import ImageFileError
    from nibabel.spatialimages import HeaderDataError
    from nrrd import NRRDError

    try:
        yield
    except InputError:
        raise
    except (ImageFileError, HeaderDataError, NRRDError, *_DAMAGE) as error:
        raise InputError(f"{path}: damaged or not {kind} ({error})", code="damaged-file") from error


def _read_nifti(path: Path) -> tuple[np.ndarray, Affine]:
    import nibabel

    with _damage_named(path, "NIfTI"):
        image = nibabel.load(path)
        _require_size(path, image.shape)
        _require_geometry(path, image)
        data = np.asanyarray(_whole_nifti(path, image).dataobj)
    return data.astype(np.float32) if data.dtype == np.float64 else data, image.affine


def _whole_nifti(path: Path, image: Any) -> Any:
    """The image with its voxels in memory, all bytes read to the end, so that a checksum of gzip is checked."""
    expected = int(image.dataobj.offset) + math.prod(image.shape) * image.get_data_dtype().itemsize
    opened = gzip.open if path.name.lower().endswith(".gz") else open
    with opened(path, "rb") as stream:
        content = stream.read(expected)
        stream.read(1 << 20)
    return type(image).from_bytes(content)


def _require_geometry(path: Path, image: Any) -> None:
    header = image.header
    sform_code, qform_code = int(header["sform_code"]), int(header["qform_code"])
    if sform_code == 0 and qform_code == 0:
        raise InputError(
            f"{path}: neither sform nor qform is set, so left and right can't be told; save it with its geometry",
            code="no-geometry",
        )
    if sform_code and qform_code:
        sform, qform = header.get_sform(), header.get_qform()
        if np.linalg.det(sform[:3, :3]) * np.linalg.det(qform[:3, :3]) < 0:
            raise InputError(
                f"{path}: sform and qform are mirror images of each other, so left and right can't be told",
                code="contradicting-geometry",
            )


_NRRD_TO_RAS = {
    "right-anterior-superior": np.eye(4),
    "ras": np.eye(4),
    "left-posterior-superior": RAS_TO_LPS,
    "lps": RAS_TO_LPS,
    "left-anterior-superior": np.diag([-1.0, 1.0, 1.0, 1.0]),
    "las": np.diag([-1.0, 1.0, 1.0, 1.0]),
}


def _read_nrrd(path: Path) -> tuple[np.ndarray, Affine]:
    import nrrd

    with _damage_named(path, "NRRD"):
        _require_size(path, np.atleast_1d(nrrd.read_header(str(path)).get("sizes", 0)).tolist())
        data, header = nrrd.read(str(path))
    space = str(header.get("space", "")).lower()
    directions = np.atleast_2d(np.asarray(header.get("space directions", np.nan), dtype=np.float64))
    directions = directions[np.isfinite(directions).all(axis=1)]
    origin = np.ravel(header.get("space origin", ()))
    if space not in _NRRD_TO_RAS or directions.shape != (3, 3) or origin.shape != (3,):
        raise InputError(
            f"{path}: no patient space, three directions and an origin in the header, so left and right can't be told",
            code="no-geometry",
        )
    ijk_to_space = np.eye(4)
    ijk_to_space[:3, :3] = directions.T
    ijk_to_space[:3, 3] = origin
    return data, _NRRD_TO_RAS[space] @ ijk_to_space
