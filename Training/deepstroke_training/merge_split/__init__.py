"""Label merge-and-split in training: plans from label files, their pictures, and the benchmark against no merging."""
