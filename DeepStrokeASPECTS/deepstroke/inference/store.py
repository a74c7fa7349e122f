"""Network weights on this machine: those that ship, those that a user put beside them, and files that are named."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from deepstroke.errors import WeightsError
from deepstroke.inference.weights import WeightsManifest, read_manifest, verified_content
from deepstroke.resources import resources_folder, user_folder

SUFFIX = ".safetensors"
State = Literal["shipped", "installed", "damaged"]


@dataclass(frozen=True)
class WeightsEntry:
    """Weights that are here.

    Attributes:
        name: what ``find_weights`` takes: the file's, without its suffix.
        state: where they are.
        path: of the safetensors file.
        manifest: None where it can't be read.
        fault: why they can't be used; None where they can.
    """

    name: str
    state: State
    path: Path
    manifest: WeightsManifest | None
    fault: str | None = None

    def describe(self) -> str:
        """One line for a list."""
        if self.manifest is None:
            return f"{self.name} ({self.state}): {self.fault}"
        given = self.manifest.input
        stages = " or ".join(given.stages)
        return f"{self.name} ({self.state}): {self.manifest.network.name}, {given.spacing_mm:g} mm, {stages} heads"


def weights_folders() -> tuple[tuple[Path, State], ...]:
    """Where weights are looked for: the shipped ones first."""
    return (resources_folder() / "Models", "shipped"), (user_folder() / "models", "installed")


def available(*, check: bool = False) -> list[WeightsEntry]:
    """All weights that are here, the ones that are used by default first.

    Args:
        check: whether each file's sha256 is compared with its manifest; damaged ones are then listed as such.
    """
    entries = [entry for folder, state in weights_folders() for entry in _present(folder, state, check)]
    return sorted(entries, key=lambda entry: not (entry.manifest and entry.manifest.default))


def find_weights(name: str | Path | None = None) -> Path:
    """The safetensors file of weights by name or path; without one those that are used by default.

    Raises:
        WeightsError: there are none (code ``no-weights``); the message says which there are and where they belong.
    """
    if name is None:
        usable = [entry for entry in available() if entry.manifest is not None]
        if usable:
            return usable[0].path
        raise WeightsError(f"no network weights are installed; {_how_to_install()}", code="no-weights")
    for entry in available():
        if entry.name == str(name):
            return entry.path
    path = Path(name).expanduser()
    if path.suffix == SUFFIX and path.is_file():
        return path
    known = ", ".join(entry.name for entry in available()) or "none"
    raise WeightsError(
        f"no network weights named {str(name)!r} and no such {SUFFIX} file; here are: {known}; {_how_to_install()}",
        code="no-weights",
    )


def _how_to_install() -> str:
    return f"put NAME{SUFFIX} and NAME.json into {user_folder() / 'models'}, or use method 'atlas'"


def _present(folder: Path, state: State, check: bool) -> Iterator[WeightsEntry]:
    for path in sorted(folder.glob(f"*{SUFFIX}")) if folder.is_dir() else []:
        try:
            manifest = read_manifest(path)
            if check:
                verified_content(path, manifest)
        except WeightsError as error:
            yield WeightsEntry(path.stem, "damaged", path, None, str(error))
            continue
        yield WeightsEntry(path.stem, state, path, manifest)
