"""Zip and tar archives, read in memory: nothing is unpacked to the disk, so no member can land outside a folder."""

from __future__ import annotations

import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath, PureWindowsPath

from deepstroke.errors import DicomSeriesError

#: An archive that unpacks to more bytes than this is refused; a study of thin slices holds about 2 GB.
MAX_UNPACKED_BYTES = 16 * 2**30
#: One member that unpacks to more than this is refused.
MAX_MEMBER_BYTES = 2 * 2**30
#: An archive above ``RATIO_FLOOR_BYTES`` that unpacks to more than this many times its size is refused.
MAX_RATIO = 100
RATIO_FLOOR_BYTES = 64 * 2**20

_TAR_SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")

#: Reads the bytes of a member by its name.
MemberReader = Callable[[str], bytes]


def is_archive(path: Path) -> bool:
    """Whether a file is a zip or a tar archive (a tar by its name and content)."""
    if path.name.lower().endswith(_TAR_SUFFIXES):
        return tarfile.is_tarfile(path)
    return zipfile.is_zipfile(path)


def list_members(path: Path) -> tuple[str, ...]:
    """The names of the files in an archive, in the order in which they lie in it.

    Raises:
        DicomSeriesError: the archive is damaged, a name leads out of it, or it unpacks to too much.
    """
    with _damage_named(path):
        members = _list_zip(path) if zipfile.is_zipfile(path) else _list_tar(path)
    _refuse_bomb(path, [size for _, size in members])
    return tuple(name for name, _ in members)


@contextmanager
def member_reader(path: Path) -> Iterator[MemberReader]:
    """A function that reads members of one archive, open as long as the block lasts."""
    if zipfile.is_zipfile(path):
        with _damage_named(path):
            archive = zipfile.ZipFile(path)
        with archive:
            yield lambda name: _read_zip_member(archive, path, name)
    else:
        with _damage_named(path):
            tar = tarfile.open(path)  # noqa: SIM115 - closed by the next line
        with tar:
            yield lambda name: _read_tar_member(tar, path, name)


def _list_zip(path: Path) -> list[tuple[str, int]]:
    with zipfile.ZipFile(path) as archive:
        infos = [info for info in archive.infolist() if not info.is_dir()]
    for info in infos:
        if _leads_out(info.filename):
            raise _slip(path, info.filename)
        if info.flag_bits & 0x1:
            raise DicomSeriesError(f"{path} is encrypted; unpack it with its password first", code="archive-encrypted")
    return [(info.filename, info.file_size) for info in infos]


def _list_tar(path: Path) -> list[tuple[str, int]]:
    if not hasattr(tarfile, "data_filter"):
        raise DicomSeriesError(
            f"{path}: tar archives need Python 3.10.12 or later; unpack it yourself and give the folder",
            code="archive-unsupported",
        )
    files = []
    with tarfile.open(path) as archive:
        for member in archive:
            try:
                tarfile.data_filter(member, str(path.parent.resolve()))
            except tarfile.FilterError as error:
                raise _slip(path, member.name) from error
            if member.isreg():
                files.append((member.name, member.size))
    return files


def _read_zip_member(archive: zipfile.ZipFile, path: Path, name: str) -> bytes:
    with _damage_named(path, name):
        return archive.read(name)


def _read_tar_member(archive: tarfile.TarFile, path: Path, name: str) -> bytes:
    with _damage_named(path, name):
        stream = archive.extractfile(name)
        if stream is None:
            raise tarfile.ReadError("not a regular file")
        return stream.read()


@contextmanager
def _damage_named(path: Path, member: str = "") -> Iterator[None]:
    """Turn every fault of an archive into one error that names it."""
    where = f"{path}!{member}" if member else str(path)
    faults = (OSError, EOFError, ValueError, KeyError, NotImplementedError, RuntimeError, zlib.error)
    try:
        yield
    except DicomSeriesError:
        raise
    except (zipfile.BadZipFile, tarfile.TarError, *faults) as error:
        message = f"{where}: the archive is damaged or of an unknown kind ({type(error).__name__}); copy it again"
        raise DicomSeriesError(message, code="archive-damaged") from error


def _leads_out(name: str) -> bool:
    """Whether a name is absolute, has a drive, or climbs with ``..`` in the rules of POSIX or Windows."""
    windows, posix = PureWindowsPath(name), PurePosixPath(name)
    return bool(windows.drive) or windows.root != "" or posix.is_absolute() or ".." in windows.parts


def _slip(path: Path, name: str) -> DicomSeriesError:
    return DicomSeriesError(
        f"{path}: the member {name!r} would land outside the archive's folder; "
        "the archive is refused, make it again from the DICOM folder",
        code="archive-slip",
    )


def _refuse_bomb(path: Path, sizes: list[int]) -> None:
    total, packed = sum(sizes), path.stat().st_size
    too_large = total > MAX_UNPACKED_BYTES or max(sizes, default=0) > MAX_MEMBER_BYTES
    if too_large or (total > RATIO_FLOOR_BYTES and total > MAX_RATIO * packed):
        raise DicomSeriesError(
            f"{path}: {packed / 1e6:.1f} MB would unpack to {total / 1e6:.0f} MB (the limits are "
            f"{MAX_UNPACKED_BYTES / 1e6:.0f} MB, {MAX_MEMBER_BYTES / 1e6:.0f} MB a file and {MAX_RATIO} times "
            "its size); unpack it yourself and give the folder",
            code="archive-bomb",
        )
