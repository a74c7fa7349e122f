"""From regions to a score that a reader can check.

The contract on which the report, the SR and the Slicer module build:

``score(volume, labels, ...) -> AspectsScore``. It holds ``regions``, twenty ``RegionScore`` in the order of the labels
1..20; ``total``, an ``AspectsResult``; and ``findings``, the guards' warnings. The total of a side is 10 less its
regions with ``involved is True``. A region that can't be judged has ``involved is None``, ``probability is None`` and
says why in ``obstacles`` (words: ``SCORE_OBSTACLE_WORDS``); it is not counted, but ``lowest`` is lower by one for each
on the affected side. A reader's override of regions is totalled by ``totals_of``. No total (``score``, ``left`` and
``right`` are None) is given where ``withheld`` names a finding that forbids it, such as ``haemorrhage``.

In ``report.json``::

    "regions": [{"region": "M1", "side": "left", "volume_ml", "mean_hu", "median_hu", "confidence", "probability",
                 "involved", "assessable", "obstacle",
                 "obstacles": ["no-mirror", ...],
                 "reasons": [{"measure": "difference_hu", "text": "mean 4.2 HU below the ...", "push": 1.7}, ...],
                 "excluded": {"fluid", "calcification", "blood", "other"},        fractions 0..1 of the region
                 "tissue": {"tissue_ml", "mean_hu", "median_hu", "sd_hu", "p5_hu", "p25_hu", "p75_hu", "p95_hu",
                            "lower_hu", "upper_hu", "below_reference", "below_28_hu", "z", "difference_hu",
                            "relative_difference", "ratio",
                            "texture": {...}} or null}, ...]                      20 of them, labels 1..20
    "aspects": {"side", "score", "left", "right", "lowest", "highest", "side_given", "withheld": ["haemorrhage", ...],
                "method", "model", "threshold"}

``mean_hu`` and ``median_hu`` of a region are those of its tissue where the score ran: CSF, calcification and blood are
left out and their fractions stand in ``excluded``. ``obstacle`` is the first of ``obstacles``, or null. Codes of the
warnings: ``haemorrhage``, ``old-infarct``, ``infarct-outside-mca``, ``region-not-assessable``, ``both-sides-involved``,
``score-doubtful`` (registration, confidence, motion, noise), ``score-withheld``.
"""

from deepstroke.scoring.measures import RegionMeasures, measure_regions, report_obstacles
from deepstroke.scoring.result import (
    SCORE_METHODS,
    SCORE_OBSTACLE_WORDS,
    AspectsResult,
    AspectsScore,
    Exclusions,
    Reason,
    RegionScore,
    ScoreMethod,
    ScoreObstacle,
    TissueMeasures,
)
from deepstroke.scoring.scorer import score
from deepstroke.scoring.store import load_score_model
from deepstroke.scoring.totals import totals_of

__all__ = [
    "SCORE_METHODS",
    "SCORE_OBSTACLE_WORDS",
    "AspectsResult",
    "AspectsScore",
    "Exclusions",
    "Reason",
    "RegionMeasures",
    "RegionScore",
    "ScoreMethod",
    "ScoreObstacle",
    "TissueMeasures",
    "load_score_model",
    "measure_regions",
    "report_obstacles",
    "score",
    "totals_of",
]
