"""The label maps that a plan is made from: files, folders of files, and curated data sets."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from deepstroke.errors import GeometryError, InputError
from deepstroke.nifti import read_label_map
from deepstroke.volume import LabelMap

_SUFFIXES = (".nii", ".nii.gz", ".nrrd")
#: Of a curated data set, the labels on the template's grid.
_REGISTERED = "registered_segmentation"


@dataclass(frozen=True)
class LabelFiles:
    """Label maps on one grid, read one at a time.

    Attributes:
        paths: of the files.
    """

    paths: tuple[Path, ...]

    @staticmethod
    def found_in(sources: Sequence[str | os.PathLike[str]]) -> LabelFiles:
        """The label files among files, folders and curated data sets (their registered labels).

        Raises:
            InputError: a source is missing or holds no label file.
        """
        paths = [path for source in sources for path in _label_files(Path(source))]
        return LabelFiles(tuple(paths))

    def __len__(self) -> int:
        return len(self.paths)

    def __iter__(self) -> Iterator[LabelMap]:
        """The label maps, reoriented to RAS.

        Raises:
            InputError: a file is damaged or holds no labels.
            GeometryError: one lies on another grid than the first.
        """
        first: LabelMap | None = None
        for path in self.paths:
            labels = read_label_map(path).reoriented_to_ras()
            first = first or labels
            if not first.same_grid(labels):
                raise GeometryError(
                    f"{path} lies on another grid than {self.paths[0]}: shape {labels.shape} and {first.shape}, "
                    f"spacing {labels.spacing_mm} and {first.spacing_mm} mm; register and resample the maps first",
                    code="grid-mismatch",
                )
            yield labels

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Voxel size of the first file, in mm along R, A and S."""
        return read_label_map(self.paths[0]).reoriented_to_ras().spacing_mm


def _label_files(source: Path) -> list[Path]:
    if source.is_file():
        return [source]
    if not source.is_dir():
        raise InputError(f"{source}: no such file or folder", code="missing-file")
    folder = source / _REGISTERED if (source / _REGISTERED).is_dir() else source
    found = sorted(path for path in folder.iterdir() if path.name.endswith(_SUFFIXES))
    if not found:
        raise InputError(f"{folder} holds no label map ({', '.join(_SUFFIXES)})", code="no-label-maps")
    return found
