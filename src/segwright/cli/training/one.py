"""One run from the command line: planned or taken up, trained, watched, scored."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from segwright.cli.interrupted import saying_how_to_go_on
from segwright.cli.training.answer import answer

if TYPE_CHECKING:
    from segwright.cli.face import Face
    from segwright.core import Listener
    from segwright.data import Dataset, Split
    from segwright.project import Project
    from segwright.train import Run
    from segwright.train.processes import Processes


def train_one(
    face: Face,
    source: Run | tuple[Path, Project] | None,
    folder: Path | None,
    *,
    plan_only: bool,
    port: int | None,
    strategy: str | None = None,
) -> None:
    """Train a run that was interrupted, or a new one of a project file (where it lies, and what it says).

    `strategy` is how several processes go on with a run, where it is not as it was planned.
    """
    from segwright.train.processes import ALONE, joined
    from segwright.train.run_folder import given_back

    there = folder is not None and folder.exists()
    project = source if isinstance(source, tuple) else None
    existing = None if isinstance(source, tuple) else source
    with joined() as processes:
        made = _planned(face, processes, existing, project, folder)
        if made is None:
            return  # the first process says why
        if plan_only:
            face.finish({"run": str(made[0].path), "plan": made[0].plan.to_json()}, "")
            return
        go_on = saying_how_to_go_on(_heard(face, processes), "training", _resuming(made[0], processes, strategy))
        new = existing is None and processes.is_first
        with go_on, given_back(made[0], made=not there) if new else nullcontext():
            _execute(face, processes, made, resume=existing is not None, port=port, strategy=strategy)
    if processes.is_first:
        with saying_how_to_go_on(face.listener, "training", _resuming(made[0], ALONE, None)):
            _finish(face, made[0], made[1])


def _heard(face: Face, processes: Processes) -> Listener:
    """Who hears what a process says: of several only the first speaks."""
    from segwright.core import silent

    return face.listener if processes.is_first else silent


def _resuming(run: Run, processes: Processes, strategy: str | None) -> list[str]:
    """What to type to go on with the run as it was trained: its plan knows the rest."""
    together = [] if processes.count == 1 or processes.nodes > 1 else ["--devices", str(processes.count)]
    return [
        "train",
        "--resume",
        "--run",
        str(run.path),
        *together,
        *([] if strategy is None else ["--strategy", strategy]),
    ]


def _finish(face: Face, run: Run, dataset: Dataset) -> None:
    from segwright.train.finish import finish

    evaluation = finish(run, dataset, listener=face.listener)
    payload = {"run": str(run.path), "scores": dict(evaluation.scores), "images": evaluation.images}
    face.finish(payload, answer(run, evaluation))


def _planned(
    face: Face, processes: Processes, existing: Run | None, project: tuple[Path, Project] | None, folder: Path | None
) -> tuple[Run, Dataset, Split] | None:
    """The run with its data: as it lies there, or planned by the first process; None where that failed in the first."""
    if existing is not None or project is None:
        assert existing is not None  # one of the two is there
        return existing, existing.dataset, existing.split
    from segwright.train.run_folder import Wanted
    from segwright.train.together import planned

    path, settings = project
    wanted = Wanted(path.parent / "runs", _name(settings), folder)
    made = planned(processes, settings, path.parent, wanted, face.listener)
    if made is not None and processes.is_first:
        face.say(f"plan: {made[0].path / 'plan.yaml'}\n{_summary(made[0])}")
    return made


def _execute(
    face: Face,
    processes: Processes,
    made: tuple[Run, Dataset, Split],
    *,
    resume: bool,
    port: int | None,
    strategy: str | None,
) -> None:
    from segwright.cli.live import served, with_page
    from segwright.core import Note
    from segwright.train import execute

    run, dataset, split = made
    heard = _heard(face, processes)
    listener = with_page(run.path, heard) if processes.is_first else heard
    watched = nullcontext() if port is None or not processes.is_first else served(run.path, port)
    with watched as address:
        if address is not None:
            listener(Note("training", f"watch it at {address}"))
        execute(run, dataset, split, resume=resume, listener=listener, processes=processes, strategy=strategy)


def _name(project: Project) -> str:
    """The name of the run's folder: each fold has its own."""
    fold = project.split.fold
    return project.name if fold is None else f"{project.name}-fold{fold}"


def _summary(run: Run) -> str:
    plan = run.plan
    parts = ", ".join(f"{part} {count}" for part, count in plan.data.part_frames.items())
    return (
        f"  {plan.network.network} on {plan.network.encoder}, weights {plan.weights or 'random'}; frames: {parts}\n"
        f"  {plan.optimiser.steps} steps of {plan.sampling.batch} crops of {plan.sampling.crop} px, "
        f"{plan.optimiser.precision} on {plan.optimiser.accelerator}"
    )
