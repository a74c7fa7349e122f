"""Atlases: a CT-like template with the ASPECTS regions, where they lie, and how they come onto a scan."""

from deepstroke.atlas.aggregate import MeanOverlay, OverlaySum, aggregate_overlays
from deepstroke.atlas.install import install
from deepstroke.atlas.model import Atlas
from deepstroke.atlas.outlines import border_points, outlines
from deepstroke.atlas.overlay_cloud import OverlayCloud
from deepstroke.atlas.propagate import propagate_labels, propagate_to_points
from deepstroke.atlas.publish import Publication, publish
from deepstroke.atlas.ridges import Ridge, extract_ridge
from deepstroke.atlas.second_pass import RefinementSettings, refine
from deepstroke.atlas.store import DEFAULT_NAME, AtlasEntry, available, info, load

__all__ = [
    "DEFAULT_NAME",
    "Atlas",
    "AtlasEntry",
    "MeanOverlay",
    "OverlayCloud",
    "OverlaySum",
    "Publication",
    "RefinementSettings",
    "Ridge",
    "aggregate_overlays",
    "available",
    "border_points",
    "extract_ridge",
    "info",
    "install",
    "load",
    "outlines",
    "propagate_labels",
    "propagate_to_points",
    "publish",
    "refine",
]
