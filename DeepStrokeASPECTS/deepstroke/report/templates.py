"""What every page is made with: its templates, how figures stand in them, and the policy that allows its scripts."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

_FOLDER = Path(__file__).parent / "template"


def render(template: str, **context: Any) -> str:
    """A page as text; what stands in the context is escaped, and a name that isn't there is an error."""
    return _environment().get_template(template).render(**context)


def text_of(name: str) -> str:
    """A script or a notice that lies beside the templates."""
    return (_FOLDER / name).read_text(encoding="utf-8")


def script_policy(scripts: Iterable[str]) -> Markup:
    """The hashes by which a page's policy allows its own scripts and no other."""
    from markupsafe import Markup

    return Markup(" ".join(f"'{_csp_hash(script)}'" for script in scripts))


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.filters.update(hu=_hu, share=_share, moment=_moment)
    return environment


def _hu(value: float | None) -> str:
    """HU with a true minus sign."""
    return "–" if value is None else f"{value:.1f}".replace("-", "−")


def _share(value: float | None) -> str:
    """A figure from 0 to 1."""
    return "–" if value is None else f"{value:.2f}"


def _moment(created: str) -> str:
    return datetime.fromisoformat(created).strftime("%Y-%m-%d %H:%M %Z")


def _csp_hash(script: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
