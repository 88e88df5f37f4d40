"""segwright train."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from segwright.cli.face import Face, JsonFlag
from segwright.cli.project_words import project_of

if TYPE_CHECKING:
    from segwright.project import Project
    from segwright.train import Run


class Strategy(StrEnum):
    """How several processes train together."""

    ddp = "ddp"
    fsdp = "fsdp"


Words = Annotated[list[str] | None, typer.Argument(help="[segwright.yaml] [section.key=value ...]", show_default=False)]
Folder = Annotated[Path | None, typer.Option(help="The run's folder; default runs/NAME, numbered.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint of --run.")]
PlanOnly = Annotated[bool, typer.Option("--plan", help="Write plan.yaml with its reasons and stop.")]
Count = Annotated[int | None, typer.Option(min=1, help="Processes on this machine; else as the project says.")]
How = Annotated[Strategy | None, typer.Option("--strategy", help="fsdp: weights in shards; else as the project says.")]
Folds = Annotated[bool, typer.Option("--folds", help="Train every fold of the split; again: goes on.")]
Preview = Annotated[
    bool, typer.Option("--preview", help="Write a sheet of the crops ([FILE.html|FILE.png]) and train nothing.")
]
Live = Annotated[bool, typer.Option("--live", help="Serve a page to watch the training on, to this machine alone.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="The port of --live; 0 takes a free one.")]
Trials = Annotated[int | None, typer.Option("--search", min=1, help="Try settings in this many trials instead.")]
Space = Annotated[Path | None, typer.Option(help="What --search tries; else as the project's search section says.")]


def train(
    arguments: Words = None,
    run: Folder = None,
    resume: Resume = False,
    plan_only: PlanOnly = False,
    folds: Folds = False,
    preview: Preview = False,
    devices: Count = None,
    strategy: How = None,
    live: Live = False,
    port: Port = 8377,
    trials: Trials = None,
    search_space: Space = None,
    json: JsonFlag = False,
) -> None:
    """Train the network that segwright.yaml describes; writes runs/NAME with plan, checkpoints, history, report."""
    words = arguments or []
    given = {"--resume": resume, "--plan": plan_only, "--live": live, "--devices": devices, "--folds": folds,
             "--strategy": strategy}  # fmt: skip
    if trials is not None or search_space is not None:
        _search(words, trials, search_space, run, as_json=json, given={**given, "--preview": preview})
        return
    if preview or folds:
        _preview_or_folds(words, run, given, as_json=json, preview=preview)
        return
    if live and not plan_only and not _started_together():  # of several processes the first one serves
        from segwright.cli.live import require_free

        require_free(port)
    existing = _run_to_resume(run, words) if resume else None
    project = None if resume else project_of([*words, *([f"training.strategy={strategy}"] if strategy else [])])
    wanted = devices or (existing.plan.processes.devices if existing else _of_project(project))
    if isinstance(wanted, int) and wanted > 1 and not _started_together() and not plan_only:
        watched = ["--live", "--port", str(port)] if live else []
        said = [*words, *watched, *(["--strategy", strategy] if strategy else [])]
        raise typer.Exit(_in_processes(said, run, wanted, resume=resume, json=json))
    with Face(as_json=json) as face:
        from segwright.cli.training.one import train_one

        train_one(face, existing or project, run, plan_only=plan_only, port=port if live else None, strategy=strategy)


def _preview_or_folds(
    words: list[str], run: Path | None, given: dict[str, Any], *, as_json: bool, preview: bool
) -> None:
    """A sheet of crops, or the training of all folds; `given` are the other options by name."""
    with Face(as_json=as_json) as face:
        if preview:
            from segwright.cli.training.preview import show_preview

            show_preview(face, words, {"--run": run, **given})
            return
        from segwright.cli.training.folds import train_all_folds

        _refuse_beside_folds({name: given[name] for name in ("--resume", "--live", "--devices", "--strategy")})
        train_all_folds(face, words, run, plan_only=given["--plan"])


def _refuse_beside_folds(given: dict[str, object]) -> None:
    from segwright.core import ConfigError

    others = [name for name, value in given.items() if value]
    if others:
        raise ConfigError.of(
            ", ".join(others), "says nothing beside --folds, which goes on by itself and keeps what is finished",
            allowed="one of the two", found=" ".join([*others, "--folds"]), fix=f"leave out {', '.join(others)}",
        )  # fmt: skip


def _search(
    words: list[str],
    trials: int | None,
    space: Path | None,
    run: Path | None,
    *,
    as_json: bool,
    given: dict[str, object],
) -> None:
    from segwright.cli.searching import search_settings
    from segwright.core import ConfigError

    others = [name for name, value in given.items() if value]
    if trials is None or others:
        raise ConfigError.of(
            "--search",
            "is how many trials a search has" if trials is None else "is a command of its own",
            allowed="--search N, --search-space FILE, --run FOLDER; the same command goes on where it was stopped",
            found=", ".join(others) or "--search-space alone",
            fix="--search 20",
        )
    search_settings(words, trials, space, run, as_json=as_json)


def _started_together() -> bool:
    """Whether torchrun, or this verb itself, started this process as one of several."""
    return "RANK" in os.environ and "WORLD_SIZE" in os.environ


def _of_project(project: tuple[Path, Project] | None) -> int | str:
    """The processes that the project file asks for on this machine; of several machines torchrun starts them.

    Raises:
        ConfigError: it asks for several machines, and nobody started anything.
    """
    if project is None:
        return "auto"
    training = project[1].training
    if training.nodes not in ("auto", 1) and not _started_together():
        from segwright.train.processes import not_started

        raise not_started(training.devices, training.nodes)
    return training.devices


def _in_processes(words: list[str], run: Path | None, count: int, *, resume: bool, json: bool) -> int:
    """This same command in `count` processes that train together; the exit code."""
    from segwright.cli.launch import launch

    folder = [] if run is None else ["--run", str(run)]
    flags = [*(["--resume"] if resume else []), *(["--json"] if json else []), "--devices", str(count)]
    return launch(["train", *words, *folder, *flags], count)


def _run_to_resume(run: Path | None, words: list[str]) -> Run:
    from segwright.core import ConfigError

    if words:
        raise ConfigError.of(
            "--resume",
            "takes no project file and no settings",
            allowed="nothing: the plan of the run is executed",
            found=", ".join(words),
            fix="leave them out and name the run with --run, or start a new run",
        )
    if run is None:
        runs = sorted(Path("runs").glob("*/plan.yaml"), key=lambda plan: plan.stat().st_mtime)
        if not runs:
            raise ConfigError.of("runs", "holds no run to resume", fix="name one with --run, or train without --resume")
        run = runs[-1].parent
    from segwright.train import open_run

    return open_run(run)
