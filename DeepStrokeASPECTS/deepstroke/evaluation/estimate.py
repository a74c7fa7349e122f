"""A figure that carries its interval."""

from __future__ import annotations

from deepstroke.errors import InputError

#: Confidence of the intervals where none is asked for.
CONFIDENCE = 0.95


class Estimate(float):
    """A number with its confidence interval; it computes, compares and prints as the number.

    Attributes:
        low, high: ends of the interval.
        confidence: of the interval, 0..1.

    Example:
        >>> agreement = Estimate(0.71, 0.34, 0.95)
        >>> round(agreement, 1), agreement.low
        (0.7, 0.34)
    """

    __slots__ = ("confidence", "high", "low")

    low: float
    high: float
    confidence: float

    def __new__(cls, value: float, low: float, high: float, confidence: float = CONFIDENCE) -> Estimate:
        self = super().__new__(cls, value)
        self.low, self.high, self.confidence = float(low), float(high), float(confidence)
        return self

    def __getnewargs__(self) -> tuple[float, float, float, float]:  # type: ignore[override]
        """What a copy is made from."""
        return float(self), self.low, self.high, self.confidence

    def as_dict(self) -> dict[str, float]:
        """The figure for JSON."""
        return {"value": float(self), "low": self.low, "high": self.high, "confidence": self.confidence}

    def text(self, digits: int = 3) -> str:
        """The figure for tables, such as ``0.710 [0.342, 0.946]``."""
        return f"{float(self):.{digits}f} [{self.low:.{digits}f}, {self.high:.{digits}f}]"


def require_confidence(confidence: float) -> None:
    """Raise InputError unless the confidence lies between 0 and 1."""
    if not 0.0 < confidence < 1.0:
        raise InputError(f"a confidence lies between 0 and 1, such as 0.95; found {confidence:g}", code="confidence")
