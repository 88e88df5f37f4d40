"""Settings of a format in messages: said as a project file has them, or as what to type where a command takes them.

The data room speaks of `options: {masks: FOLDER}`, which a project file holds. Where a command takes `--option` and its
data is no project, the fix names that: `--option masks=FOLDER`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from shlex import quote
from typing import Any, TypeVar

import yaml

from segwright.cli.datasets import PROJECT_SUFFIXES
from segwright.core import Problem, SegwrightError

_SETTINGS = re.compile(r"(?:set )?`(data: \{.*\}|options: \{.*?\}+)`")
_BESIDE = ("--out", "--classes")  # options whose file is no data
Raised = TypeVar("Raised", bound=SegwrightError)


def as_typed(error: Raised, arguments: Sequence[str]) -> Raised:
    """The error with `--option` in its fixes; `arguments` are those of a command that takes it.

    Where the data is a project file, it is given back as it is.
    """
    files = [word for before, word in zip(["", *arguments], arguments, strict=False) if before not in _BESIDE]
    if any(word.lower().endswith(PROJECT_SUFFIXES) for word in files):
        return error
    return type(error)(*(_typed(problem) for problem in error.problems))


def _typed(problem: Problem) -> Problem:
    return replace(problem, fix=_SETTINGS.sub(_options, problem.fix), allowed=_SETTINGS.sub(_options, problem.allowed))


def _options(match: re.Match[str]) -> str:
    """What to type for the settings that were found; the text as it is where it is no YAML."""
    try:
        found = yaml.safe_load(match[1])
    except yaml.YAMLError:
        return match[0]
    data = found.get("data", found)
    words = [f"--format {data['format']}"] if "format" in data else []
    words += [f"--option {quote(f'{key}={_text(value)}')}" for key, value in data.get("options", {}).items()]
    return f"`{' '.join(words)}`"


def _text(value: Any) -> str:
    """A value as one word of YAML."""
    if isinstance(value, Mapping):
        return "{...}"
    if isinstance(value, list):
        return f"[{', '.join(map(str, value))}]"
    return str(value).lower() if isinstance(value, bool) else str(value)
