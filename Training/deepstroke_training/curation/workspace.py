"""What the parts of a run share: the data set's folder, the private folder beside it, the index and the journal."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from deepstroke.errors import ConfigError, InputError
from deepstroke.nifti import write_json
from deepstroke_training.curation.file_index import FileIndex
from deepstroke_training.curation.identities import Salt, load_salt
from deepstroke_training.curation.journal import Journal
from deepstroke_training.curation.settings import CurationSettings
from deepstroke_training.curation.storage import remove_leftovers, require_space
from deepstroke_training.curation.versions import code_version

Stage = Literal["series", "case"]

#: What a data set says about its making.
DESCRIPTION = "dataset.json"


@dataclass(frozen=True)
class Workspace:
    """A run's places and records.

    Attributes:
        dataset: the data set's folder.
        private: holds file names and the salt; never to be given away with the data set.
        salt: of all names.
        settings: of the run.
        index: files, series and rows of tables.
        journal: what is done.
    """

    dataset: Path
    private: Path
    salt: Salt
    settings: CurationSettings
    index: FileIndex
    journal: Journal

    def key(self, stage: Stage, *content: Any) -> str:
        """sha256 over a stage's input, its settings and the code's version."""
        described = self.settings.as_dict() if stage == "case" else {}
        text = json.dumps([stage, code_version(), described, *content], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def done(self, stage: Stage, name: str, key: str) -> dict[str, Any] | None:
        """What the journal holds of a piece of work, if its input, settings and code are still the same."""
        entry = self.index.recall(stage, key)
        if entry is not None:
            self._keep(stage, name, entry)
        return entry

    def record(self, stage: Stage, name: str, key: str, content: dict[str, Any]) -> dict[str, Any]:
        """Write a piece of work into the journal.

        Raises:
            InputError: the disk is full.
        """
        entry = {"stage": stage, "name": name, "key": key, "version": code_version(), **content}
        self.journal.append(entry)
        self._keep(stage, name, entry)
        return entry

    def compact_journal(self) -> None:
        """Leave in the journal what this run used, sorted, so that equal data sets have equal journals."""
        self.journal.replace(self.index.rows("journal"))

    def _keep(self, stage: Stage, name: str, entry: dict[str, Any]) -> None:
        self.index.put_row("journal", f"{stage}-{name}", entry)


@contextmanager
def open_workspace(
    dataset: Path, private: Path | None, salt_file: Path | None, settings: CurationSettings, atlas: dict[str, str]
) -> Iterator[Workspace]:
    """Make or open a data set for one run, and remove what a killed run left half-written.

    Args:
        dataset: its folder.
        private: the private folder; ``<dataset>.private`` beside the data set without one.
        salt_file: of the salt; ``salt.txt`` in the private folder without one.
        settings: of the run.
        atlas: name, version and sha256 of the atlas.

    Raises:
        ConfigError: another run works here, the data set was made with another salt, or the salt lies inside it.
        InputError: the disk refuses.
    """
    dataset = dataset.resolve()
    private = (private or dataset.with_name(f"{dataset.name}.private")).resolve()
    if private.is_relative_to(dataset):
        raise ConfigError(
            f"{private}: the private folder must lie outside the data set {dataset}", code="private-place"
        )
    with closing(FileIndex(private / "files.sqlite")) as index:
        salt = load_salt(salt_file or private / "salt.txt", dataset)
        _make_folder(dataset)
        require_space(dataset, 0.0, settings.reserve_mb)
        remove_leftovers(dataset)
        _describe(dataset, salt, settings, atlas)
        with closing(Journal(dataset / "journal.jsonl")) as journal:
            for entry in journal.entries():
                index.remember(entry["stage"], entry["key"], entry)
            yield Workspace(dataset, private, salt, settings, index, journal)


def _make_folder(dataset: Path) -> None:
    try:
        dataset.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{dataset} can't be made: {error.strerror or error}", code="write") from error


def _describe(dataset: Path, salt: Salt, settings: CurationSettings, atlas: dict[str, str]) -> None:
    """Write ``dataset.json``, after checking that the names in the folder were made with this salt."""
    path = dataset / DESCRIPTION
    fingerprint = salt.name("fingerprint")
    if path.exists() and json.loads(path.read_text(encoding="utf-8")).get("salt_fingerprint") != fingerprint:
        raise ConfigError(
            f"{dataset} was made with another salt, so its names would not match; give that one by --salt-file, or "
            "another folder",
            code="other-salt",
        )
    made_by = {"made_by": "deepstroke-train curate", "version": code_version()}
    write_json({**made_by, "salt_fingerprint": fingerprint, "atlas": atlas, "settings": settings.as_dict()}, path)
