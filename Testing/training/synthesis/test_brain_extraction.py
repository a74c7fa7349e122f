"""Brain extraction on synthetic heads whose cranial cavity is known: the target is a Dice of 0.97."""

from __future__ import annotations

import pytest

from deepstroke.errors import InputError
from deepstroke.evaluation import dice
from deepstroke.preprocess.brain import analyse_head
from deepstroke.preprocess.resampling import orthogonal
from deepstroke_training.synthesis import (
    AcquisitionSettings,
    AnatomySettings,
    FocalLesion,
    HeadSettings,
    PathologySettings,
    SyntheticHead,
)

COARSE = {"matrix": 220, "pixel_mm": 1.05, "render_mm": 1.05}
CALCIFIED = AnatomySettings(calcifications=("choroid", "pineal", "pallidum", "falx"))
BLEEDING = PathologySettings((FocalLesion("haemorrhage", (30.0, 0.0, 10.0), 18.0),))
OLD_INFARCT = PathologySettings((FocalLesion("old", (45.0, -10.0, 20.0), 25.0),))


def _thick(**settings: float) -> AcquisitionSettings:
    return AcquisitionSettings(**COARSE, **settings)  # type: ignore[arg-type]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("settings", "codes"),
    [
        (HeadSettings(acquisition=_thick()), []),
        (HeadSettings(acquisition=_thick(thickness_mm=1.5, step_mm=1.5, noise_hu=8.0)), []),
        (
            HeadSettings(
                AnatomySettings(atrophy=0.9, ventricle_mm=4.0),
                acquisition=_thick(tilt_degrees=15.0, yaw_degrees=12.0, roll_degrees=8.0),
            ),
            [],
        ),
        (HeadSettings(AnatomySettings(vault=0.6, bone_hu=1100.0), acquisition=_thick()), []),
        (HeadSettings(CALCIFIED, BLEEDING, _thick(tilt_degrees=10.0)), ["hyperdense-area"]),
        (HeadSettings(pathology=OLD_INFARCT, acquisition=_thick(yaw_degrees=20.0)), ["hypodense-area"]),
        (HeadSettings(acquisition=_thick(bottom_mm=-30.0)), ["base-cut-off"]),
        (HeadSettings(acquisition=_thick(top_mm=50.0)), ["vertex-cut-off"]),
    ],
    ids=[
        "thick",
        "thin",
        "tilted-atrophy",
        "thin-skull",
        "calcified-bleeding",
        "old-infarct",
        "base-cut",
        "vertex-cut",
    ],
)
def test_synthetic_heads(settings: HeadSettings, codes: list[str]) -> None:
    synthetic = SyntheticHead()
    volume = orthogonal(synthetic.generate(7, settings).volume)
    truth = synthetic.truth_on(volume, 7, settings).brain
    head = analyse_head(volume)
    assert dice(head.brain.mask, truth.mask) >= 0.97
    assert [finding.code for finding in head.findings] == codes


@pytest.mark.slow
def test_a_craniectomy_is_refused() -> None:
    settings = HeadSettings(AnatomySettings(craniectomy="left"), acquisition=_thick())
    with pytest.raises(InputError, match="the skull is open over"):
        analyse_head(SyntheticHead().generate(7, settings).volume)
