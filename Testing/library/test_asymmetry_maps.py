"""The table of the asymmetry maps against the network that makes them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from deepstroke.asymmetry_maps import ASYMMETRY_MAPS, shown_values
from deepstroke.infarct.maps import MAP_FILES, PROBABILITY
from deepstroke.networks import AsymmetryDisentanglementNetwork


def test_every_map_that_is_written_is_in_the_table() -> None:
    assert {each.file for each in ASYMMETRY_MAPS} == set(MAP_FILES.values()) - {PROBABILITY}


def test_values_lie_within_the_limits_that_the_table_states() -> None:
    torch.manual_seed(0)
    network = AsymmetryDisentanglementNetwork(base_channels=8)
    maps = network.disentangle(torch.rand(1, 1, 16, 16, 16))
    by_file = {file: getattr(maps, name).detach().numpy() for name, file in MAP_FILES.items()}
    for each in ASYMMETRY_MAPS:
        low, high = (float(word.replace("−", "-")) for word in each.limits.split(" to "))
        assert low - 1e-6 <= by_file[each.file].min() <= by_file[each.file].max() <= high + 1e-6, each.file
        assert (each.kind == "signed") == (each.file == "q")
    assert by_file["q"].min() < 0, "the paper's Q isn't cut at 0"


def test_images_are_shown_in_the_stroke_window_and_differences_up_to_16_hu() -> None:
    assert shown_values("image", (0.0, 80.0)) == (0.25, 0.75)
    assert shown_values("image", (-20.0, 60.0)) == (0.5, 1.0)
    assert shown_values("darker", (0.0, 80.0)) == pytest.approx((0.0, 0.2))
    assert np.allclose(shown_values("signed", (0.0, 160.0)), (-0.1, 0.1))
