"""Read a project file, apply `key=value` overrides, and say everything that is wrong with it at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError

from segwright.core import ConfigError, Problem
from segwright.project.schema import Project

PROJECT_FILE = "segwright.yaml"


def read_project(path: Path, overrides: Sequence[str] = ()) -> Project:
    """The project that the file at `path` describes, with `section.key=value` overrides applied.

    Raises:
        ConfigError: no such file, not YAML, an unknown key (with the nearest known one), a value out of range.
    """
    return validated(with_overrides(_mapping(path), overrides), str(path))


def validated(settings: Mapping[str, Any], place: str) -> Project:
    """The project in a mapping, or a ConfigError with every problem in it."""
    try:
        return Project.model_validate(settings)
    except ValidationError as error:
        raise ConfigError(*(_problem(place, row) for row in error.errors())) from None


def project_schema() -> dict[str, Any]:
    """The JSON schema of segwright.yaml, for editors."""
    return Project.model_json_schema()


def with_overrides(settings: dict[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """`settings` with each `a.b=value` put in place; values are read as YAML."""
    problems: list[Problem] = []
    for text in overrides:
        key, separator, value = text.partition("=")
        if not separator or not key:
            problems.append(Problem(text, "is not an override", "section.key=value", text, "e.g. training.steps=300"))
            continue
        *path, last = key.strip().split(".")
        block = settings
        for name in path:
            block = block.setdefault(name, {})
            if not isinstance(block, dict):
                problems.append(Problem(text, f"'{name}' is a value, not a section", found=str(block)))
                break
        else:
            block[last] = yaml.safe_load(value)
    if problems:
        raise ConfigError(*problems)
    return settings


def _mapping(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        fix = "segwright init FOLDER writes one for a folder of frames"
        raise ConfigError.of(str(path), "does not exist", found="no such file", fix=fix) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError.of(str(path), "is not a YAML file", found=str(error).replace("\n", " ")) from None
    if not isinstance(content, dict):
        raise ConfigError.of(
            str(path), "is not a mapping", allowed="sections such as classes:, data:", found=repr(content)
        )
    return content


def _problem(place: str, row: Any) -> Problem:
    key = ".".join(str(part) for part in row["loc"])
    if row["type"] == "extra_forbidden":
        known = list(_keys_at(row["loc"][:-1]))
        close = get_close_matches(str(row["loc"][-1]), known, n=1)
        fix = f"did you mean '{close[0]}'?" if close else "remove it"
        return Problem(f"{place}: {key}", "is not a known key", ", ".join(known), str(row["loc"][-1]), fix)
    if row["type"] == "missing":
        return Problem(
            f"{place}: {key}", "is missing", fix=f"add `{key}:`; `segwright init` writes a commented example"
        )
    return Problem(
        f"{place}: {key or 'the file'}", row["msg"].removeprefix("Value error, "), found=repr(row["input"])[:120]
    )


def _keys_at(location: Sequence[str | int]) -> Iterator[str]:
    model: type[BaseModel] = Project
    for part in location:
        field = model.model_fields.get(str(part))
        inner = (
            None
            if field is None
            else next((kind for kind in (field.annotation, *get_args(field.annotation)) if _is_model(kind)), None)
        )
        if inner is None:
            return
        model = inner
    yield from model.model_fields


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)
