"""segwright choose."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from segwright.cli.face import Face, JsonFlag

if TYPE_CHECKING:
    from collections.abc import Callable

    from segwright.project.choice import Choice, Otherwise, Situation

Project = Annotated[
    Path | None, typer.Argument(help="A segwright.yaml, whose frames are measured.", show_default=False)
]
Frames = Annotated[int | None, typer.Option(min=0, help="Labelled frames to train on.")]
Thin = Annotated[
    bool | None, typer.Option("--thin/--not-thin", help="Some class is a line of a few pixels.", show_default=False)
]
Tiny = Annotated[
    bool | None, typer.Option("--tiny/--not-tiny", help="Under 1 % of the pixels are foreground.", show_default=False)
]
Count = Annotated[
    bool | None, typer.Option("--count/--no-count", help="Objects must be told apart.", show_default=False)
]
Stuff = Annotated[
    bool | None, typer.Option("--stuff/--no-stuff", help="Regions are named beside them.", show_default=False)
]


def choose(
    project: Project = None,
    frames: Frames = None,
    fps: Annotated[float | None, typer.Option(min=0, help="Frames a second to keep up with.")] = None,
    thin: Thin = None,
    tiny: Tiny = None,
    count: Count = None,
    stuff: Stuff = None,
    scene: Annotated[bool, typer.Option("--scene", help="No class is the background.")] = False,
    boxes: Annotated[bool, typer.Option("--boxes", help="There are boxes and no masks.")] = False,
    clicks: Annotated[bool, typer.Option("--clicks", help="People click on what is wanted.")] = False,
    volumes: Annotated[bool, typer.Option("--volumes", help="Frames are slices of volumes.")] = False,
    json: JsonFlag = False,
) -> None:
    """Say which task, network and encoder suit your frames, why, and what would change the answer."""
    from segwright.project.choice import Situation, would_change
    from segwright.project.choice import choose as choice_of

    with Face(as_json=json) as face:
        _require_something(project, (frames, fps, thin, tiny, count, stuff), (scene, boxes, clicks, volumes))
        known = Situation() if project is None else _measured(project, face)
        situation = _told(known, frames, fps, (thin, tiny), (count, stuff), (scene, boxes, clicks, volumes))
        choice, others = choice_of(situation), would_change(situation)
        can = _possible(choice)
        face.finish(_payload(situation, choice, others, can), _answer(choice, others, can, project))


def _require_something(project: Path | None, told: tuple[Any, ...], flags: tuple[bool, ...]) -> None:
    from segwright.core import ConfigError

    if project is None and all(value is None for value in told) and not any(flags):
        raise ConfigError.of(
            "arguments", "say nothing about what is to be segmented", allowed="a segwright.yaml, or what you know",
            found="nothing", fix="segwright choose segwright.yaml, or segwright choose --frames 150 --thin",
        )  # fmt: skip


def _measured(path: Path, face: Face) -> Situation:
    """What the training frames of a project say: all its frames where it has no split yet."""
    from segwright.data import fingerprint, open_with_settings, read_folds
    from segwright.project import read_project
    from segwright.project.choice import Situation

    project = read_project(path)
    dataset = open_with_settings(project.data.root, project.data, project.classes.table(), path.parent)
    split = path.parent / project.split.file
    stems = None
    if split.is_file():
        folds = read_folds(split)
        stems = folds[min(project.split.fold or 0, len(folds) - 1)].stems("train")
    seen = fingerprint(dataset, stems, listener=face.listener)
    pixels = {name: row.pixels for name, row in seen.classes.items()}
    widths = {name: row.median_width_px for name, row in seen.classes.items()}
    return Situation.of(dataset.classes, seen.frames, pixels, widths)


def _told(
    known: Situation,
    frames: int | None,
    fps: float | None,
    shape: tuple[bool | None, bool | None],
    objects: tuple[bool | None, bool | None],
    flags: tuple[bool, bool, bool, bool],
) -> Situation:
    """What was measured, with what the user says in its place."""
    from segwright.project.choice import THIN_PX, TINY_SHARE

    (thin, tiny), (count, stuff), (scene, boxes, clicks, volumes) = shape, objects, flags
    said: dict[str, Any] = {"frames": frames, "fps": fps, "count": count, "stuff": stuff}
    if thin is not None:
        said["narrowest_px"] = THIN_PX if thin else 2 * THIN_PX
    if tiny is not None:
        said["foreground_share"] = TINY_SHARE / 2 if tiny else 2 * TINY_SHARE
    switched = {"has_background": not scene, "boxes_only": boxes, "clicks": clicks, "volumes": volumes}
    said |= {name: value for name, value in switched.items() if value != getattr(known, name) and (scene or value)}
    return replace(known, **{name: value for name, value in said.items() if value is not None})


def _possible(choice: Choice) -> dict[str, Any]:
    """What of the choice this installation can train: its task, and the first of its networks."""
    from importlib.util import find_spec

    from segwright.project.choice import first_possible
    from segwright.project.schema import Project

    tasks = get_args(Project.model_fields["task"].annotation)
    known: Callable[[str], bool] = lambda _: choice.task in tasks  # noqa: E731
    if choice.task == "semantic" and find_spec("torch") is not None:
        from segwright.train.auto import network_exists as known
    network, missing = first_possible(choice, known)
    return {"task": choice.task in tasks, "network": network, "missing": list(missing)}


def _payload(
    situation: Situation, choice: Choice, others: tuple[Otherwise, ...], can: dict[str, Any]
) -> dict[str, Any]:
    return {
        "situation": asdict(situation),
        "choice": choice.to_json(),
        "possible": can,
        "otherwise": [{"situation": row.situation, **row.choice.to_json()} for row in others],
    }


def _answer(choice: Choice, others: tuple[Otherwise, ...], can: dict[str, Any], project: Path | None) -> str:
    rows = [f"{choice.need}: {_named(choice)}", "because"]
    rows += [f"  {text}" for text in choice.because]
    rows += ["also", *(f"  {text}" for text in choice.advice)] if choice.advice else []
    if not can["task"]:
        rows.append(
            f"this version does not train {choice.task}: nearest is semantic, whose connected regions are counted"
        )
    elif can["missing"] and can["network"]:
        rows.append(f"this version has no {', '.join(can['missing'])}: {can['network']} is taken")
    if others:
        rows.append("what would change it")
        rows += [f"  {row.situation}: {_named(row.choice)}" for row in others]
    file = "segwright.yaml" if project is None else str(project)
    named = f"model.network={can['network']} model.encoder={choice.encoders[0]}"
    taken = named if can["network"] and choice.task == "semantic" else "task=auto model.network=auto model.encoder=auto"
    rows.append(f"next: segwright train {file} {taken}")
    return "\n".join(rows)


def _named(choice: Choice) -> str:
    network = " or ".join(choice.networks)
    encoder = "" if choice.encoders[0] == "none" else f" on {choice.encoders[0]}"
    return f"{choice.task}, {network}{encoder}"
