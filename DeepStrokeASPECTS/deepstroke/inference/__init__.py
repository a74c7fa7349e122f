"""Networks that were trained: their weights, how they are applied to a scan, and how far their answer goes."""

from deepstroke.inference.agreement import Agreement, agreement_of
from deepstroke.inference.segmenter import NetworkSegmentation, NetworkSegmenter
from deepstroke.inference.settings import GuardLimits, InferenceSettings
from deepstroke.inference.store import WeightsEntry, available, find_weights
from deepstroke.inference.weights import (
    AutoRoute,
    WeightsInput,
    WeightsManifest,
    WeightsNetwork,
    WeightsOutput,
    amend_manifest,
    load_network,
    read_manifest,
)

__all__ = [
    "Agreement",
    "AutoRoute",
    "GuardLimits",
    "InferenceSettings",
    "NetworkSegmentation",
    "NetworkSegmenter",
    "WeightsEntry",
    "WeightsInput",
    "WeightsManifest",
    "WeightsNetwork",
    "WeightsOutput",
    "agreement_of",
    "amend_manifest",
    "available",
    "find_weights",
    "load_network",
    "read_manifest",
]
