"""Cross-validation: a run on every fold by one plan, scored on the frames each had not seen, then averaged.

runs/NAME-foldK/     the run of fold K, like any other
runs/NAME-folds/
  folds.json         which runs belong together, and what they were made from
  evaluation.json    every frame as the network said that had not seen it: one report over all folds
  report.html        the same for people
  cleanup.json       the cleanup that these predictions speak for, with a reason for each setting
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, cast

from segwright.core import ArtefactError, ClassTable, ConfigError, Listener, Note, Problem, raise_collected, silent
from segwright.data import Dataset, Split, read_folds
from segwright.infer.cleanup import Cleanup
from segwright.infer.predictor import Predictor
from segwright.infer.runtimes.torch_runtime import TorchRuntime
from segwright.models.ensemble import Ensemble
from segwright.project.schema import Project
from segwright.train.checkpoint import BEST, write_atomically
from segwright.train.finish import finish
from segwright.train.hardware import device_named
from segwright.train.run import PLAN_FILE, Run, open_run
from segwright.train.settings import Plan
from segwright.train.start import execute, look, open_project, plan_opened, start_run

FOLDS_FILE, EVALUATION, CLEANUP = "folds.json", "evaluation.json", "cleanup.json"
SCHEMA, SCHEMA_VERSION = "segwright/folds", 1


@dataclass(frozen=True)
class FoldRuns:
    """The runs of all folds, in their order, and the folder at `path` that tells what they say together."""

    path: Path
    runs: tuple[Run, ...]

    @property
    def plan(self) -> Plan:
        """The plan of the first fold: all are alike but for which frames train."""
        return self.runs[0].plan

    @property
    def classes(self) -> ClassTable:
        return self.plan.classes

    @property
    def finished(self) -> bool:
        """Whether every run was trained to its end and scored."""
        return all((run.path / EVALUATION).is_file() for run in self.runs)

    @cached_property
    def hash(self) -> str:
        """sha256 over folds.json and the plans of its runs."""
        parts = [(self.path / FOLDS_FILE).read_bytes(), *(run.plan_hash.encode() for run in self.runs)]
        return hashlib.sha256(b"".join(parts)).hexdigest()

    @property
    def evaluation(self) -> dict[str, Any] | None:
        """The evaluation over all folds; None before it was made."""
        return _json_or_none(self.path / EVALUATION)

    @property
    def cleanup_choice(self) -> dict[str, Any] | None:
        """The cleanup that was searched on the folds, with its reasons; None before it was."""
        return _json_or_none(self.path / CLEANUP)

    def module(self) -> Ensemble:
        """All networks as one, in evaluation mode, float32, on the CPU: the mean of their probabilities."""
        members = [run.module() for run in self.runs]
        ensemble = Ensemble(members, max(int(cast("Any", member).stride_px) for member in members))
        return ensemble.eval()

    def predictor(self, device: str | None = None) -> Predictor:
        """The ensemble's whole pipeline in torch, with the cleanup chosen on the folds; see `Run.predictor`."""
        network, plan, chosen = self.module().to(device_named(device)), self.plan, self.cleanup_choice
        cleanup = plan.cleanup if chosen is None else Cleanup.from_json(chosen["cleanup"])
        runtime = TorchRuntime(network, channels=len(plan.classes), stride_px=network.stride_px)
        return Predictor(runtime, plan.classes, plan.preprocessing, plan.tiles, cleanup=cleanup)


def plan_folds(project: Project, base: Path, names: tuple[Path, str], listener: Listener = silent) -> FoldRuns:
    """Runs of every fold of the project's split with their plans, or those that are there: none is trained yet.

    `names` are the folder of runs and the name they begin with. One plan holds for all folds, made from the frames
    that any of them trains on, so that the networks read a frame alike and can be averaged.

    Raises:
        ConfigError: the split has no folds, or the project chooses one of them.
        ArtefactError: the folder holds runs that were made from something else.
    """
    folder = names[0] / f"{names[1]}-folds"
    splits = _folds_of(project, base)
    first = open_project(_of_fold(project, splits[0]), base, listener)
    settings = _settings(project, first.dataset, splits)
    runs = [names[0] / f"{names[1]}-fold{split.fold}" for split in splits]
    if (folder / FOLDS_FILE).is_file():
        _require_same(folder, settings)
    else:
        _require_free(runs)
    opened = [first, *(open_project(_of_fold(project, split), base, listener, first.dataset) for split in splits[1:])]
    pool = sorted({stem for split in splits for part in ("train", "validation") for stem in split.parts[part]})
    if not all((run / PLAN_FILE).is_file() for run in runs):
        others = {part: stems for part, stems in splits[0].parts.items() if part not in ("train", "validation")}
        seen = look(first.dataset, replace(splits[0], parts={**others, "train": tuple(pool)}), listener)
        _write(folder, {**settings, "runs": [f"../{run.name}" for run in runs]})
        for each, run in zip(opened, runs, strict=True):
            if not (run / PLAN_FILE).is_file():
                start_run(_alike(plan_opened(each, seen)), run)
    return open_folds(folder)


def train_folds(folds: FoldRuns, listener: Listener = silent) -> FoldRuns:
    """Train every run that is not finished: from the start, or on from its last checkpoint.

    Raises:
        DataError, ArtefactError: as `execute`.
    """
    for number, run in enumerate(folds.runs, start=1):
        where = f"fold {run.plan.data.fold} ({number} of {len(folds.runs)})"
        if (run.path / EVALUATION).is_file():
            listener(Note("folds", f"{where}: {run.path.name} is finished and kept"))
            continue
        listener(Note("folds", f"{where}: {run.path.name}"))
        begun = (run.path / "checkpoints").is_dir()
        execute(run, run.dataset, run.split, resume=begun, listener=listener)
        finish(run, run.dataset, listener=listener)
    return folds


