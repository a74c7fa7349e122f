"""Manifests and files of weights: what can't be used is refused by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from deepstroke.errors import WeightsError
from deepstroke.inference import AutoRoute, amend_manifest, available, find_weights, load_network, read_manifest
from phantoms_network import write_weights


@pytest.fixture
def homes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Folders of shipped and of installed weights, both empty."""
    shipped, installed = tmp_path / "Resources" / "Models", tmp_path / "home" / "models"
    shipped.mkdir(parents=True)
    monkeypatch.setenv("DEEPSTROKE_RESOURCES", str(shipped.parent))
    monkeypatch.setenv("DEEPSTROKE_HOME", str(installed.parent))
    return shipped, installed


def _altered(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def test_what_later_versions_added_has_a_default(tmp_path: Path) -> None:
    manifest = read_manifest(write_weights(tmp_path))
    assert (manifest.input.centre, manifest.output.temperature) == ("brain", 1.0)
    assert (manifest.auto_route, manifest.default) == (None, False)


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        ({"input": {"spacing_mm": 0}}, "input.spacing_mm above 0 is expected, found 0"),
        ({"input": {"shape": [8, 8]}}, "input.shape of three axes is expected"),
        ({"input": {"hu_range": [100, 0]}}, "input.hu_range from low to high is expected"),
        ({"input": {"hu_range": [0, 1, 2]}}, "too many values"),
        ({"input": {"centre": "nose"}}, "input.centre brain or head is expected, found 'nose'"),
        ({"input": {"stages": []}}, "input.stages names none"),
        ({"output": {"temperature": 0.0}}, "output.temperature above 0 is expected, found 0.0"),
        ({"auto_route": {"cpu": "unet", "cuda": "magic", "reason": ""}}, "auto_route.cpu and .cuda are"),
        ({"auto_route": {"cpu": "unet"}}, "KeyError: 'cuda'"),
        ({"format": 2}, "layout 2; this version reads 1"),
    ],
)
def test_a_manifest_that_cannot_be_used_names_its_fault(tmp_path: Path, more: dict[str, Any], fault: str) -> None:
    with pytest.raises(WeightsError, match=rf"by-hand\.json can't be used: .*{fault}"):
        read_manifest(write_weights(tmp_path, **more))


def test_all_faults_are_named_at_once(tmp_path: Path) -> None:
    path = write_weights(tmp_path, input={"spacing_mm": -1, "overlap": 1.5})
    with pytest.raises(WeightsError, match=r"input\.spacing_mm .*; input\.overlap"):
        read_manifest(path)


def test_a_flipped_bit_is_refused_by_name(tmp_path: Path) -> None:
    path = write_weights(tmp_path)
    _altered(path)
    with pytest.raises(WeightsError, match=r"by-hand\.safetensors was altered or cut short") as refused:
        load_network(path)
    assert refused.value.code == "sha256"


def test_no_safetensors_with_the_right_hash_is_refused_too(tmp_path: Path) -> None:
    import hashlib

    path = write_weights(tmp_path)
    path.write_bytes(b"\x80\x04K\x01.")  # a pickle
    manifest = json.loads(path.with_suffix(".json").read_text())
    manifest["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    path.with_suffix(".json").write_text(json.dumps(manifest))
    with pytest.raises(WeightsError, match="is of another network than phantom-seeing"):
        load_network(path)


def test_an_unknown_network_is_refused(tmp_path: Path) -> None:
    path = write_weights(tmp_path)
    text = path.with_suffix(".json").read_text().replace("phantom-seeing", "no-such-net")
    path.with_suffix(".json").write_text(text)
    with pytest.raises(WeightsError, match="network 'no-such-net' is unknown"):
        load_network(path)


def test_amending_keeps_the_rest(tmp_path: Path) -> None:
    path = write_weights(tmp_path, training={"step": 7})
    route = AutoRoute("atlas", "unet", "held-out Dice .91 against .87")
    amended = amend_manifest(path, temperature=1.4, residual_mm=5.5, auto_route=route, default=True)
    assert amended == read_manifest(path)
    assert (amended.output.temperature, amended.output.residual_mm) == (1.4, 5.5)
    assert (amended.auto_route, amended.default) == (route, True)
    assert json.loads(path.with_suffix(".json").read_text())["training"] == {"step": 7}


def test_amending_with_nonsense_leaves_the_file(tmp_path: Path) -> None:
    path = write_weights(tmp_path)
    before = path.with_suffix(".json").read_bytes()
    with pytest.raises(WeightsError, match="temperature above 0"):
        amend_manifest(path, temperature=-1.0)
    assert path.with_suffix(".json").read_bytes() == before


def test_without_weights_the_message_says_where_they_belong(homes: tuple[Path, Path]) -> None:
    assert available() == []
    with pytest.raises(WeightsError, match=r"no network weights are installed; put NAME\.safetensors and"):
        find_weights()


def test_shipped_weights_come_first_and_default_ones_before_all(homes: tuple[Path, Path]) -> None:
    shipped, installed = homes
    write_weights(shipped, "b")
    write_weights(installed, "a")
    assert find_weights() == shipped / "b.safetensors"
    write_weights(shipped, "c", default=True)
    assert find_weights() == shipped / "c.safetensors"
    assert [(entry.name, entry.state) for entry in available()] == [
        ("c", "shipped"),
        ("b", "shipped"),
        ("a", "installed"),
    ]
    assert find_weights("a") == installed / "a.safetensors"
    assert find_weights(installed / "a.safetensors") == installed / "a.safetensors"
    with pytest.raises(WeightsError, match=r"no network weights named 'd'.* here are: c, b, a"):
        find_weights("d")


def test_damaged_weights_are_listed_and_not_taken(homes: tuple[Path, Path]) -> None:
    shipped, _ = homes
    write_weights(shipped, "a").with_suffix(".json").write_text("{")
    path = write_weights(shipped, "b")
    assert find_weights() == path
    _altered(path)
    damaged = {entry.name: entry.fault or "" for entry in available(check=True) if entry.state == "damaged"}
    assert set(damaged) == {"a", "b"}
    assert "was altered" in damaged["b"]


def test_the_doctor_lists_weights_and_finds_damage(homes: tuple[Path, Path]) -> None:
    from deepstroke.commands.doctor import _weights

    assert [(check.status, check.found) for check in _weights()] == [("optional", "none")]
    path = write_weights(homes[0], "a")
    (check,) = _weights()
    assert (check.status, check.what) == ("ok", "network weights a")
    assert "phantom-seeing, 3 mm, stripped heads, the file matches its sha256" in check.found
    _altered(path)
    (check,) = _weights()
    assert check.status == "missing"
    assert "a.safetensors was altered" in check.found
