"""The synthetic cohort's rule of involvement, its stated drops, and its files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from deepstroke.errors import ConfigError
from deepstroke.volume import LabelMap, Volume
from deepstroke_training.scoring.cohort import make_scanned_cohort, score_members, with_stated_drops, write_grid_case
from deepstroke_training.synthesis import AcuteInfarct, FocalLesion, HeadSettings, PathologySettings


@pytest.mark.parametrize(("drawn", "stated"), [(3.0, 4.0), (10.0, 10.0), (6.5, 7.0)])
def test_drops_are_brought_into_their_range(drawn: float, stated: float) -> None:
    other = FocalLesion("old", (30.0, 0.0, 20.0), 8.0)
    settings = HeadSettings(pathology=PathologySettings((AcuteInfarct("left", ("M2",), drop_hu=drawn), other)))
    infarct, kept = with_stated_drops(settings).pathology.lesions
    assert infarct.drop_hu == pytest.approx(stated)  # type: ignore[union-attr]
    assert kept == other


def test_members_keep_their_settings_whatever_the_number() -> None:
    few, many = list(score_members(2, 9)), list(score_members(4, 9))
    assert few == many[:2]
    drops = [x.drop_hu for *_, s in score_members(60, 9) for x in s.pathology.lesions if isinstance(x, AcuteInfarct)]
    assert drops
    assert min(drops) >= 4.0
    assert max(drops) <= 10.0


def test_a_region_is_involved_from_a_fifth_of_its_tissue_on(tmp_path: Path) -> None:
    regions = np.zeros((20, 10, 10), np.uint8)
    regions[:10], regions[10:] = 5, 16
    hu = np.full(regions.shape, 30, np.int16)
    hu[:, :, 0] = 5  # fluid doesn't count
    lesions = np.zeros_like(regions)
    lesions[:2, :, :] = 1  # 20 % of the tissue of left M1
    lesions[10:11, :, :] = 1  # 10 % of right M2
    lesions[12:16, :, :] = 2  # an old defect
    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    label_map = LabelMap(regions, affine)
    brain = LabelMap(np.ones_like(regions), affine)
    row = write_grid_case("a", Volume(hu, affine), label_map, brain, lesions, ["old"], 5.0, tmp_path)
    assert row.involved == {"left": ("M1",), "right": ()}
    assert row.facts["involvement"] == "5:0.200 16:0.100"
    assert (tmp_path / row.ct).is_file()
    assert (tmp_path / row.labels).is_file()


def test_an_empty_cohort_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="at least one case"):
        make_scanned_cohort(tmp_path, 0, 1)
