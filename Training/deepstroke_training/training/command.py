"""``deepstroke-train fit`` and ``deepstroke-train export``: train a network, and hand its weights on."""

from __future__ import annotations

import argparse
import re
import sys
import warnings
from pathlib import Path
from typing import Any

from deepstroke.commands.console import console_progress, show

_FIT = """\
Train a network as a YAML file says; see Training/configs. Settings may be changed behind it, such as optimizer.lr=3e-4
or trainer.max_minutes=40. A file with the key system trains and tests one of the other published systems and prints its
table. Started by torchrun (Training/scripts/train.sh) it trains on several GPUs or processes. A run
that was killed goes on with --resume as if it had not been."""
_EXPORT = """\
Write the best weights of a run (their average, where the run averages) as safetensors, with a JSON manifest that
inference reads and a model card for people beside them."""


def add_parser(commands: argparse._SubParsersAction, common: argparse.ArgumentParser) -> None:
    """Declare both commands."""
    fit = commands.add_parser("fit", parents=[common], help="train a network", description=_FIT)
    fit.add_argument("config", metavar="CONFIG.yaml", type=Path)
    fit.add_argument("overrides", metavar="key=value", nargs="*", help="settings laid over those of the file")
    fit.add_argument("--resume", action="store_true", help="go on with the run in the folder, or start it")
    fit.add_argument("-o", "--output", metavar="RUN", type=Path, help="folder of the run (default: output.folder/name)")
    fit.set_defaults(run=_fit)
    _accept_settings_anywhere(fit)
    export = commands.add_parser("export", parents=[common], help="export a run's best weights", description=_EXPORT)
    export.add_argument("trained", metavar="RUN", type=Path, help="folder of the run")
    export.add_argument("-o", "--output", metavar="FILE.safetensors", type=Path, required=True)
    export.add_argument("--name", help="of the weights (default: the run's)")
    export.add_argument("--licence", default="Apache-2.0", help="of the weights (default Apache-2.0)")
    export.set_defaults(run=_export)


def _accept_settings_anywhere(parser: argparse.ArgumentParser) -> None:
    """Let ``key=value`` stand before, between and behind options, which argparse alone doesn't."""
    parse = parser.parse_known_args

    def parse_known_args(args: Any = None, namespace: Any = None) -> Any:
        words = list(args or ())
        values = {index + 1 for index, word in enumerate(words) if word in ("-o", "--output")}
        settings = [n for n, word in enumerate(words) if n not in values and re.match(r"[A-Za-z_][\w.]*=", word)]
        found, unknown = parse([word for n, word in enumerate(words) if n not in settings], namespace)
        found.overrides = [words[n] for n in settings]
        return found, unknown

    parser.parse_known_args = parse_known_args  # type: ignore[method-assign]


def _fit(arguments: argparse.Namespace) -> None:
    from deepstroke_training.configuration import load_configuration
    from deepstroke_training.systems import system_of
    from deepstroke_training.training.fit import fit
    from deepstroke_training.training.placement import is_first_process

    warnings.showwarning = _show_warning
    if system_of(arguments.config) is not None:
        _fit_system(arguments)
        return
    settings = load_configuration(arguments.config, arguments.overrides)
    run = arguments.output or settings.folder
    with console_progress(arguments.quiet or not is_first_process()) as progress:
        summary = fit(settings, run, arguments.resume, progress)
    if is_first_process():
        best = "no validation" if summary.best is None else f"best {summary.best:.4f} at step {summary.best_step}"
        show(f"{summary.stopped}; {summary.steps} steps in {summary.minutes:.1f} minutes; {best}; see {run}")


def _fit_system(arguments: argparse.Namespace) -> None:
    from deepstroke.errors import ConfigError
    from deepstroke_training.systems import fit_system

    if arguments.resume:
        raise ConfigError(f"{arguments.config}: --resume goes on with networks of regions alone", code="settings")
    with console_progress(arguments.quiet) as progress:
        text = fit_system(arguments.config, arguments.overrides, arguments.output, progress)
    show(text)


def _export(arguments: argparse.Namespace) -> None:
    from deepstroke_training.training.export import export

    manifest = export(arguments.trained, arguments.output, arguments.name, arguments.licence)
    show(f"wrote {arguments.output} (sha256 {manifest.sha256[:16]}...), its manifest and its model card")


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    """A warning as a user reads it, without the line of code."""
    sys.stderr.write(f"warning: {message}\n")
