"""The maps of an Asymmetry Disentanglement Network: their files, what each is, and the values that pictures show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: How a map is shown: in grey as the scan is; from nothing to much darker; or darker and brighter about 0.
MapKind = Literal["image", "darker", "signed"]
#: HU that pictures of images show as black to white: level 40, width 40, as of the scan.
IMAGE_HU = (20.0, 60.0)
#: Differences in HU that pictures of asymmetry show in the strongest colour.
STRONGEST_HU = 16.0


@dataclass(frozen=True)
class MapFacts:
    """One map.

    Attributes:
        file: its name without ``.nii.gz``.
        symbol: as the paper writes it.
        title: what it is, in some words.
        words: what it is, in a sentence.
        limits: the values that it can take, in words.
        kind: how it is shown.
    """

    file: str
    symbol: str
    title: str
    words: str
    limits: str
    kind: MapKind


#: In the order in which the network makes them.
ASYMMETRY_MAPS = (
    MapFacts("x", "X", "aligned head", "The brain turned so that its mid-sagittal plane lies in the middle.",
             "0 to 1", "image"),
    MapFacts("a", "A", "total asymmetry", "How much darker each place is than its mirror image on the other side.",
             "0 to 1", "darker"),
    MapFacts("p", "P", "pathological asymmetry", "The part of A that the network takes for a lesion's.",
             "0 to 1", "darker"),
    MapFacts("q", "Q", "intrinsic asymmetry",
             "What is left, A − P: the anatomy's own. Below 0 where P says more than there is.", "−1 to 1", "signed"),
    MapFacts("x-hat", "X̂", "X + Q",
             "The head with its own asymmetry evened out; on it the infarct is looked for.", "−1 to 1", "image"),
    MapFacts("x-tilde", "X̃", "X + P", "The head with the lesion's asymmetry evened out.", "0 to 2", "image"),
)  # fmt: skip


def shown_values(kind: MapKind, hu_range: tuple[float, float]) -> tuple[float, float]:
    """The values of a map that pictures show from the lowest to the highest grey or colour.

    Args:
        kind: of the map.
        hu_range: HU that are 0 and 1 of the network's image.

    Example:
        >>> shown_values("image", (0.0, 80.0)), shown_values("signed", (0.0, 80.0))
        ((0.25, 0.75), (-0.2, 0.2))
    """
    low, high = hu_range
    if kind == "image":
        return (IMAGE_HU[0] - low) / (high - low), (IMAGE_HU[1] - low) / (high - low)
    strongest = STRONGEST_HU / (high - low)
    return (0.0, strongest) if kind == "darker" else (-strongest, strongest)
