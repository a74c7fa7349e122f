"""Where shipped files and the user's own files lie, and how large ones are fetched."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from deepstroke.errors import InputError
from deepstroke.progress import Progress, silent

if TYPE_CHECKING:
    import requests

_BLOCK = 1 << 18
_CONNECT_S, _READ_S = 10, 60


def resources_folder() -> Path:
    """The folder of shipped files: ``Resources/`` of a checkout, or what an installation carries.

    ``DEEPSTROKE_RESOURCES`` names another one, as the Slicer extension does.

    Raises:
        InputError: no such folder is there; the message names where it was sought.
    """
    package = Path(__file__).resolve().parent
    named = os.environ.get("DEEPSTROKE_RESOURCES")
    sought = [Path(named)] if named else [package / "_resources", package.parents[1] / "Resources"]
    for folder in sought:
        if folder.is_dir():
            return folder
    places = " and ".join(str(folder) for folder in sought)
    raise InputError(
        f"shipped files are missing: no folder {places}; install again or set DEEPSTROKE_RESOURCES", code="resources"
    )


def user_folder() -> Path:
    """The folder of the user's own atlases and weights; ``DEEPSTROKE_HOME`` names another one. It need not exist."""
    named = os.environ.get("DEEPSTROKE_HOME")
    if named:
        return Path(named).expanduser()
    from platformdirs import user_data_path

    return user_data_path("deepstroke", appauthor=False)


def sha256_of(path: str | os.PathLike[str]) -> str:
    """The file's SHA-256 as 64 hexadecimal digits.

    Raises:
        InputError: the file can't be read.
    """
    digest = hashlib.sha256()
    try:
        with Path(path).open("rb") as stream:
            while block := stream.read(_BLOCK):
                digest.update(block)
    except OSError as error:
        raise InputError(f"{path} can't be read: {error.strerror or error}", code="missing-file") from error
    return digest.hexdigest()


def require_sha256(path: Path, expected: str) -> None:
    """Raise InputError, naming the file, unless its SHA-256 is the expected one."""
    found = sha256_of(path)
    if found != expected.lower():
        raise InputError(
            f"{path} is altered or damaged: sha256 {found[:12]}..., expected {expected[:12]}...; fetch it again",
            code="sha256",
        )


def download(url: str, sha256: str, target: Path, progress: Progress = silent) -> None:
    """Fetch a file, going on where an earlier try broke off; it appears only complete and with the right SHA-256.

    Args:
        url: http or https address.
        sha256: of the whole file, 64 hexadecimal digits.
        target: where it goes; what has come so far lies beside it as ``<name>.part``.
        progress: told the share that has come.

    Raises:
        InputError: there is no connection, the server refuses, the transfer breaks off or the file is another one.
            The message names the address and the way without a connection.
    """
    if target.is_file() and sha256_of(target) == sha256.lower():
        progress(1.0, f"{target.name} is here already")
        return
    part = target.with_name(target.name + ".part")
    part.parent.mkdir(parents=True, exist_ok=True)
    resumed = part.is_file()
    _fetch(url, part, progress)
    if resumed and sha256_of(part) != sha256.lower():
        part.unlink()  # What an earlier try left was not the start of this file.
        _fetch(url, part, progress)
    found = sha256_of(part)
    if found != sha256.lower():
        part.unlink()
        raise InputError(
            f"{url} holds another file than expected: sha256 {found[:12]}..., expected {sha256[:12]}...; "
            f"{_offline_way(target)}",
            code="sha256",
        )
    part.replace(target)
    progress(1.0, f"{target.name} is complete")


def _fetch(url: str, part: Path, progress: Progress) -> None:
    """Bring ``part`` to its full length."""
    import requests

    start = part.stat().st_size if part.is_file() else 0
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
    try:
        with requests.get(url, headers=headers, stream=True, timeout=(_CONNECT_S, _READ_S)) as response:
            if start and response.status_code == requests.codes.requested_range_not_satisfiable:
                return  # What is here is as long as the file; its SHA-256 decides.
            response.raise_for_status()
            resumed = response.status_code == requests.codes.partial_content
            _receive(response, part, start if resumed else 0, progress)
    except (requests.RequestException, OSError) as error:
        raise InputError(
            f"{url} could not be fetched ({_cause(error)}); run it again to go on where it broke off, "
            f"or {_offline_way(part)}",
            code="download",
        ) from error


def _receive(response: requests.Response, part: Path, start: int, progress: Progress) -> None:
    """Write the body behind the first ``start`` bytes of ``part``."""
    length = response.headers.get("Content-Length")
    total = start + int(length) if length else None
    done = start
    with part.open("ab" if start else "wb") as stream:
        for block in response.iter_content(_BLOCK):
            stream.write(block)
            done += len(block)
            if total:
                progress(min(done / total, 1.0), f"{done / 1e6:.1f} of {total / 1e6:.1f} MB of {part.stem}")
    if total is not None and done != total:
        raise OSError(f"broken off after {done} of {total} bytes")


def _cause(error: Exception) -> str:
    import requests

    response = getattr(error, "response", None)
    if response is not None:
        return f"the server says {response.status_code} {response.reason}"
    if isinstance(error, requests.Timeout):
        return "the server does not answer"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the transfer broke off"
    if isinstance(error, requests.ConnectionError):
        return "no connection"
    return str(error)


def _offline_way(path: Path) -> str:
    name = path.name.removesuffix(".part")
    return f"without a connection put {name} into a folder and name it with --from FOLDER"
