"""From a CT volume to a brain: windowing, resampling, brain extraction, checks, mid-sagittal alignment."""
