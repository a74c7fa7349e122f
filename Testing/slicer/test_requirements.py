"""What is missing, how large it is, and how it is installed; pip itself is stood in for."""

from __future__ import annotations

import hashlib
import sys
import types
from pathlib import Path

import pytest

from deepstroke.errors import InputError, MissingDependencyError
from DeepStrokeSlicerLib import requirements
from DeepStrokeSlicerLib.requirements import Missing, install, load_requirements, missing_packages, size_mb


def test_what_is_here_is_not_missing() -> None:
    assert missing_packages(["numpy>=1.26", "pytest>=7"]) == []


def test_the_absent_and_the_old_are_missing() -> None:
    found = missing_packages(["no-such-package-here>=1.0", "numpy>=9999.1"])
    assert found[0] == Missing("no-such-package-here>=1.0", None)
    assert found[1].requirement == "numpy>=9999.1"
    assert found[1].found is not None


@pytest.mark.parametrize(
    ("version", "least", "older"),
    [("2.13.0+cpu", "2.4", False), ("1.9.9", "1.10", True), ("3.0", "3.0.24", True), ("2026.4.1", "2025.0", False)],
)
def test_versions_are_compared_by_numbers(version: str, least: str, older: bool) -> None:
    assert requirements._older(version, least) is older


def test_a_requirements_file_may_hold_comments(tmp_path: Path) -> None:
    (tmp_path / "r.txt").write_text("# needed\nnumpy>=1.26  # arrays\n\nscipy\n", encoding="utf-8")
    assert load_requirements(tmp_path / "r.txt") == ["numpy>=1.26", "scipy"]


def test_the_cuda_build_is_larger(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requirements, "has_nvidia_driver", lambda: True)
    torch = [Missing("torch>=2.4", None)]
    assert size_mb(torch, "auto") > 5 * size_mb(torch, "cpu")


def test_a_wheelhouse_is_checked_and_no_index_is_asked(tmp_path: Path) -> None:
    wheel = tmp_path / "a-1-py3-none-any.whl"
    wheel.write_bytes(b"wheel")
    with pytest.raises(InputError, match="SHA256SUMS"):
        install([Missing("a>=1", None)], wheelhouse=tmp_path, installer=pytest.fail)
    digest = hashlib.sha256(b"wheel").hexdigest()
    (tmp_path / "SHA256SUMS").write_text(f"{digest}  {wheel.name}\n", encoding="utf-8")
    calls: list[list[str]] = []
    install([Missing("a>=1", None)], wheelhouse=tmp_path, installer=calls.append)
    assert calls == [["--no-index", "--find-links", str(tmp_path), "a>=1"]]
    wheel.write_bytes(b"another")
    with pytest.raises(InputError, match="altered"):
        install([Missing("a>=1", None)], wheelhouse=tmp_path, installer=pytest.fail)
    (tmp_path / "b-1-py3-none-any.whl").touch()
    wheel.write_bytes(b"wheel")
    with pytest.raises(InputError, match="isn't on the list"):
        install([Missing("a>=1", None)], wheelhouse=tmp_path, installer=pytest.fail)


def test_torch_comes_through_the_pytorch_extension(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, object]] = []

    class Logic:
        def installTorch(self, **options: object) -> object:  # noqa: N802 - the extension's name
            asked.append(options)
            return None if len(asked) > 1 else object()

    monkeypatch.setitem(sys.modules, "PyTorchUtils", types.SimpleNamespace(PyTorchUtilsLogic=Logic))
    calls: list[list[str]] = []
    missing = [Missing("torch>=2.4", None), Missing("nibabel>=5.2", None)]
    install(missing, "cpu", installer=calls.append)
    assert asked == [{"forceComputationBackend": "cpu", "torchVersionRequirement": ">=2.4"}]
    assert calls == [["nibabel>=5.2"]]
    with pytest.raises(MissingDependencyError, match="PyTorch was not installed"):
        install(missing, installer=calls.append)


def test_a_python_that_the_packages_are_not_made_for_is_refused_by_name() -> None:
    requirements.require_python((3, 10))
    with pytest.raises(MissingDependencyError, match=r"brings Python 3\.9.* needs 3\.10 or later: take Slicer 5\.10"):
        requirements.require_python((3, 9))
