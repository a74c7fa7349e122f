"""``fit`` on a configuration that names one of the other published systems."""

from __future__ import annotations

from pathlib import Path

import pytest

from deepstroke.errors import ConfigError
from deepstroke_training.cli import main
from deepstroke_training.systems import check_system, fit_system, settings_of, system_of

TINY = """\
system: merge-split
labels: 5
size: 16
depth: 2
base_channels: 2
batch: 1
training_cases: 1
held_out_cases: 2
steps: 2
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "tiny.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_without_the_key_trains_regions(tmp_path: Path) -> None:
    path = written(tmp_path, "name: mine\n")
    assert system_of(path) is None
    with pytest.raises(ConfigError, match=r"no system is named; there are merge-split"):
        fit_system(path)


def test_an_unknown_system_is_refused_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="did you mean 'asymmetry'"):
        system_of(written(tmp_path, "system: asymetry\n"))


def test_overrides_lie_over_the_file_and_faults_name_their_setting(tmp_path: Path) -> None:
    path = written(tmp_path, TINY)
    assert settings_of(path, ["steps=3"]) | {"size": 0} == settings_of(path) | {"steps": 3, "size": 0}
    with pytest.raises(ConfigError, match="stepps: no such setting; did you mean 'steps'"):
        check_system(written(tmp_path, TINY + "stepps: 1\n"))


def test_fit_refuses_to_resume_a_comparison(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fit", str(written(tmp_path, TINY)), "--resume", "-o", str(tmp_path / "run")]) == 1
    assert "--resume" in capsys.readouterr().err


@pytest.mark.slow
def test_fit_writes_the_systems_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("monai")
    run = tmp_path / "run"
    assert main(["--quiet", "fit", str(written(tmp_path, TINY)), "device=cpu", "-o", str(run)]) == 0
    assert "merged / unmerged" in capsys.readouterr().out
    assert (run / "merge_split.md").is_file()
    assert (run / "merge_split.json").is_file()
