"""Pictures of the atlas: the patient's left stands on the right, where radiologists look for it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib import image as images

from deepstroke.regions import REGIONS
from deepstroke.volume import LabelMap, Volume
from deepstroke_training.atlas_authoring import frame
from deepstroke_training.atlas_authoring.pictures import montage


def test_left_regions_are_drawn_on_the_right_of_the_picture(tmp_path: Path) -> None:
    data = np.zeros(frame.ATLAS_SHAPE, np.uint8)
    data[20:50, 60:140, 60:100] = REGIONS[4].label("left")
    labels = LabelMap(data, frame.ijk_to_ras())
    grey = Volume(np.zeros(frame.ATLAS_SHAPE, np.float32), frame.ijk_to_ras())
    path = montage(grey, labels, tmp_path / "axial.png", cut="axial", places_mm=(4,), window=(0.0, 50.0))
    picture = images.imread(path)[..., :3]
    height, width = picture.shape[0], picture.shape[1] // 5
    panel = picture[int(0.1 * height) : int(0.85 * height), :width]
    colour = np.array(REGIONS[4].colour) / 255
    columns = np.nonzero((np.abs(panel - colour) < 0.25).all(axis=-1))[1]
    assert len(columns) > 50
    assert columns.min() > width / 2
