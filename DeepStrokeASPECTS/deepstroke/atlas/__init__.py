"""Atlases: a CT-like template with the ASPECTS regions, where they lie, and how they come onto a scan."""

from deepstroke.atlas.install import install
from deepstroke.atlas.model import Atlas
from deepstroke.atlas.outlines import outlines
from deepstroke.atlas.propagate import propagate_labels, propagate_to_points
from deepstroke.atlas.store import DEFAULT_NAME, AtlasEntry, available, info, load

__all__ = [
    "DEFAULT_NAME",
    "Atlas",
    "AtlasEntry",
    "available",
    "info",
    "install",
    "load",
    "outlines",
    "propagate_labels",
    "propagate_to_points",
]
