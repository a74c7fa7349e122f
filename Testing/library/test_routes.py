"""Which route is taken, and why."""

from __future__ import annotations

from pathlib import Path

import pytest

from deepstroke.devices import Device
from deepstroke.errors import ConfigError, WeightsError
from deepstroke.routes import choose_route
from phantoms_network import write_weights

CPU, GPU = Device("cpu", "some CPU", "asked for"), Device("cuda:0", "some GPU", "asked for")
MEASURED = {"cpu": "atlas", "cuda": "unet", "reason": "held-out Dice .91 against .87"}


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DEEPSTROKE_RESOURCES", str(tmp_path))
    monkeypatch.setenv("DEEPSTROKE_HOME", str(tmp_path / "home"))
    return tmp_path / "Models"


def test_the_atlas_leads_where_no_weights_are(shipped: Path) -> None:
    choice = choose_route("auto", CPU)
    assert (choice.route, choice.reason, choice.weights) == ("atlas", "no network weights are installed", None)


def test_the_atlas_leads_until_a_measurement_favours_the_network(shipped: Path) -> None:
    write_weights(shipped, "small")
    choice = choose_route("auto", CPU)
    assert (choice.route, choice.reason) == ("atlas", "no held-out measurement favours the weights small yet")


def test_auto_follows_the_measurement_on_the_device(shipped: Path) -> None:
    path = write_weights(shipped, "small", auto_route=MEASURED)
    on_cpu, on_gpu = choose_route("auto", CPU), choose_route("auto", GPU)
    assert (on_cpu.route, on_cpu.weights) == ("atlas", None)
    assert (on_gpu.route, on_gpu.weights, on_gpu.leader, on_gpu.may_fall_back) == ("unet", path, "unet", True)
    assert on_gpu.reason == "held-out Dice .91 against .87 (weights small)"


def test_what_is_asked_for_is_done(shipped: Path) -> None:
    path = write_weights(shipped, "small", auto_route=MEASURED)
    assert choose_route("atlas", GPU).weights is None
    unet = choose_route("unet", CPU)
    assert (unet.route, unet.reason, unet.weights, unet.leader) == ("unet", "asked for", path, "unet")
    assert not unet.may_fall_back
    assert choose_route("both", CPU).leader == "atlas"
    assert choose_route("both", GPU).leader == "unet"


@pytest.mark.parametrize("method", ["unet", "both"])
def test_a_network_that_is_not_here_is_refused(shipped: Path, method: str) -> None:
    with pytest.raises(WeightsError, match="no network weights are installed"):
        choose_route(method, CPU)  # type: ignore[arg-type]


def test_named_weights_that_are_not_here_are_refused_by_auto_too(shipped: Path) -> None:
    with pytest.raises(WeightsError, match="no network weights named 'large'"):
        choose_route("auto", CPU, "large")


def test_other_methods_are_refused() -> None:
    with pytest.raises(ConfigError, match="method is auto, unet, atlas or both, found 'magic'"):
        choose_route("magic", CPU)  # type: ignore[arg-type]
