"""The pages' templates, with the filters they share, and writing what they give.

Every page extends `layout.html.j2` (head, style, title, facts, footer) and takes its parts from `macros.html.j2`.
"""

from __future__ import annotations

from functools import cache, partial
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2

from segwright._version import __version__
from segwright.evaluate.scores import Score

_HERE = "segwright.evaluate.report"
_MINUS, _NARROW_SPACE = "−", "\u202f"


def write_page(path: Path, template: str, content: dict[str, Any], package: str = _HERE) -> None:
    """Write the page that `template` makes of `content` at `path`: to a temporary name, then one rename.

    The template lies in `package`; what it extends and imports lies there or here.
    """
    text = rendered(template, content, package)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".part")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)


def rendered(template: str, content: dict[str, Any], package: str = _HERE) -> str:
    """What `template` makes of `content`; see `write_page`."""
    return _environment(package).get_template(template).render(version=__version__, **content)


@cache
def _environment(package: str) -> jinja2.Environment:
    environment = jinja2.Environment(
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        loader=jinja2.FunctionLoader(partial(_source, package)),
    )
    environment.filters |= {
        "score": _score,
        "count": _count,
        "number": _number,
        "percent": _percent,
        "change": _change,
        "chance": _chance,
        "small": _small,
    }
    return environment


def _source(package: str, name: str) -> str:
    own = files(package).joinpath(name)
    return (own if own.is_file() else files(_HERE).joinpath(name)).read_text(encoding="utf-8")


def _score(value: Score) -> str:
    """Three digits after the point; a count has none."""
    return "–" if value is None else str(value) if isinstance(value, int) else f"{value:.3f}"


def _count(value: int) -> str:
    return f"{value:,}".replace(",", _NARROW_SPACE)


def _number(value: Score) -> str:
    """A length or a count: two digits after the point, none for whole numbers."""
    return "–" if value is None else str(value) if isinstance(value, int) else f"{value:.2f}"


def _percent(value: Score) -> str:
    return "–" if value is None else f"{100 * value:.{1 if value >= 0.1 else 2}f} %"


def _change(value: Score) -> str:
    """With its sign, always: `+0.031`, `−0.002`; what rounds to nothing is `0.000`, without one."""
    if value is None:
        return "–"
    text = _score(abs(value))
    return text if float(text) == 0 else f"{'+' if value > 0 else _MINUS}{text}"


def _chance(value: Score) -> str:
    """A p-value: two digits after the point, three where it is small; never 0."""
    if value is None:
        return "–"
    return "< 0.001" if value < 0.001 else f"{value:.3f}" if value < 0.1 else f"{value:.2f}"


def _small(value: float) -> str:
    """The bound of a p-value, with the digits it has."""
    return f"{value:.3g}"
