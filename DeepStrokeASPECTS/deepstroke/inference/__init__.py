"""Networks that were trained: their weights, and what these were made from."""

from deepstroke.inference.weights import (
    WeightsInput,
    WeightsManifest,
    WeightsNetwork,
    WeightsOutput,
    load_network,
    read_manifest,
)

__all__ = ["WeightsInput", "WeightsManifest", "WeightsNetwork", "WeightsOutput", "load_network", "read_manifest"]
