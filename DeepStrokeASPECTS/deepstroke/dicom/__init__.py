"""DICOM in and out: find and choose series, read them with their true geometry, write segmentations."""

from deepstroke.dicom.inspection import choose_series, inspect
from deepstroke.dicom.records import Inspection, RejectedFile, SeriesRecord
from deepstroke.dicom.scan import Scan, read_scan, read_series
from deepstroke.dicom.stack import SliceStack

__all__ = [
    "Inspection",
    "RejectedFile",
    "Scan",
    "SeriesRecord",
    "SliceStack",
    "choose_series",
    "inspect",
    "read_scan",
    "read_series",
]
