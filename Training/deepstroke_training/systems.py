"""``deepstroke-train fit CONFIG`` for the published systems beside ours: the key ``system`` names one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from deepstroke.errors import ConfigError
from deepstroke.progress import Progress, silent
from deepstroke_training.configuration import fill, unknown_names
from deepstroke_training.configuration_files import read_settings

#: The key of a configuration that names its system; a file without it trains a network of ASPECTS regions.
SYSTEM = "system"
#: Where runs go that name no folder.
_RUNS = Path("runs")

Runner = Callable[[Mapping[str, Any], Path, Progress], str]


def system_of(config: str | Path) -> str | None:
    """The system that a configuration names; none: a network of ASPECTS regions.

    Raises:
        ConfigError: the file can't be read, or there is no such system.
    """
    name = read_settings(config).get(SYSTEM)
    if name is not None and name not in _RUNNERS:
        raise ConfigError("\n".join(unknown_names([str(name)], tuple(_RUNNERS), SYSTEM)), code="settings")
    return name


def settings_of(config: str | Path, overrides: Sequence[str] = ()) -> dict[str, Any]:
    """The settings of a configuration without the key that names the system.

    Raises:
        ConfigError: the file or an override can't be read.
    """
    settings = read_settings(config, overrides)
    settings.pop(SYSTEM, None)
    return settings


def fit_system(
    config: str | Path, overrides: Sequence[str] = (), output: Path | None = None, progress: Progress = silent
) -> str:
    """Do what a configuration with the key ``system`` says; the same file gives the same table again.

    Args:
        config: YAML.
        overrides: such as ``"epochs=3"``.
        output: folder of the run; none: ``runs/`` with the configuration's name.
        progress: told what runs.

    Returns:
        The table of figures.

    Raises:
        ConfigError: settings are unknown or out of range; one fault a line.
        InputError: a case can't be used, or the disk refuses.
    """
    name = system_of(config)
    if name is None:
        raise ConfigError(f"{config}: no {SYSTEM} is named; there are {', '.join(_RUNNERS)}", code="settings")
    folder = output or _RUNS / Path(config).stem
    return _RUNNERS[name](settings_of(config, overrides), folder, progress)


def check_system(config: str | Path) -> Any:
    """The settings of a configuration as its system reads them, nothing being run.

    Raises:
        ConfigError: settings are unknown or out of range; one fault a line.
    """
    return fill(_settings_class(system_of(config)), settings_of(config))


def _settings_class(name: str | None) -> type:
    if name == "merge-split":
        from deepstroke_training.merge_split.benchmark_work import MergeWork

        return MergeWork
    if name == "asymmetry":
        from deepstroke_training.asymmetry.settings import AsymmetrySettings

        return AsymmetrySettings
    if name == "networks":
        from deepstroke_training.benchmarks.networks_work import NetworksWork

        return NetworksWork
    from deepstroke_training.cerebellum.settings import CerebellumSettings

    return CerebellumSettings


def _merge_split(settings: Mapping[str, Any], folder: Path, progress: Progress) -> str:
    from deepstroke_training.merge_split import benchmark

    return benchmark.run(fill(_settings_class("merge-split"), settings), folder / "merge_split.json", progress).table()


def _asymmetry(settings: Mapping[str, Any], folder: Path, progress: Progress) -> str:
    from deepstroke_training.asymmetry.comparing import compare

    return compare(fill(_settings_class("asymmetry"), settings), folder, progress).table()


def _networks(settings: Mapping[str, Any], folder: Path, progress: Progress) -> str:
    from deepstroke_training.benchmarks import networks

    return networks.run(fill(_settings_class("networks"), settings), folder / "networks.json", progress).table()


def _cerebellum(settings: Mapping[str, Any], folder: Path, progress: Progress) -> str:
    from deepstroke_training.cerebellum.fitting import fit_and_test

    return fit_and_test(fill(_settings_class("cerebellum"), settings), folder, progress)


def _cerebellum_comparison(settings: Mapping[str, Any], folder: Path, progress: Progress) -> str:
    from deepstroke_training.cerebellum.fitting import compare_augmentation

    return compare_augmentation(fill(_settings_class("cerebellum-comparison"), settings), folder, progress)


_RUNNERS: dict[str, Runner] = {
    "merge-split": _merge_split,
    "cerebellum": _cerebellum,
    "cerebellum-comparison": _cerebellum_comparison,
    "asymmetry": _asymmetry,
    "networks": _networks,
}
