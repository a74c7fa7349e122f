"""Names can't be undone without the salt, and messages name neither files nor UIDs."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

import pytest

from deepstroke.errors import ConfigError
from deepstroke_training.curation.identities import Salt, load_salt, without_identifiers


def test_the_same_salt_gives_the_same_name_and_another_a_different_one() -> None:
    one, other = Salt(b"one salt, long enough"), Salt(b"another salt, long enough")
    assert one.name("case", "1.2.3", 0) == Salt(b"one salt, long enough").name("case", "1.2.3", 0)
    names = {one.name("case", "1.2.3", 0), one.name("case", "1.2.3", 1), one.name("series", "1.2.3", 0)}
    names |= {other.name("case", "1.2.3", 0), one.name("case", "1.2", "3", 0)}
    assert len(names) == 5
    assert all(len(name) == 16 and int(name, 16) >= 0 for name in names)


def test_a_salt_is_never_printed() -> None:
    assert "long enough" not in repr(Salt(b"one salt, long enough"))


def test_a_missing_salt_is_made_for_its_owner_only_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "private" / "salt.txt"
    made = load_salt(path, tmp_path / "dataset")
    assert load_salt(path, tmp_path / "dataset") == made
    assert len(made.secret) == 64
    if sys.platform != "win32":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_salt_inside_the_data_set_or_too_short_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="must lie outside the data set"):
        load_salt(tmp_path / "dataset" / "salt.txt", tmp_path / "dataset")
    (tmp_path / "salt.txt").write_text("short")
    with pytest.raises(ConfigError, match="16 characters or more, found 5"):
        load_salt(tmp_path / "salt.txt", tmp_path / "dataset")


def test_messages_lose_files_and_uids() -> None:
    named = Path("/media/Müller Hans/IM 1.dcm")
    message = (
        f"{named}: truncated; /mnt/x/Secret_Person/IM2: gone; series 3 (1.2.840.113619.2.55.3.1): 2.5 mm, C:\\a\\b"
    )
    clean = without_identifiers(message, [named])
    assert clean == "(file): truncated; (file): gone; series 3 ((uid)): 2.5 mm, (file)"
