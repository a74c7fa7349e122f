"""A growing pool of synthetic cases on disk: one takes seconds to make and is drawn many times, each time augmented."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

import torch

import deepstroke_training.synthesis as synthesis
from deepstroke import atlas as atlases
from deepstroke.errors import InputError
from deepstroke.inference.preparation import INT16_HU
from deepstroke.nifti import write_json
from deepstroke_training.data.prepared_case import REMAKE, PreparedCase, read_case, write_case
from deepstroke_training.data.splits import Part
from deepstroke_training.synthesis import TrainingSample, TrainingSource, Variety
from deepstroke_training.synthesis.random_fields import stream_seed

_MOST_CASES = 2**31


@dataclass(frozen=True)
class PoolRecipe:
    """What the cases of a pool depend on.

    Attributes:
        stream: of the seeds; those of training, validation and test never meet.
        seed: another seed gives other cases.
        spacing_mm: voxel size.
        shape: voxels along i, j and k.
        jitter_mm: standard deviation of the grid's centre about the head's.
        template_mm: whether template coordinates are kept.
        device: where cases are made; a CPU and a GPU give slightly different numbers.
        variety: what the heads and scans are drawn from.
    """

    stream: Part
    seed: int = 0
    spacing_mm: float = 2.0
    shape: tuple[int, int, int] = (80, 96, 80)
    jitter_mm: float = 4.0
    template_mm: bool = True
    device: Literal["cpu", "cuda"] = "cpu"
    variety: Variety = "clinical"

    @property
    def key(self) -> str:
        """16 hexadecimal characters that change with the recipe, the generator's code and the atlas."""
        described = json.dumps([asdict(self), generator_version()], sort_keys=True)
        return hashlib.sha256(described.encode()).hexdigest()[:16]


class SyntheticPool:
    """Synthetic cases by number, each made once.

    Args:
        folder: of all pools; each recipe has a folder of its own in it.
        recipe: what the cases depend on.

    Example:
        >>> pool = SyntheticPool(Path("cache"), PoolRecipe("train"))  # doctest: +SKIP
        >>> pool.case(0).image.shape  # doctest: +SKIP
        torch.Size([80, 96, 80])
    """

    def __init__(self, folder: Path, recipe: PoolRecipe) -> None:
        self.recipe, self.key = recipe, recipe.key
        self.folder = folder / f"synthetic-{recipe.stream}-{self.key}"
        self._checked: set[int] = set()

    def path(self, number: int) -> Path:
        """The file of a case."""
        return self.folder / f"{number:06d}.safetensors"

    def numbers(self) -> list[int]:
        """The cases that lie on the disk, in rising order."""
        return sorted(int(path.stem) for path in self.folder.glob("[0-9]*.safetensors"))

    def case(self, number: int) -> PreparedCase:
        """A case, made where it is missing or damaged; always the same bits.

        Raises:
            InputError: the disk refuses.
        """
        try:
            case = read_case(self.path(number), self.key, check=number not in self._checked)
        except InputError as error:
            if error.code not in REMAKE:
                raise
            self.make(number)
            case = read_case(self.path(number), self.key)
        self._checked.add(number)
        return case

    def make(self, number: int) -> None:
        """Make a case and write it, whatever lies in its place.

        Raises:
            InputError: the disk refuses.
        """
        self._describe()
        write_case(self._prepared(number, _source(self.recipe)[number]), self.path(number), self.key)

    def is_there(self, number: int) -> bool:
        """Whether a sound file of a case lies in its place."""
        try:
            read_case(self.path(number), self.key)
        except InputError as error:
            if error.code not in REMAKE:
                raise
            return False
        return True

    def _describe(self) -> None:
        """Say beside the cases what they were made from."""
        path = self.folder / "recipe.json"
        if not path.exists():
            write_json({**asdict(self.recipe), "generator": generator_version()}, path)

    def _prepared(self, number: int, sample: TrainingSample) -> PreparedCase:
        seen = sample.scanned
        template_mm = sample.template_mm.to(torch.float16) if self.recipe.template_mm else None
        return PreparedCase(
            name=f"synthetic-{self.recipe.stream}-{number:06d}",
            whole_head=True,
            image=sample.image[0].clamp(*INT16_HU).round().to(torch.int16).cpu(),
            label=torch.where(seen, sample.regions, 0).to(torch.uint8).cpu(),
            brain=(sample.brain & seen).cpu(),
            template_mm=None if template_mm is None else template_mm.cpu(),
        )


@lru_cache(maxsize=1)
def generator_version() -> str:
    """A digest of the generator's code and the atlas it draws on."""
    digest = hashlib.sha256(json.dumps(atlases.load().manifest, sort_keys=True, default=str).encode())
    for path in sorted(Path(synthesis.__file__).parent.glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


@lru_cache(maxsize=4)
def _source(recipe: PoolRecipe) -> TrainingSource:
    """The generator of a recipe; it takes seconds to build and then serves every case."""
    return TrainingSource(
        _MOST_CASES,
        seed=stream_seed(recipe.seed, f"pool/{recipe.stream}"),
        spacing_mm=recipe.spacing_mm,
        shape=recipe.shape,
        jitter_mm=recipe.jitter_mm,
        device=recipe.device,
        variety=recipe.variety,
    )
