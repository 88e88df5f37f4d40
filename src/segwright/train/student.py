"""A student's run from the start to its scores, and what each class lost beside the teacher."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from segwright.core import ArtefactError, DataError, Listener, Note, silent
from segwright.evaluate import Evaluation, PredictedPairs, evaluate_predicted
from segwright.project.schema import Project
from segwright.train.checkpoint import write_atomically
from segwright.train.finish import finish
from segwright.train.run import PLAN_FILE, Run, open_run
from segwright.train.run_folder import given_back
from segwright.train.start import execute, plan_project, start_run

REPORT = "distillation.json"
_EVALUATION = "evaluation.json"
# What may differ between the plan of a run and the one made of the same command later.
_PASSING = ("reasons", "segwright", "processes")


@dataclass(frozen=True)
class Distillation:
    """Scores of the same held-out frames: `teacher`, `student` and, where asked for, `alone`, as who -> evaluation."""

    scored: Mapping[str, Evaluation]
    parameters: Mapping[str, int]
    boundary_px: int

    @property
    def classes(self) -> dict[str, dict[str, dict[str, float | None]]]:
        """Class -> who -> iou and boundary F."""
        names = next(iter(self.scored.values())).classes
        wanted = ("iou", f"boundary_f@{self.boundary_px}")
        return {
            name: {who: {key: found.classes[name].get(key) for key in wanted} for who, found in self.scored.items()}
            for name in names
        }

    def lost(self, score: str = "iou") -> dict[str, float]:
        """Class -> by how much the student is below the teacher, worst first; classes that lost nothing are not in."""
        falls = {
            name: rows["teacher"][score] - rows["student"][score]  # type: ignore[operator]
            for name, rows in self.classes.items()
            if rows["teacher"][score] is not None and rows["student"][score] is not None
        }
        return dict(sorted(((name, fall) for name, fall in falls.items() if fall > 0), key=lambda row: -row[1]))

    def to_json(self) -> dict[str, Any]:
        """Plain values, as they stand in distillation.json."""
        boundary = f"boundary_f@{self.boundary_px}"
        return {
            "schema": "segwright/distillation",
            "schema_version": 1,
            "images": next(iter(self.scored.values())).images,
            "parameters": dict(self.parameters),
            "scores": {who: dict(found.scores) for who, found in self.scored.items()},
            "classes": self.classes,
            "lost": {"iou": self.lost(), boundary: self.lost(boundary)},
        }


def trained(project: Project, base: Path, folder: Path, listener: Listener = silent) -> Run:
    """The finished run of `project` in `folder`: as it lies there, gone on with, or trained from the start.

    Raises:
        ArtefactError: `folder` holds a run that was made from something else.
        DataError, ConfigError: as `plan_project`.
    """
    plan, dataset, split = plan_project(project, base, listener)
    there, begun = folder.exists(), (folder / PLAN_FILE).is_file()
    run = open_run(folder) if begun else start_run(plan, folder)
    mine, theirs = (
        {key: value for key, value in each.to_json().items() if key not in _PASSING} for each in (plan, run.plan)
    )
    if changed := [key for key, value in mine.items() if theirs[key] != value]:
        raise ArtefactError.of(
            str(folder),
            "holds a run that was made from something else",
            allowed="the run of this very command",
            found=f"other values of {', '.join(changed)}",
            fix="choose another --run",
        )
    if (folder / _EVALUATION).is_file():
        listener(Note("distill", f"{folder.name} is finished and kept"))
        return run
    with nullcontext() if begun else given_back(run, made=not there):
        execute(run, dataset, split, resume=begun, listener=listener)
    finish(run, dataset, listener=listener)
    return run


def compare(student: Run, teacher: Run, alone: Run | None = None, listener: Listener = silent) -> Distillation:
    """Score teacher and student on the student's validation part, and write the student's distillation.json.

    Raises:
        DataError: the frames cannot be read any more.
        ArtefactError: the student's run has not finished.
    """
    pixels = student.plan.validation.boundary_px
    part = student.split.stems(student.plan.validation.part)
    listener(Note("distill", f"{teacher.path.name} answers for the same {len(part)} frames"))
    pairs = PredictedPairs(teacher.predictor(), student.dataset.only(part))
    scored = {"teacher": evaluate_predicted(pairs, boundary_px=(pixels,), listener=listener)}
    runs = {"teacher": teacher, "student": student, **({} if alone is None else {"alone": alone})}
    for who, run in runs.items():
        if who != "teacher":
            scored[who] = Evaluation.read(run.path / _EVALUATION)
    frames = {found.images for found in scored.values()}
    if len(frames) > 1:
        raise DataError.of(
            str(student.path), "was scored on other frames than its teacher", found=f"{sorted(frames)} frames",
            fix="train the student again: its frames have changed since",
        )  # fmt: skip
    parameters = {who: sum(weight.numel() for weight in run.module().parameters()) for who, run in runs.items()}
    found = Distillation(scored, parameters, pixels)
    text = json.dumps(found.to_json(), indent=1, ensure_ascii=False) + "\n"
    write_atomically(student.path / REPORT, lambda path: path.write_text(text, encoding="utf-8"))
    return found
