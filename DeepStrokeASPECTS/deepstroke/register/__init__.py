"""Registration of heads: engines, transforms, their files and their quality."""

from deepstroke.register.quality import QualityLimits, RegistrationQuality
from deepstroke.register.registration import register
from deepstroke.register.settings import FastSettings
from deepstroke.register.transform import DisplacementField, SpatialTransform

__all__ = ["DisplacementField", "FastSettings", "QualityLimits", "RegistrationQuality", "SpatialTransform", "register"]
