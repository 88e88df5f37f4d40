"""Read a project file, apply `key=value` overrides, and say everything that is wrong with it at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from segwright.core import ConfigError, Problem
from segwright.project.schema import Project
from segwright.project.wording import allowed, shown

PROJECT_FILE = "segwright.yaml"


def read_project(path: Path, overrides: Sequence[str] = ()) -> Project:
    """The project that the file at `path` describes, with `section.key=value` overrides applied.

    Raises:
        ConfigError: no such file, not YAML, an unknown key (with the nearest known one), a value out of range,
            a class table that cannot be.
    """
    return validated(with_overrides(_mapping(path), overrides), str(path))


def validated(settings: Mapping[str, Any], place: str) -> Project:
    """The project in a mapping, or a ConfigError with every problem in it."""
    # A section whose every line is commented out is null in YAML; it means the defaults, as leaving it out does.
    given = {key: value for key, value in settings.items() if value is not None}
    try:
        project = Project.model_validate(given)
    except ValidationError as error:
        raise ConfigError(*_problems(place, given, error.errors())) from None
    try:
        project.classes.table()
    except ConfigError as error:
        named = (
            replace(row, place=f"{place}: {row.place.replace('class table', 'classes', 1)}") for row in error.problems
        )
        raise ConfigError(*named) from None
    return project


def project_schema() -> dict[str, Any]:
    """The JSON schema of segwright.yaml, for editors."""
    return Project.model_json_schema()


def with_overrides(settings: dict[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """`settings` with each `a.b=value` put in place; values are read as YAML.

    Raises:
        ConfigError: with one problem for each override that cannot be read.
    """
    problems: list[Problem] = []
    for text in overrides:
        key, separator, value = text.partition("=")
        if not separator or not key:
            problems.append(Problem(text, "is not an override", "section.key=value", text, "e.g. training.steps=300"))
            continue
        *path, last = key.strip().split(".")
        try:
            _section(settings, path)[last] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            found = str(error).replace("\n", " ")
            fix = "put the value in quotes"
            problems.append(Problem(text, "has a value that is not YAML", "section.key=value", found, fix))
        except TypeError as error:
            problems.append(Problem(text, str(error), "section.key=value", text, "name a key of a section"))
    if problems:
        raise ConfigError(*problems)
    return settings


def _mapping(path: Path) -> dict[str, Any]:
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), _OnceOnly)
    except FileNotFoundError:
        fix = "segwright init FOLDER writes one for a folder of frames"
        raise ConfigError.of(str(path), "does not exist", found="no such file", fix=fix) from None
    except OSError as error:
        raise ConfigError.of(
            str(path),
            "cannot be read",
            allowed="a file",
            found=error.strerror or str(error),
            fix="name the segwright.yaml itself, and check that you may read it",
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError.of(
            str(path), "is not a YAML file", allowed="UTF-8 text in YAML", found=str(error).replace("\n", " "),
            fix="correct it at the place named; text with a colon or a bracket stands in quotes",
        ) from None  # fmt: skip
    if not isinstance(content, dict):
        raise ConfigError.of(
            str(path),
            "is not a mapping",
            allowed="sections such as classes:, data:",
            found=shown(content),
            fix="segwright init FOLDER writes one for a folder of frames",
        )
    return content


def _section(settings: dict[str, Any], path: Iterable[str]) -> dict[str, Any]:
    """The block at `path`, made where it is missing or empty."""
    block = settings
    for name in path:
        if block.get(name) is None:
            block[name] = {}
        block = block[name]
        if not isinstance(block, dict):
            raise TypeError(f"'{name}' is a value, not a section")
    return block


class _OnceOnly(yaml.SafeLoader):
    """YAML in which a key may stand once: of two, PyYAML would silently drop the first."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        twice = sorted({key for key in keys if keys.count(key) > 1})
        if twice:
            raise yaml.constructor.ConstructorError(None, None, f"key twice: {', '.join(twice)}", node.start_mark)
        return super().construct_mapping(node, deep)


def _problems(place: str, settings: Mapping[str, Any], rows: Iterable[Any]) -> Iterator[Problem]:
    """One problem a key: pydantic gives a row for each type that a value might have had."""
    by_key: dict[str, list[Any]] = {}
    for row in rows:
        by_key.setdefault(_key(settings, row), []).append(row)
    for key, same in by_key.items():
        if not any(other.startswith(f"{key}.") for other in by_key):
            yield _problem(place, key, same)


def _key(settings: Mapping[str, Any], row: Any) -> str:
    """The dotted key of an error, without the names pydantic gives to the types of a union."""
    *path, last = row["loc"] or ("",)
    if last == "[key]":
        path, last = path[:-1], row["input"]
    block: Any = settings
    parts = []
    for part in path:
        if isinstance(block, Mapping) and part in block:
            parts.append(str(part))
            block = block[part]
    if row["type"] in ("missing", "extra_forbidden") or (isinstance(block, Mapping) and last in block):
        parts.append(str(last))
    return ".".join(parts)


def _problem(place: str, key: str, rows: Sequence[Any]) -> Problem:
    row = rows[0]
    where = f"{place}: {key}" if key else place
    found = shown(row["input"])
    if row["type"] == "extra_forbidden":
        known = list(_fields_at(row["loc"][:-1]))
        close = get_close_matches(str(row["loc"][-1]), known, n=1)
        fix = f"did you mean '{close[0]}'?" if close else "remove it"
        return Problem(where, "is not a known key", ", ".join(known), str(row["loc"][-1]), fix)
    if row["type"] == "missing" and isinstance(row["loc"][-1], int):
        return Problem(where, "is missing: the list is too short", fix=_instead(row["loc"]))
    if row["type"] == "missing":
        return Problem(where, "is missing", fix=f"add `{key}:`; `segwright init` writes a commented example")
    if row["loc"] and row["loc"][-1] == "[key]":
        return Problem(where, "is not text", "text", found, f'put it in quotes: "{row["input"]}"')
    if row["type"] == "value_error":
        fix = "correct one of the two: docs/project-file.md describes every key"
        return Problem(where, row["msg"].removeprefix("Value error, "), found=found, fix=fix)
    return Problem(where, "has a value it cannot take", allowed(rows), found, _instead(row["loc"]))


def _instead(location: Sequence[str | int]) -> str:
    """The next step for a wrong value: where the key has a default, leaving it out gives that."""
    for depth, part in enumerate(location):
        field = _fields_at(location[:depth]).get(str(part))
        default = None if field is None else _plain(field.default)
        if isinstance(default, str | int | float | list):
            usual = default if isinstance(default, str) else shown(default)
            return f"correct it, or leave `{part}` out: the default is {usual}"
    return "correct it: docs/project-file.md describes every key"


def _plain(default: Any) -> Any:
    return list(default) if isinstance(default, tuple) else default


def _fields_at(location: Sequence[str | int]) -> Mapping[str, FieldInfo]:
    """The fields of the section at `location`; none where it is a value."""
    model: type[BaseModel] = Project
    for part in location:
        if part == model.__name__:  # the name that pydantic gives to one type of a union
            continue
        field = model.model_fields.get(str(part))
        kinds = () if field is None else (field.annotation, *get_args(field.annotation))
        inner = next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)
        if inner is None:
            return {}
        model = inner
    return model.model_fields
