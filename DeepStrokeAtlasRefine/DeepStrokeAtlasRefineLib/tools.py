"""The editing tools of the panel: which function of the library each of them is, for a scope."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from functools import partial

from deepstroke.errors import InputError
from deepstroke.volume import LabelMap
from DeepStrokeAtlasRefineLib.parameters import Scope
from DeepStrokeAtlasRefineLib.session import Session

Edit = Callable[[LabelMap], LabelMap]


class Tool(Enum):
    """A tool of the panel; the value is part of its button's name."""

    MIRROR = "mirror"
    FILL = "fill"
    SMOOTH = "smooth"
    LARGEST = "largest"
    SPLIT = "split"


def edit_of(
    tool: Tool, session: Session, scope: Scope, selected: int | None, smooth_mm: float, level_mm: float
) -> Edit:
    """What a tool does to the regions.

    Args:
        tool: which.
        session: what is loaded.
        scope: which regions; the split of the levels takes all.
        selected: the selected region's sided label.
        smooth_mm: standard deviation of the smoothing.
        level_mm: height of the plane between the levels.

    Raises:
        InputError: the selected region is asked for and none is selected.
    """
    from deepstroke.atlas import editing

    if tool is Tool.SPLIT:
        return partial(editing.split_at_level, level_mm=level_mm)
    regions = scope.regions(selected)
    if not regions:
        raise InputError("no region is selected: click one in the list, or choose all", code="selection")
    if tool is Tool.MIRROR:
        sources = Scope.LEFT.regions(None) if scope is Scope.BOTH else regions
        return partial(editing.mirrored, sources=sources, midline=session.midline_mm)
    if tool is Tool.SMOOTH:
        return partial(editing.smoothed, regions=regions, scale_mm=smooth_mm)
    return partial({Tool.FILL: editing.filled, Tool.LARGEST: editing.largest_pieces}[tool], regions=regions)
