"""Hyper-parameter search: trials of a project's settings, each a run of its own, pruned by their validation rounds.

Trials and what came of them lie in `FOLDER/search.db`; a search that was killed goes on with the trial it was in. What
is tried in a trial follows from the seed, its number and the trials before it. Only the parts `train` and `validation`
are looked at.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna

from segwright.core import ArtefactError, ConfigError, Listener, Measured, Note, SegwrightError, silent
from segwright.core.events import Event
from segwright.data import Dataset, Split
from segwright.project.schema import Project
from segwright.project.search import Range, Space
from segwright.train.checkpoint import NotWritten
from segwright.train.in_use import InUse
from segwright.train.query_weights import try_weights
from segwright.train.run import PLAN_FILE, Run, open_run
from segwright.train.search_settings import require_searchable, space_of, with_values
from segwright.train.start import execute, plan_project, start_run

DATABASE = "search.db"
WHY = "why"
_STARTUP = 5  # trials drawn at random before the sampler learns from them
_STATES = {"COMPLETE": "whole", "PRUNED": "pruned", "FAIL": "failed"}


@dataclass(frozen=True)
class TrialRow:
    """One trial: what was tried, how it ended (whole, pruned, failed), its best score and the last step validated."""

    number: int
    state: str
    score: float | None
    step: int
    values: Mapping[str, Any]
    why: str = ""  # it failed

    def to_json(self) -> dict[str, Any]:
        return {
            "trial": self.number, "state": self.state, "score": self.score, "step": self.step,
            "values": dict(self.values), **({"why": self.why} if self.why else {}),
        }  # fmt: skip


@dataclass(frozen=True)
class SearchResult:
    """All trials in order; `score` is the name of what they are compared by."""

    score: str
    rows: tuple[TrialRow, ...]

    @property
    def best(self) -> TrialRow | None:
        """The whole trial with the highest score; None where none got through."""
        whole = [row for row in self.rows if row.state == "whole" and row.score is not None]
        return max(whole, key=lambda row: (row.score, -row.number), default=None)


def search(project: Project, base: Path, folder: Path, trials: int, listener: Listener = silent) -> SearchResult:
    """Try settings of `project.search.space` until `folder` holds `trials` trials; those that are there count.

    Raises:
        ConfigError: a setting that does not exist, changes nothing, or must not change between trials.
        DataError: as `plan_project`.
        ArtefactError: `folder` holds a search of another project, space or data.
    """
    space = space_of(project, project.task)
    require_searchable(project, space)
    plan, dataset, split = plan_project(with_values(project, _first_of(space)), base, listener)
    space = space_of(project, plan.task)  # which `auto` has become only now
    try_weights(plan)  # before there is a folder that the same search with other weights would not fit
    study = _study(folder, project.training.seed, project.search.prune_after)
    _require_same(study, folder, project, (dataset.content_hash, split.content_hash))
    for number in range(trials):
        trial = _trial(study, number, project.training.seed)
        if trial is None:
            continue
        values = {key: _suggested(trial, key, choice) for key, choice in space.items()}
        said = ", ".join(f"{key}={_short(value)}" for key, value in values.items())
        listener(Note("search", f"trial {number + 1} of {trials}: {said}"))
        _run_trial(study, trial, (with_values(project, values), base, folder / f"trial-{number:03}"), listener)
    return SearchResult(plan.validation.select, tuple(_row(row) for row in study.trials[:trials]))


def _study(folder: Path, seed: int, prune_after: int) -> optuna.Study:
    folder.mkdir(parents=True, exist_ok=True)
    return optuna.create_study(
        storage=f"sqlite:///{(folder / DATABASE).resolve()}",
        study_name="search",
        direction="maximize",
        load_if_exists=True,
        sampler=optuna.samplers.TPESampler(seed=seed),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=prune_after),
    )


def _trial(study: optuna.Study, number: int, seed: int) -> optuna.Trial | None:
    """The trial of this number: a new one, or the one that a killed search was in; None where it has ended."""
    # A sampler of its own for each trial: a resumed search then draws what an undisturbed one does.
    study.sampler = optuna.samplers.TPESampler(seed=(seed * 1_000_003 + number) % 2**32, n_startup_trials=_STARTUP)
    known = study.get_trials(deepcopy=False)
    if number >= len(known):
        return study.ask()
    if known[number].state.is_finished():
        return None
    return optuna.Trial(study, known[number]._trial_id)


def _suggested(trial: optuna.Trial, key: str, choice: Range | list[Any]) -> Any:
    if isinstance(choice, list):
        # Optuna keeps plain values alone: a list is drawn by its text
        texts = [json.dumps(value) for value in choice]
        return json.loads(trial.suggest_categorical(key, texts))
    if choice.is_whole:
        return trial.suggest_int(key, int(choice.low), int(choice.high), log=choice.log, step=int(choice.step or 1))
    return trial.suggest_float(key, choice.low, choice.high, log=choice.log, step=choice.step)


def _run_trial(study: optuna.Study, trial: optuna.Trial, made: tuple[Project, Path, Path], listener: Listener) -> None:
    """Train with the trial's settings, tell Optuna each round's score, and stop where it is below the median."""
    project, base, folder = made
    seen = dict(study.get_trials(deepcopy=False)[trial.number].intermediate_values)
    select = ""

    def listen(event: Event) -> None:
        listener(event)
        if not isinstance(event, Measured) or event.stage != "validation":
            return
        score = event.values.get(select)
        if score is None:
            return
        if event.step not in seen:
            trial.report(score, event.step)
            seen[event.step] = score
        if trial.should_prune():
            raise optuna.TrialPruned

    try:
        begun = (folder / PLAN_FILE).is_file()
        run, dataset, split = _taken_up(folder) if begun else _started(project, base, folder)
        select = run.plan.validation.select
        execute(run, dataset, split, resume=begun, listener=listen)
    except optuna.TrialPruned:
        listener(Note("search", f"trial {trial.number + 1} stopped: below the median of the trials before it"))
        study.tell(trial, state=optuna.trial.TrialState.PRUNED)
    except (NotWritten, InUse):  # says nothing of the settings: the same command goes on with this trial
        raise
    except (ArtefactError, ConfigError) as error:  # a loss that is not finite; a value that fits no plan
        why = _why(error)
        listener(Note("search", f"trial {trial.number + 1} failed: {why}", "warning"))
        trial.set_user_attr(WHY, why)
        study.tell(trial, state=optuna.trial.TrialState.FAIL)
    else:
        best = max(seen.values(), default=None)
        state = optuna.trial.TrialState.FAIL if best is None else optuna.trial.TrialState.COMPLETE
        study.tell(trial, best, state=state)


def _why(error: SegwrightError) -> str:
    """Why a trial failed; of a setting that does not fit also which one."""
    problem = error.problems[0]
    return f"{problem.place}: {problem.rule}" if isinstance(error, ConfigError) else problem.rule


def _taken_up(folder: Path) -> tuple[Run, Dataset, Split]:
    run = open_run(folder)
    return run, run.dataset, run.split


def _started(project: Project, base: Path, folder: Path) -> tuple[Run, Dataset, Split]:
    plan, dataset, split = plan_project(project, base, silent)
    return start_run(plan, folder), dataset, split


def _row(trial: optuna.trial.FrozenTrial) -> TrialRow:
    rounds = trial.intermediate_values
    values = {key: json.loads(value) if isinstance(value, str) else value for key, value in trial.params.items()}
    score = max(rounds.values(), default=None)
    return TrialRow(
        trial.number,
        _STATES.get(trial.state.name, "unfinished"),
        score,
        max(rounds, default=0),
        values,
        trial.user_attrs.get(WHY, ""),
    )


def _first_of(space: Space) -> dict[str, Any]:
    """One value of each setting, to find out that it fits before any trial."""
    return {key: choice[0] if isinstance(choice, list) else choice.low for key, choice in space.items()}


def _require_same(study: optuna.Study, folder: Path, project: Project, hashes: Sequence[str]) -> None:
    """Write what the trials are made from, or refuse a folder whose trials were made from something else."""
    said = hashlib.sha256("\n".join([project.model_dump_json(), *hashes]).encode()).hexdigest()
    found = study.user_attrs.get("made_from")
    if found is None:
        study.set_user_attr("made_from", said)
    elif found != said:
        raise ArtefactError.of(
            str(folder),
            "holds a search that was made from something else",
            allowed="the same project file, settings, space, frames and split",
            found="one of them changed since",
            fix="choose another --run",
        )


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
