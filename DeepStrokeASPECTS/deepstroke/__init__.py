"""DeepStroke: ASPECTS regions of each hemisphere on non-contrast head CT. Research use only, no medical device."""

__version__ = "0.1.0"
