"""A run is trained by one process at a time."""

from __future__ import annotations

import os
from pathlib import Path

import optuna
import pytest

from segwright.train import execute, open_run, start_run
from segwright.train.in_use import InUse, training_alone
from segwright.train.search import DATABASE, search
from tests.train.conftest import Tiny
from tests.train.test_search import SPACE, project_with

pytestmark = pytest.mark.skipif(os.name == "nt", reason="no flock on Windows")


def test_execute__a_run_that_another_process_trains_is_refused_and_left_alone(tiny: Tiny, tmp_path: Path) -> None:
    run = start_run(tiny.plan, tmp_path / "run")
    with (
        training_alone(run.path),
        pytest.raises(
            InUse, match=rf"(?s)run: is being trained by another.*one at a time.*process {os.getpid()} on.*wait"
        ),
    ):
        execute(open_run(run.path), tiny.dataset, tiny.split)
    assert not (run.path / "checkpoints").exists()
    with training_alone(run.path):  # it was let go of, and what it left keeps nobody out
        pass


def test_start_run__two_at_once_are_not_both_the_first(tiny: Tiny, tmp_path: Path) -> None:
    with training_alone(tmp_path / "run"), pytest.raises(InUse, match="is being trained by another process"):
        start_run(tiny.plan, tmp_path / "run")
    assert not (tmp_path / "run" / "plan.yaml").exists()


def test_search__the_same_search_twice_at_once_fails_no_trial(tiny: Tiny, tmp_path: Path) -> None:
    project, folder = project_with(tiny, search__space=SPACE), tmp_path / "search"
    with training_alone(folder / "trial-000"), pytest.raises(InUse, match="is being trained by another process"):
        search(project, tiny.project.parent, folder, 1)
    (trial,) = optuna.load_study(study_name="search", storage=f"sqlite:///{folder / DATABASE}").trials
    assert not trial.state.is_finished()  # the same command goes on with it
