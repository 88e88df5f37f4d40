"""Settings of segwright.yaml that a task other than semantic does not learn or predict with: refused, or said."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel

from segwright.core import ConfigError, Listener, Note, Problem, raise_collected
from segwright.project.schema import Project
from segwright.project.training import Training

# Asks for work that nothing would do: path -> why there is none
REFUSED = {
    "training.hard_crops": "places are drawn again by the loss of their pixels, and objects have their network's own",
    "training.rare_by": "crops are centred on objects, each as likely as another whatever its size",
    "training.augment.copy_paste_edge_px": "pasted objects are cut along their masks",
    "training.augment.cutmix": "it puts rectangles in, which would cut objects at their sides",
    "training.augment.mosaic": "it puts crops side by side, which would cut objects at their sides",
    "training.augment.erase": "it would leave objects that are nobody's to find",
    "inference.flips": "objects are looked for in one view of each tile",
    "inference.quarter_turns": "objects are looked for in one view of each tile",
    "inference.scales": "objects are looked for in one view of each tile",
    "inference.blend": "objects of several tiles are joined, not blended",
}
# Belongs to a task the project may have had before: path -> what counts instead
SAID = {
    "loss": "the network learns from its paper's own losses",
    "cleanup": "inference.objects or inference.segments says what stays",
    "alerts": "areas of classes are judged in masks, not in objects",
    "model.decoder_widths": "the network has its own heads: model.options.width",
}

NOT_FOLLOWED = {**REFUSED, **SAID}
OBJECT_TASKS = ("instance", "panoptic")


def check_used(project: Project, listener: Listener) -> None:
    """Refuse settings that a task of objects cannot follow, all of them, and say which sections count for nothing.

    A setting counts as given where it is not the usual one. Of a semantic task nothing is left out here.

    Raises:
        ConfigError: settings that ask for what is not done.
    """
    if project.task in ("semantic", "auto"):
        _say_objects_only(project, listener)
        return
    usual = Project(classes=project.classes, data=project.data)
    problems = []
    for path, why in REFUSED.items():
        given, only = _at(project, path), _at(usual, path)
        if given != only:
            rule, allowed = f"cannot be followed for task: {project.task}: {why}", json.dumps(only)
            problems.append(Problem(path, rule, allowed, json.dumps(given), f"{path}={allowed}, or leave it out"))
    raise_collected(problems, ConfigError)
    for path, why in SAID.items():
        given = _at(project, path)
        if given != _at(usual, path):
            names = ", ".join(_differing(path, given, _at(usual, path)))
            listener(Note("plan", f"not used by task: {project.task}: {names}; {why}", "warning"))


def _say_objects_only(project: Project, listener: Listener) -> None:
    """What only objects are learned with."""
    for name in ("least_visible", "least_object_px"):
        if getattr(project.training, name) != Training.model_fields[name].default:
            listener(Note("plan", f"not used by task: {project.task}: training.{name}; it is of objects", "warning"))


def _at(project: Project, path: str) -> Any:
    value: Any = project
    for name in path.split("."):
        value = getattr(value, name)
    return value


def _differing(path: str, given: Any, usual: Any) -> list[str]:
    """The keys below `path` that are not the usual ones."""
    if not isinstance(given, BaseModel) or type(given) is not type(usual):
        return [path]
    found = []
    for name in type(given).model_fields:
        mine, theirs = getattr(given, name), getattr(usual, name)
        if mine != theirs:
            found += _differing(f"{path}.{name}", mine, theirs)
    return found
