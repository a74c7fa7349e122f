"""Infarcts by the asymmetry of the head: the Asymmetry Disentanglement Network applied to a scan."""

from deepstroke.infarct.result import InfarctResult
from deepstroke.infarct.segmentation import segment_infarct

__all__ = ["InfarctResult", "segment_infarct"]
