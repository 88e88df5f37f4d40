"""What `segwright evaluate --task` may be, and which options each task has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from segwright.cli.evaluation.object_sides import RULES

TASKS = ("semantic", "instance", "panoptic", "volume")


# options that mean something for every task but masks, and beside them those of each
OF_ALL = (
    "arguments", "predictions", "truth", "classes", "columns", "columns_csv", "images", "task", "fail_if",
    "no_worse_than", "compare", "groups", "tolerance", "report", "json",
)  # fmt: skip
OF_TASK = {
    "instance": ("rule", "kind", "compare_report", "reconcile"),
    "panoptic": ("rule", "compare_report", "reconcile"),
    "volume": ("surface_tolerance",),
}


def require_task(task: str, rule: str | None, kinds: Sequence[str] | None) -> None:
    """Refuse a task that is not known, and a rule or kinds that the task has not.

    Raises:
        ConfigError: all that is wrong.
    """
    from segwright.core import ConfigError, Problem, raise_collected

    problems = []
    if task not in TASKS:
        problems.append(Problem("--task", "is not known", ", ".join(TASKS), task, "--task semantic"))
    if rule is not None and rule not in RULES.get(task, ()):
        allowed = ", ".join(RULES.get(task, ())) or "none: it is for --task instance and --task panoptic"
        fix = f"--rule {RULES[task][0]}" if task in RULES else "leave --rule out"
        problems.append(Problem("--rule", f"is not one of the {task} task", allowed, rule, fix))
    if kinds and task != "instance":
        allowed = "with --task instance"
        problems.append(
            Problem("--kind", f"says nothing for the {task} task", allowed, ", ".join(kinds), "leave it out")
        )
    raise_collected(problems, ConfigError)


def task_of(model: Path | None) -> str | None:
    """The task of the run or bundle at `model` where it finds objects or segments; else None."""
    import json

    import yaml

    if model is None:
        return None
    for name, read in (("bundle.json", json.loads), ("plan.yaml", yaml.safe_load)):
        try:
            content = read((model / name).read_text(encoding="utf-8"))
        except (OSError, ValueError, yaml.YAMLError):
            continue  # whoever opens it says what is wrong
        task = content.get("task") if isinstance(content, dict) else None
        return task if task in OF_OBJECTS else None
    return None


OF_OBJECTS = ("instance", "panoptic")
OF_MODEL = ("model", "data", "split", "part", "fold")


def refuse_others(task: str, given: Mapping[str, Any]) -> None:
    """Refuse options that say nothing for the task; `given` is option -> value, empty where it was not given.

    Raises:
        ConfigError: naming all of them.
    """
    from segwright.core import ConfigError

    if task not in OF_TASK:
        return
    known = (*OF_ALL, *OF_TASK[task], *(OF_MODEL if task in OF_OBJECTS and given["model"] else ()))
    others = [name for name, value in given.items() if value and name not in known]
    if others:
        raise ConfigError.of(
            "arguments", f"say nothing for the {task} task",
            allowed=", ".join(_option(name) for name in known if name != "arguments"),
            found=", ".join(_option(name) for name in others), fix="leave these options out",
        )  # fmt: skip


def _option(name: str) -> str:
    return "a RUN or BUNDLE" if name == "model" else f"--{name.rstrip('_').replace('_', '-')}"


def require_images(images: Path | None) -> None:
    """Refuse a folder of images that is none, before an hour of scoring.

    Raises:
        ConfigError: there is no such folder.
    """
    from segwright.core import ConfigError

    if images is not None and not images.is_dir():
        raise ConfigError.of(
            "--images", "is not a folder", allowed="the folder with the frames' images",
            found=f"{images}: {'a file' if images.exists() else 'nothing there'}", fix="check the path of --images",
        )  # fmt: skip


def require_sides(task: str, predictions: Path | None, truth: Path | None, names: tuple[str, str]) -> None:
    """Refuse a missing side; `names` are two that the fix may show.

    Raises:
        ConfigError: either is None.
    """
    from segwright.core import ConfigError

    if predictions is None or truth is None:
        raise ConfigError.of(
            "arguments", f"do not say what to score: the {task} task compares stored predictions with their truth",
            allowed="--predictions FILE|DIR --truth FILE|DIR",
            found="--truth is missing" if predictions else "no --predictions",
            fix=f"segwright evaluate --task {task} --predictions {names[0]} --truth {names[1]}",
        )  # fmt: skip
