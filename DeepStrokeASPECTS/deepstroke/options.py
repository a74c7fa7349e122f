"""The choices that a user makes for a run of ``segment``."""

from __future__ import annotations

from typing import Literal

#: ``auto`` takes the route that measurements favour on the device at hand, the atlas where no weights are.
Method = Literal["auto", "unet", "atlas", "both"]
#: Registration engine; ``auto`` is ``fast``.
Engine = Literal["auto", "fast", "ants"]
