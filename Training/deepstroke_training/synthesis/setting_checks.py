"""How settings are refused: all faults at once, each with what was found and what is allowed."""

from __future__ import annotations

from deepstroke.errors import ConfigError


def refuse(owner: str, faults: list[str]) -> None:
    """Raise for the faults, if there are any.

    Raises:
        ConfigError: names the owner and every fault.
    """
    if faults:
        raise ConfigError(f"{owner}: " + "; ".join(faults), code="synthesis-settings")


def outside(name: str, value: float, low: float, high: float) -> list[str]:
    """The fault of a value outside its range, or none."""
    return [] if low <= value <= high else [f"{name} is {low:g}..{high:g}, found {value:g}"]
