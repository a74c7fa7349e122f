"""How asymmetry maps are shown: their names, colours and windows, and over the scan."""

from __future__ import annotations

from typing import Any

from slicer.i18n import tr as _

from deepstroke.asymmetry_maps import ASYMMETRY_MAPS, MapKind, shown_values
from DeepStrokeASPECTSLib import views

_KINDS: dict[str, MapKind] = {each.file: each.kind for each in ASYMMETRY_MAPS}
#: Grey as the scan, and red to yellow.
_GREY, _COLOURS = "vtkMRMLColorTableNodeGrey", "vtkMRMLColorTableNodeIron"
#: Of the strongest difference shown, what is drawn from.
_LEAST_SHARE = 0.2
_OPACITY = 0.5


def title_of(name: str) -> str:
    """A map's name in lists, of the name of its file."""
    titles = {
        "x": _("X: aligned head"),
        "a": _("A: total asymmetry"),
        "p": _("P: pathological asymmetry"),
        "q": _("Q: intrinsic asymmetry"),
        "x-hat": _("X_hat: own asymmetry evened out"),
        "x-tilde": _("X_tilde: lesion evened out"),
    }
    return titles.get(name) or _("probability of infarct")


def colour(node: Any, name: str, hu_range: tuple[float, float]) -> None:
    """Give a map's volume the colours and the window in which it is read.

    Args:
        node: the volume node.
        name: of the map's file; another one than an asymmetry map's is a probability.
        hu_range: HU that are 0 and 1 of the network's image.
    """
    kind = _KINDS.get(name)
    if kind is None:
        views.colour_map(node)
        return
    display = node.GetDisplayNode()
    low, high = shown_values("image" if kind == "image" else "darker", hu_range)
    display.SetAndObserveColorNodeID(_GREY if kind == "image" else _COLOURS)
    display.AutoWindowLevelOff()
    display.SetWindowLevelMinMax(low, high)
    if kind != "image":  # Where nothing is darker the scan is seen; so are places where Q is below 0.
        display.AutoThresholdOff()
        display.ApplyThresholdOn()
        display.SetThreshold(_LEAST_SHARE * high, max(1.0, high))


def show_over(node: Any, name: str) -> None:
    """Show a map over the scan: images hide it, colours let it through."""
    views.show_over(node, 1.0 if _KINDS.get(name) == "image" else _OPACITY)
