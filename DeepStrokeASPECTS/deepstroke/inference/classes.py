"""What the channels of a network stand for."""

from __future__ import annotations

from collections.abc import Sequence

from deepstroke.errors import WeightsError
from deepstroke.regions import BY_ABBREVIATION, REGIONS, SIDES, Side

#: The name of the background among a manifest's labels.
BACKGROUND = "background"


def numbers_of(labels: Sequence[str]) -> tuple[int, ...]:
    """The label of each channel: 0 the background; 1..10 regions; 1..20 sided regions, where names have sides.

    Args:
        labels: names of the channels, such as ``background``, ``M1``, or ``M1 left``.

    Raises:
        WeightsError: the first isn't the background, a name isn't known, occurs twice, or only some have sides.
    """
    parsed = [_parsed(name) for name in labels[1:]]
    sided = {side is not None for _, side in parsed}
    if labels[:1] not in ((BACKGROUND,), [BACKGROUND]) or len(sided) != 1 or len(set(labels)) != len(labels):
        raise WeightsError(
            f"the manifest's labels are the background and regions, all with a side or all without, found {labels}",
            code="labels",
        )
    return (0, *(region if side is None else REGIONS[region - 1].label(side) for region, side in parsed))


def is_sided(labels: Sequence[str]) -> bool:
    """Whether the network tells sides by its channels."""
    return _parsed(labels[1])[1] is not None


def mirrored_channels(labels: Sequence[str]) -> list[int]:
    """For each channel the one that stands for it in a mirrored head."""
    other = {"left": "right", "right": "left"}
    names = [" ".join(other.get(word, word) for word in name.split(" ")) for name in labels]
    return [list(labels).index(name) for name in names]


def _parsed(name: str) -> tuple[int, Side | None]:
    region, _, side = name.partition(" ")
    if region not in BY_ABBREVIATION or side not in ("", *SIDES):
        known = ", ".join(BY_ABBREVIATION)
        raise WeightsError(f"the manifest names a label {name!r}; regions are {known}", code="labels")
    return BY_ABBREVIATION[region].number, side or None  # type: ignore[return-value]
