"""The choices that a user makes for a run of ``segment``."""

from __future__ import annotations

from typing import Literal

#: ``auto`` takes the route that measurements favour on the device at hand, the atlas where no weights are.
Method = Literal["auto", "unet", "atlas", "both"]
#: The route that was taken.
Route = Literal["atlas", "unet", "both"]
#: Registration engine; ``auto`` is ``fast``.
Engine = Literal["auto", "fast", "ants"]
#: Where the registration starts from: the heads' moments and turns of them, or the pose that the network found.
Start = Literal["auto", "moments", "network"]
