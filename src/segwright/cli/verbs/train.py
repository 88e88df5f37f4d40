"""segwright train."""

from __future__ import annotations

import os
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from segwright.cli.face import Face, JsonFlag
from segwright.cli.project_words import project_of

if TYPE_CHECKING:
    from segwright.data import Dataset, Split
    from segwright.evaluate import Evaluation
    from segwright.project import Project
    from segwright.train import Run
    from segwright.train.processes import Processes


Words = Annotated[list[str] | None, typer.Argument(help="[segwright.yaml] [section.key=value ...]", show_default=False)]
Folder = Annotated[Path | None, typer.Option(help="The run's folder; default runs/NAME, numbered.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint of --run.")]
PlanOnly = Annotated[bool, typer.Option("--plan", help="Write plan.yaml with its reasons and stop.")]
Count = Annotated[int | None, typer.Option(min=1, help="Processes on this machine; else as the project says.")]
Live = Annotated[bool, typer.Option("--live", help="Serve a page to watch the training on, to this machine alone.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="The port of --live; 0 takes a free one.")]
Trials = Annotated[int | None, typer.Option("--search", min=1, help="Try settings in this many trials instead.")]
Space = Annotated[Path | None, typer.Option(help="What --search tries; else as the project's search section says.")]


def train(
    arguments: Words = None,
    run: Folder = None,
    resume: Resume = False,
    plan_only: PlanOnly = False,
    devices: Count = None,
    live: Live = False,
    port: Port = 8377,
    trials: Trials = None,
    search_space: Space = None,
    json: JsonFlag = False,
) -> None:
    """Train the network that segwright.yaml describes; writes runs/NAME with plan, checkpoints, history, report."""
    words = arguments or []
    if trials is not None or search_space is not None:
        _search(words, trials, search_space, run, as_json=json, given=(resume, plan_only, live, devices))
        return
    existing = _run_to_resume(run, words) if resume else None
    project = None if resume else project_of(words)
    wanted = devices or (existing.plan.processes.devices if existing else _of_project(project))
    if isinstance(wanted, int) and wanted > 1 and not _started_together() and not plan_only:
        watched = ["--live", "--port", str(port)] if live else []
        raise typer.Exit(_in_processes([*words, *watched], run, wanted, resume=resume, json=json))
    with Face(as_json=json) as face:
        from segwright.train.processes import joined

        with joined() as processes:
            made = _planned(face, processes, existing, project, run)
            if made is None:
                return  # the first process says why
            if plan_only:
                face.finish({"run": str(made[0].path), "plan": made[0].plan.to_json()}, "")
                return
            _execute(face, processes, made, resume=resume, port=port if live else None)
        if processes.is_first:
            _finish(face, made[0], made[1])


def _search(
    words: list[str],
    trials: int | None,
    space: Path | None,
    run: Path | None,
    *,
    as_json: bool,
    given: tuple[bool, bool, bool, int | None],
) -> None:
    from segwright.cli.searching import search_settings
    from segwright.core import ConfigError

    names = ("--resume", "--plan", "--live", "--devices")
    others = [name for name, value in zip(names, given, strict=True) if value]
    if trials is None or others:
        raise ConfigError.of(
            "--search",
            "is how many trials a search has" if trials is None else "is a command of its own",
            allowed="--search N, --search-space FILE, --run FOLDER; the same command goes on where it was stopped",
            found=", ".join(others) or "--search-space alone",
            fix="--search 20",
        )
    search_settings(words, trials, space, run, as_json=as_json)


def _finish(face: Face, run: Run, dataset: Dataset) -> None:
    from segwright.train.finish import finish

    evaluation = finish(run, dataset, listener=face.listener)
    payload = {"run": str(run.path), "scores": dict(evaluation.scores), "images": evaluation.images}
    face.finish(payload, _answer(run, evaluation))


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


def _planned(
    face: Face, processes: Processes, existing: Run | None, project: tuple[Path, Project] | None, folder: Path | None
) -> tuple[Run, Dataset, Split] | None:
    """The run with its data: as it lies there, or planned by the first process; None where that failed in the first."""
    if existing is not None or project is None:
        assert existing is not None  # one of the two is there
        return existing, existing.dataset, existing.split
    from segwright.train.together import planned

    path, settings = project
    wanted = folder or _free_folder(path.parent / "runs", _name(settings))
    made = planned(processes, settings, path.parent, wanted, face.listener)
    if made is not None and processes.is_first:
        face.say(f"plan: {wanted / 'plan.yaml'}\n{_summary(made[0])}")
    return made


def _execute(
    face: Face, processes: Processes, made: tuple[Run, Dataset, Split], *, resume: bool, port: int | None
) -> None:
    from segwright.cli.live import served, with_page
    from segwright.core import Note, silent
    from segwright.train import execute

    run, dataset, split = made
    listener = with_page(run.path, face.listener) if processes.is_first else silent
    watched = nullcontext() if port is None or not processes.is_first else served(run.path, port)
    try:
        with watched as address:
            if address is not None:
                listener(Note("training", f"watch it at {address}"))
            execute(run, dataset, split, resume=resume, listener=listener, processes=processes)
    except KeyboardInterrupt:
        listener(Note("training", f"interrupted; segwright train --resume --run {run.path} goes on"))
        raise


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


def _name(project: Project) -> str:
    """The name of the run's folder: each fold has its own."""
    fold = project.split.fold
    return project.name if fold is None else f"{project.name}-fold{fold}"


def _free_folder(runs: Path, name: str) -> Path:
    """runs/NAME, or the first of runs/NAME-2, -3, ... that does not exist."""
    folder, number = runs / name, 2
    while folder.exists():
        folder, number = runs / f"{name}-{number}", number + 1
    return folder


def _summary(run: Run) -> str:
    plan = run.plan
    parts = ", ".join(f"{part} {count}" for part, count in plan.data.part_frames.items())
    return (
        f"  {plan.network.network} on {plan.network.encoder}, weights {plan.weights or 'random'}; frames: {parts}\n"
        f"  {plan.optimiser.steps} steps of {plan.sampling.batch} crops of {plan.sampling.crop} px, "
        f"{plan.optimiser.precision} on {plan.optimiser.accelerator}"
    )


def _answer(run: Run, evaluation: Evaluation) -> str:
    rows = [f"{'':16}{'IoU':>8}{'boundary F@3px':>16}"]
    for name, scores in evaluation.classes.items():
        iou, boundary = (_number(scores.get(key)) for key in ("iou", "boundary_f@3"))
        rows.append(f"{name:16}{iou:>8}{boundary:>16}")
    headline = _number(evaluation.scores["pooled_miou"])
    return "\n".join(
        [
            f"{run.path}: best checkpoint on {evaluation.images} held-out frames, pooled mIoU {headline}",
            *rows,
            f"report: {run.path / 'report.html'}",
            f"next: segwright export {run.path} --to onnx",
        ]
    )


def _number(value: float | None) -> str:
    return "absent" if value is None else f"{value:.3f}"