def is_folds(path: Path) -> bool:
    """Whether `path` is a folder of folds."""
    return (path / FOLDS_FILE).is_file()


def open_folds(path: str | Path) -> FoldRuns:
    """The folds in the folder `path`.

    Raises:
        ArtefactError: no folds.json there, not readable, runs that are missing, or that do not read a frame alike.
    """
    folder = Path(path)
    content = _json_or_none(folder / FOLDS_FILE)
    if content is None or content.get("schema") != SCHEMA or content.get("schema_version") != SCHEMA_VERSION:
        found = "no folds.json in it" if content is None else f"schema {content.get('schema_version')}"
        raise ArtefactError.of(
            str(folder), "holds no cross-validation", allowed=f"a folder with {FOLDS_FILE}, schema {SCHEMA_VERSION}",
            found=found, fix="make one: segwright train --folds",
        )  # fmt: skip
    runs = tuple(open_run((folder / name).resolve()) for name in content["runs"])
    _require_alike(folder, runs)
    return FoldRuns(folder, runs)


def require_finished(folds: FoldRuns) -> None:
    """Raise ArtefactError, with every run that is not trained to its end, where there is one."""
    fix = "segwright train --folds again: finished folds are kept"
    raise_collected(
        (
            Problem(str(run.path), "has not finished", f"{BEST} and {EVALUATION}", "an interrupted run", fix)
            for run in folds.runs
            if not (run.path / EVALUATION).is_file()
        ),
        ArtefactError,
    )


def _folds_of(project: Project, base: Path) -> tuple[Split, ...]:
    path = base / project.split.file
    splits = read_folds(path)
    if project.split.fold is not None:
        raise ConfigError.of(
            "split.fold", "chooses one fold beside --folds, which trains them all", allowed="null",
            found=str(project.split.fold), fix="leave out split.fold, or leave out --folds",
        )  # fmt: skip
    if splits[0].fold is None:
        raise ConfigError.of(
            str(path), "holds no folds", allowed="a split with folds", found="one split",
            fix="segwright split segwright.yaml --by COLUMN --folds 5 --out split.json",
        )  # fmt: skip
    return splits


def _of_fold(project: Project, split: Split) -> Project:
    return project.model_copy(update={"split": project.split.model_copy(update={"fold": split.fold})})


def _alike(plan: Plan) -> Plan:
    why = (
        "measured on the frames that any fold trains on: one plan for all folds, so that their networks can be averaged"
    )
    return replace(plan, name=f"{plan.name}-fold{plan.data.fold}", reasons={**plan.reasons, "fingerprint": why})


def _settings(project: Project, dataset: Dataset, splits: Sequence[Split]) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "settings_hash": hashlib.sha256(project.model_dump_json().encode()).hexdigest(),
        "dataset_hash": dataset.content_hash,
        "split_hashes": [split.content_hash for split in splits],
    }


def _write(folder: Path, content: dict[str, Any]) -> None:
    text = json.dumps(content, indent=1) + "\n"
    write_atomically(folder / FOLDS_FILE, lambda part: part.write_text(text, encoding="utf-8"))


def _require_same(folder: Path, settings: dict[str, Any]) -> None:
    found = _json_or_none(folder / FOLDS_FILE) or {}
    words = {
        "settings_hash": "the project file or its settings",
        "dataset_hash": "the frames",
        "split_hashes": "the split",
    }
    changed = [words.get(name, name) for name, value in settings.items() if found.get(name) != value]
    if changed:
        raise ArtefactError.of(
            str(folder), "holds runs that were made from something else", allowed="the same project, frames and split",
            found=f"changed since: {', '.join(changed)}",
            fix="choose another name: segwright train --folds --run runs/OTHER, or put back what was changed",
        )  # fmt: skip


def _require_free(runs: Sequence[Path]) -> None:
    raise_collected(
        (
            Problem(
                str(run), "holds a run that belongs to no cross-validation", "nothing, or runs of `train --folds`",
                PLAN_FILE, "choose another name: segwright train --folds --run runs/OTHER",
            )
            for run in runs
            if (run / PLAN_FILE).is_file()
        ),
        ArtefactError,
    )  # fmt: skip


def _require_alike(folder: Path, runs: Sequence[Run]) -> None:
    """Raise ArtefactError where networks cannot be averaged: they read a frame, or name its pixels, differently."""
    first = runs[0].plan
    for run in runs[1:]:
        plan = run.plan
        same = (plan.classes.content_hash, plan.preprocessing, plan.tiles) == (
            first.classes.content_hash, first.preprocessing, first.tiles,
        )  # fmt: skip
        if not same:
            raise ArtefactError.of(
                str(folder), "holds runs that do not read a frame alike", allowed="one plan for all folds",
                found=f"{runs[0].path.name} and {run.path.name} differ in classes, preprocessing or tiles",
                fix="segwright train --folds --run runs/OTHER",
            )  # fmt: skip


def _json_or_none(path: Path) -> dict[str, Any] | None:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        fix = "delete it and run `segwright train --folds` again: finished folds are kept"
        raise ArtefactError.of(str(path), "is not JSON", found=str(error), fix=fix) from error
    return content if isinstance(content, dict) else {}
