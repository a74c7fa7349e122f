"""From hospital media to a data set: index, convert, strip, register, label, check."""

from deepstroke_training.curation.run import CurationReport, curate_media
from deepstroke_training.curation.settings import CurationSettings, ReviewLimits, coarse_registration

__all__ = ["CurationReport", "CurationSettings", "ReviewLimits", "coarse_registration", "curate_media"]
