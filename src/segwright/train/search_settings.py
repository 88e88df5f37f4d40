"""A project with other values in it, what may be searched over, and the project file that a search ends with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from segwright.core import ConfigError
from segwright.project.read import validated
from segwright.project.schema import Project
from segwright.project.search import Space
from segwright.train.checkpoint import write_atomically
from segwright.train.not_used import NOT_FOLLOWED, OBJECT_TASKS
from segwright.train.weight_sources import is_name

# These say what is learned, on which frames, and how it is judged: trials that differ in them cannot be compared.
FIXED = ("classes.", "data.", "split.", "search.", "name", "task", "training.select", "training.seed")


def with_values(project: Project, values: Mapping[str, Any]) -> Project:
    """The project with `section.key` -> value in place.

    Raises:
        ConfigError: a key that does not exist, or a value it does not take.
    """
    settings = project.model_dump(mode="json", exclude_unset=True)
    for key, value in values.items():
        _put(settings, key, value)
    return validated(settings, "search.space")


def space_of(project: Project, task: str) -> Space:
    """What is tried in a project of this task: its space; of the usual one what the task learns with.

    Raises:
        ConfigError: the project's own space names settings that this task does not learn or predict with.
    """
    space = project.search.space
    idle = [key for key in space if task in OBJECT_TASKS and any(_is_below(key, path) for path in NOT_FOLLOWED)]
    if not idle:
        return space
    if "space" not in project.search.model_fields_set:
        return {key: choice for key, choice in space.items() if key not in idle}
    why = dict.fromkeys(NOT_FOLLOWED[path] for key in idle for path in NOT_FOLLOWED if _is_below(key, path))
    raise ConfigError.of(
        "search.space",
        f"names settings that change nothing for task: {task}: {'; '.join(why)}",
        allowed="settings of training, model and inference that this task follows",
        found=", ".join(idle),
        fix="take them out of the space, or leave the space out to try the usual settings",
    )


def _is_below(key: str, path: str) -> bool:
    """Whether `key` is the setting `path`, or one in that section."""
    return key == path or key.startswith(f"{path}.")


def require_searchable(project: Project, space: Space) -> None:
    """Refuse settings that do not exist, ends that they do not take, and settings that must not change.

    Raises:
        ConfigError: with the first kind of trouble that is found.
    """
    fixed = [key for key in space if key.startswith(FIXED)]
    if fixed:
        raise ConfigError.of(
            "search.space",
            "names settings that must be the same in every trial",
            allowed="settings of model, loss, training, distill, inference",
            found=", ".join(fixed),
            fix="take them out of the space",
        )
    for last in (False, True):
        ends = {
            key: choice[-1 if last else 0] if isinstance(choice, list) else choice.high if last else choice.low
            for key, choice in space.items()
        }
        with_values(project, ends)


def write_best(path: Path, given: Mapping[str, Any], values: Mapping[str, Any], head: str) -> None:
    """Write the project file `given` with the best trial's `values` in place; `head` stands above it as comments."""
    settings = yaml.safe_load(yaml.safe_dump(dict(given)))  # a copy of its own
    settings.pop("search", None)
    for key, value in values.items():
        _put(settings, key, value)
    comments = "".join(f"# {line}\n" for line in head.splitlines())
    text = comments + yaml.safe_dump(settings, sort_keys=False, allow_unicode=True, width=110)
    write_atomically(path, lambda part: part.write_text(text, encoding="utf-8"))


def given_settings(project: Project, base: Path) -> dict[str, Any]:
    """What the project file says, with paths that hold from any folder."""
    settings = project.model_dump(mode="json", exclude_unset=True)
    absolute = {("data", "root"), ("data", "columns_csv"), ("data", "dicom"), ("training", "distill_from")}
    absolute |= {("distill", "unlabelled")}
    for section, key in absolute:
        value = settings.get(section, {}).get(key)
        if value is not None and "://" not in value:
            settings[section][key] = str((base / value).resolve())
    weights = settings.get("model", {}).get("weights")
    if not is_name(weights):
        settings["model"]["weights"] = str((base / weights).resolve())
    settings.setdefault("split", {})["file"] = str((base / project.split.file).resolve())
    return settings


def _put(settings: dict[str, Any], key: str, value: Any) -> None:
    *sections, last = key.split(".")
    block = settings
    for name in sections:
        found = block.get(name)
        # a loss term may be its weight alone, or a block with its weight and options
        block[name] = found if isinstance(found, dict) else {}
        block = block[name]
    found = block.get(last)
    if isinstance(found, dict) and "weight" in found and not isinstance(value, dict):
        found["weight"] = value
    else:
        block[last] = value
