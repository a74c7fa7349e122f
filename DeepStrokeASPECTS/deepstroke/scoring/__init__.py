"""From regions to a score that a reader can check."""

from deepstroke.scoring.measures import RegionMeasures, measure_regions, report_obstacles

__all__ = ["RegionMeasures", "measure_regions", "report_obstacles"]
