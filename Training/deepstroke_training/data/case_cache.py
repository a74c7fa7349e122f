"""Prepared cases of curated data sets on disk, made once for each setting."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from deepstroke.errors import InputError, naming
from deepstroke_training.data.checked_files import CheckedFiles
from deepstroke_training.data.curated_dataset import DatasetCase
from deepstroke_training.data.prepared_case import REMAKE, PreparedCase, Stage, read_case, write_case
from deepstroke_training.data.preprocessing import GridSettings, prepare

#: ``raw`` and ``stripped`` are shown from the same prepared head.
_KINDS: dict[Stage, str] = {"raw": "head", "stripped": "head", "registered": "registered"}


class CaseCache:
    """Prepared cases; what is missing, damaged or out of date is made anew.

    A file says what it was made from: the content of the case's files, the settings and the code. Files of other
    settings lie in other folders, so that nothing mixes.

    Args:
        folder: of all caches.
        dataset: folder of the data set.
        settings: of the grid.
    """

    def __init__(self, folder: Path, dataset: Path, settings: GridSettings) -> None:
        place = hashlib.sha256(str(dataset.resolve()).encode()).hexdigest()[:12]
        self.root, self.settings, self.key = folder / f"curated-{place}", settings, settings.key
        self.checked = CheckedFiles(self.root / "checked.json")
        self._read: set[Path] = set()
        self._keys: dict[Path, str] = {}

    def path(self, case: DatasetCase, stage: Stage) -> Path:
        """The file of a prepared case."""
        return self.root / self.key / f"{case.name}-{_KINDS[stage]}.safetensors"

    def case(self, case: DatasetCase, stage: Stage) -> PreparedCase:
        """A prepared case, read or made.

        Raises:
            InputError: a file of the case can't be used, or the disk refuses.
        """
        path, key = self.path(case, stage), self._key(case, stage)
        try:
            prepared = read_case(path, key, check=path not in self._read)
        except InputError as error:
            if error.code not in REMAKE:
                raise
            self.make(case, stage)
            prepared = read_case(path, key)
        self._read.add(path)
        return prepared

    def make(self, case: DatasetCase, stage: Stage) -> None:
        """Prepare a case and write it, whatever lies in its place.

        Raises:
            InputError: a file of the case can't be used, or the disk refuses.
        """
        with naming(case.image_path(stage)):
            prepared = prepare(case, stage, self.settings)
        write_case(prepared, self.path(case, stage), self._key(case, stage))

    def is_there(self, case: DatasetCase, stage: Stage) -> bool:
        """Whether a sound and current file of a case lies in its place."""
        try:
            read_case(self.path(case, stage), self._key(case, stage))
        except InputError as error:
            if error.code not in REMAKE:
                raise
            return False
        return True

    def _key(self, case: DatasetCase, stage: Stage) -> str:
        path = self.path(case, stage)
        if path not in self._keys:
            stages: Sequence[Stage] = ("registered",) if stage == "registered" else ("raw", "stripped")
            digests = [self.checked.digest_of(case.image_path(one), case.label_path(one)) for one in stages]
            self._keys[path] = f"{self.key}/{hashlib.sha256(' '.join(digests).encode()).hexdigest()[:32]}"
        return self._keys[path]
