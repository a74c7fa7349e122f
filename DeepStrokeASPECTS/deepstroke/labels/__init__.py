"""Merge and split of labels: a network tells apart merged labels, and each gets its own back by where it lies."""

from deepstroke.labels.graph import adjacency, colour, degeneracy, volume_ratios
from deepstroke.labels.plan import MergePlan

__all__ = ["MergePlan", "adjacency", "colour", "degeneracy", "volume_ratios"]
