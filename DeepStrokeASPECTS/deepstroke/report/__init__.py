"""What a reader gets: pictures, ``report.html`` and ``report.json``, all made from one ``Report``."""

from deepstroke.report.contents import (
    AspectsResult,
    OutputFile,
    RegionResult,
    Report,
    SeriesFacts,
    hash_outputs,
)
from deepstroke.report.figures import Caption, draw_figure, draw_overview
from deepstroke.report.html import write_html

__all__ = [
    "AspectsResult",
    "Caption",
    "OutputFile",
    "RegionResult",
    "Report",
    "SeriesFacts",
    "draw_figure",
    "draw_overview",
    "hash_outputs",
    "write_html",
]
