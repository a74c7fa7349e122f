"""What a stage noticed and a reader of the result must know."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Finding:
    """One warning about an input or a result.

    Attributes:
        code: stable machine-readable name in kebab case, such as ``"gantry-tilt"``.
        message: one sentence for the reader, with figures and units, free of patient data.
    """

    code: str
    message: str

    def as_dict(self) -> dict[str, str]:
        """The finding as it stands in ``report.json``."""
        return asdict(self)
