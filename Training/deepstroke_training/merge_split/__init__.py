"""Label merge-and-split in training: plans from label files, their pictures, and the benchmark against no merging."""

from deepstroke_training.merge_split.parcellation import WarpedParcellation
from deepstroke_training.merge_split.sources import LabelFiles

__all__ = ["LabelFiles", "WarpedParcellation"]
