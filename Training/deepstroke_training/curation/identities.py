"""Names that can't be traced back without the salt, and messages without the names of files and patients."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from deepstroke.errors import ConfigError, InputError

#: Fewer characters than this can be guessed.
LEAST_SALT_CHARACTERS = 16
_NAME_CHARACTERS = 16
_UID = re.compile(r"\b\d+(?:\.\d+){5,}\b")
_PATH = re.compile(r"(?<![\w.])(?:[A-Za-z]:)?(?:[\\/][^\s:;,]+)+")


@dataclass(frozen=True)
class Salt:
    """A secret that turns identifiers into names; who has it can tell which case a patient is.

    Attributes:
        secret: never printed.
    """

    secret: bytes = field(repr=False)

    def name(self, kind: str, *identifiers: object) -> str:
        """16 hexadecimal characters for something that the identifiers name: HMAC-SHA256 with the salt as its key."""
        text = "\0".join((kind, *map(str, identifiers)))
        return hmac.new(self.secret, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[
            :_NAME_CHARACTERS
        ]


def load_salt(path: Path, dataset: Path) -> Salt:
    """Read the salt of a file, or make the file, readable for its owner only.

    Raises:
        ConfigError: the file lies in the data set, or holds too short a salt.
        InputError: it can't be read or made.
    """
    if path.resolve().is_relative_to(dataset.resolve()):
        raise ConfigError(
            f"{path}: the salt must lie outside the data set {dataset}; who gets both can undo its names",
            code="salt-in-dataset",
        )
    try:
        text = path.read_text(encoding="utf-8").strip() if path.exists() else _made_salt(path)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: the salt can't be read or made ({type(error).__name__})", code="salt") from error
    if len(text) < LEAST_SALT_CHARACTERS:
        raise ConfigError(
            f"{path}: a salt has {LEAST_SALT_CHARACTERS} characters or more, found {len(text)}", code="short-salt"
        )
    return Salt(text.encode())


def _made_salt(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = secrets.token_hex(32)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as stream:
        stream.write(text + "\n")
        stream.flush()
        os.fsync(stream.fileno())
    return text


def without_identifiers(message: str, paths: Iterable[Path] = ()) -> str:
    """A message in which files and DICOM UIDs are no longer named.

    Args:
        message: of an error or a finding.
        paths: files that it may name; other absolute paths are found by their look.
    """
    for text in sorted({str(path) for path in paths}, key=len, reverse=True):
        message = message.replace(text, "(file)")
    return _UID.sub("(uid)", _PATH.sub("(file)", message))
