"""segwright train."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from segwright.cli.face import Face, JsonFlag
from segwright.cli.project_words import project_of
from segwright.cli.training_preview import show_preview

if TYPE_CHECKING:
    from segwright.data import Dataset, Split
    from segwright.evaluate import Evaluation, ObjectEvaluation
    from segwright.project import Project
    from segwright.train import Run


def train(
    arguments: Annotated[
        list[str] | None, typer.Argument(help="[segwright.yaml] [section.key=value ...]", show_default=False)
    ] = None,
    run: Annotated[Path | None, typer.Option(help="The run's folder; default runs/NAME, numbered.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint of --run.")] = False,
    plan_only: Annotated[bool, typer.Option("--plan", help="Write plan.yaml with its reasons and stop.")] = False,
    folds: Annotated[bool, typer.Option("--folds", help="Train every fold of the split; again: goes on.")] = False,
    preview: Annotated[
        bool, typer.Option("--preview", help="Write a sheet of the crops ([FILE.html|FILE.png]) and train nothing.")
    ] = False,
    json: JsonFlag = False,
) -> None:
    """Train the network that segwright.yaml describes; writes runs/NAME with plan, checkpoints, history, report."""
    words = arguments or []
    with Face(as_json=json) as face:
        if preview:
            show_preview(face, words, {"--run": run, "--resume": resume, "--plan": plan_only, "--folds": folds})
        elif folds:
            _refuse_resume(resume)
            from segwright.cli.training.folds import train_all_folds

            train_all_folds(face, words, run, plan_only=plan_only)
        else:
            _train_one(face, words, run, resume=resume, plan_only=plan_only)


def _train_one(face: Face, words: list[str], run: Path | None, *, resume: bool, plan_only: bool) -> None:
    """Plan a run, or take up one that was interrupted, train it, and score it."""
    from segwright.core import Note

    if resume:
        existing = _run_to_resume(run, words)
        dataset, split = existing.dataset, existing.split
    else:
        existing, dataset, split = _planned(face, words, run)
    if plan_only:
        face.finish({"run": str(existing.path), "plan": existing.plan.to_json()}, "")
        return
    from segwright.train import execute
    from segwright.train.finish import finish

    try:
        execute(existing, dataset, split, resume=resume, listener=face.listener)
    except KeyboardInterrupt:
        face.listener(Note("training", f"interrupted; segwright train --resume --run {existing.path} goes on"))
        raise
    evaluation = finish(existing, dataset, listener=face.listener)
    payload = {"run": str(existing.path), "scores": dict(evaluation.scores), "images": evaluation.images}
    face.finish(payload, _answer(existing, evaluation))


def _refuse_resume(resume: bool) -> None:
    from segwright.core import ConfigError

    if resume:
        raise ConfigError.of(
            "--resume", "says nothing beside --folds, which goes on by itself and keeps what is finished",
            allowed="one of the two", found="--resume --folds", fix="leave out --resume",
        )  # fmt: skip


def _planned(face: Face, words: list[str], run: Path | None) -> tuple[Run, Dataset, Split]:
    """The run that the words describe, its folder made, with its data."""
    path, project = project_of(words)
    from segwright.train import plan_project, start_run

    plan, dataset, split = plan_project(project, path.parent, face.listener)
    folder = run or _free_folder(path.parent / "runs", _name(project))
    made = start_run(plan, folder)
    face.say(f"plan: {folder / 'plan.yaml'}\n{_summary(made)}")
    return made, dataset, split


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


def _answer_objects(run: Run, evaluation: Any) -> str:
    names = ("mask_ap", "mask_ap50", "mask_ap75", "box_ap")
    rows = [" " * 16 + "".join(f"{name:>12}" for name in names)]
    for who, scores in {"all": evaluation.scores, **evaluation.classes}.items():
        rows.append(f"{who:16}" + "".join(f"{_number(scores.get(name)):>12}" for name in names))
    return "\n".join(
        [
            f"{run.path}: best checkpoint on {evaluation.images} held-out frames",
            *rows,
            f"report: {run.path / 'report.html'}",
            f"next: segwright export {run.path} --to onnx",
        ]
    )


def _answer(run: Run, evaluation: Evaluation | ObjectEvaluation) -> str:
    if run.plan.objects is not None:
        return _answer_objects(run, evaluation)
    headline = _number(evaluation.scores["pooled_miou"])
    return "\n".join(
        [
            f"{run.path}: best checkpoint on {evaluation.images} held-out frames, pooled mIoU {headline}",
            *score_rows(evaluation),
            f"report: {run.path / 'report.html'}",
            f"next: segwright export {run.path} --to onnx",
        ]
    )


def score_rows(evaluation: Evaluation) -> list[str]:
    """IoU and boundary F of every class, a line each under a heading."""
    rows = [f"{'':16}{'IoU':>8}{'boundary F@3px':>16}"]
    for name, scores in evaluation.classes.items():
        iou, boundary = (_number(scores.get(key)) for key in ("iou", "boundary_f@3"))
        rows.append(f"{name:16}{iou:>8}{boundary:>16}")
    return rows


def _number(value: float | None) -> str:
    return "absent" if value is None else f"{value:.3f}"
