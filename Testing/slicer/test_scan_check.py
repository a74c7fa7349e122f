"""The check line under the volume selector."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from readings import SHAPE, TILTED, tilted_ct

from deepstroke.volume import Volume

if TYPE_CHECKING:
    from host import Host


def test_the_facts_of_a_tilted_ct(host: Host) -> None:
    from DeepStrokeASPECTSLib.scan_check import check_scan

    check = check_scan(tilted_ct())
    assert check.facts == "CT · 16 slices, 5.0 mm apart · 75 mm covered · tilt 12.0° · no contrast noted"
    assert check.obstacle is None
    assert any("75 mm" in warning for warning in check.warnings)
    assert any("tilted" in warning for warning in check.warnings)


def test_what_the_headers_say_comes_first(host: Host) -> None:
    from DeepStrokeASPECTSLib.scan_check import SliceFacts, check_scan

    facts = SliceFacts("CT", "Iohexol", 5.0, (1.1, 7.0, 7.2) * 10, 18.5)
    check = check_scan(tilted_ct(), facts)
    assert "1.1 to 7.2 mm apart" in check.facts
    assert "tilt 18.5°" in check.facts
    assert "contrast: Iohexol" in check.facts
    text = " ".join(check.warnings)
    assert "without contrast" in text
    assert "unevenly spaced" in text
    assert "7.2 mm apart" in text


@pytest.mark.parametrize(
    ("volume", "words"),
    [
        (Volume(np.full(SHAPE, 300, np.int16), np.diag([0.5, 0.5, 5.0, 1.0])), "no CT"),
        (Volume(tilted_ct().data[:, :, :4], TILTED), "Only 4 slices"),
        (Volume(tilted_ct().data, TILTED[[2, 0, 1, 3]]), "not axial"),
    ],
)
def test_what_can_not_be_read_is_said(host: Host, volume: Volume, words: str) -> None:
    from DeepStrokeASPECTSLib.scan_check import check_scan

    assert words in (check_scan(volume).obstacle or "")


def test_another_modality_is_named(host: Host) -> None:
    from DeepStrokeASPECTSLib.scan_check import SliceFacts, check_scan

    assert "MR" in (check_scan(tilted_ct(), SliceFacts("MR")).obstacle or "")
