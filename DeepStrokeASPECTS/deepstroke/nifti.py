"""NIfTI, NRRD and JSON files in and out. Writes are atomic: a file is complete or absent."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from deepstroke.errors import InputError
from deepstroke.frames import RAS_TO_LPS, Affine
from deepstroke.volume import LabelMap, Volume


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
    image = nibabel.Nifti1Image(data, volume.ijk_to_ras, dtype=data.dtype)
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
    return Volume(data, affine)


def read_label_map(path: str | os.PathLike[str]) -> LabelMap:
    """Read a label map; the errors are those of ``read_volume`` and ``LabelMap``."""
    volume = read_volume(path)
    return LabelMap(volume.data, volume.ijk_to_ras)


def _read_nifti(path: Path) -> tuple[np.ndarray, Affine]:
    import nibabel
    from nibabel.filebasedimages import ImageFileError

    try:
        image = nibabel.load(path)
        data = np.asanyarray(image.dataobj)
    except (ImageFileError, OSError, EOFError, ValueError) as error:
        raise InputError(f"{path}: damaged or not NIfTI ({error})", code="damaged-file") from error
    header = image.header
    if int(header["sform_code"]) == 0 and int(header["qform_code"]) == 0:
        raise InputError(
            f"{path}: neither sform nor qform is set, so left and right can't be told; save it with its geometry",
            code="no-geometry",
        )
    return data, image.affine


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

    try:
        data, header = nrrd.read(str(path))
    except (nrrd.NRRDError, OSError, EOFError, ValueError, KeyError) as error:
        raise InputError(f"{path}: damaged or not NRRD ({error})", code="damaged-file") from error
    space = str(header.get("space", "")).lower()
    if space not in _NRRD_TO_RAS or "space directions" not in header or "space origin" not in header:
        raise InputError(
            f"{path}: no patient space, directions or origin in the header, so left and right can't be told",
            code="no-geometry",
        )
    directions = np.asarray(header["space directions"], dtype=np.float64)
    ijk_to_space = np.eye(4)
    ijk_to_space[:3, :3] = directions[np.isfinite(directions).all(axis=1)][:3].T
    ijk_to_space[:3, 3] = header["space origin"]
    return data, _NRRD_TO_RAS[space] @ ijk_to_space
