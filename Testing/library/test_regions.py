"""The one table of regions: numbers, sides, and what DICOM asks of codes."""

from __future__ import annotations

import pytest

from deepstroke.errors import InputError
from deepstroke.regions import BY_ABBREVIATION, REGIONS, SIDED_REGIONS, SIDES, region_of


def test_numbers_and_names_are_those_of_the_score_sheet() -> None:
    assert [region.number for region in REGIONS] == list(range(1, 11))
    assert [region.abbreviation for region in REGIONS] == ["C", "L", "IC", "I", "M1", "M2", "M3", "M4", "M5", "M6"]
    assert [region.level for region in REGIONS[4:]] == ["ganglionic"] * 3 + ["supraganglionic"] * 3


def test_left_is_1_to_10_and_right_11_to_20() -> None:
    assert BY_ABBREVIATION["M2"].label("left") == 6
    assert BY_ABBREVIATION["M2"].label("right") == 16
    for label in range(1, 21):
        region, side = region_of(label)
        assert region.label(side) == label
        assert side == ("left" if label <= 10 else "right")
    assert len(SIDED_REGIONS) == 20
    assert SIDES == ("left", "right")


@pytest.mark.parametrize("label", [0, 21, -1])
def test_other_labels_are_refused(label: int) -> None:
    with pytest.raises(InputError, match=rf"1\.\.20, found {label}"):
        region_of(label)


def test_every_region_has_its_own_colour_and_code() -> None:
    assert len({region.colour for region in REGIONS}) == 10
    assert len({(region.code.scheme, region.code.value) for region in REGIONS}) == 10
    for region in REGIONS:
        assert len(region.code.value) <= 16, "a DICOM short string"
        assert len(region.code.scheme) <= 16, "a DICOM short string"
        assert len(region.code.meaning) <= 64, "a DICOM long string"
        assert all(0 <= channel <= 255 for channel in region.colour)
