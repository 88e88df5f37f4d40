"""Loggers beside history.jsonl. MLflow is not installed here: Lightning's adapter is replaced by one that counts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import lightning.pytorch.loggers
import pytest

from segwright.train.loggers import MLFLOW_RUN, make_loggers
from segwright.train.settings import Plan
from tests.train.conftest import Tiny


class CountingMLflow:
    """Lightning's adapter as far as it is used: makes a run where it is given none, in the database it is given."""

    made = 0

    def __init__(self, *, experiment_name: str, tracking_uri: str, run_id: str | None) -> None:
        self.experiment_name = experiment_name
        Path(tracking_uri.removeprefix("sqlite:///")).touch()
        if run_id is None:
            CountingMLflow.made += 1
            run_id = f"run {CountingMLflow.made}"
        self.run_id = run_id


@pytest.fixture
def plan(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> Plan:
    monkeypatch.setattr(lightning.pytorch.loggers, "MLFlowLogger", CountingMLflow)
    monkeypatch.setattr("segwright.train.loggers.importlib.util.find_spec", lambda _: object())
    monkeypatch.setattr(CountingMLflow, "made", 0)
    return replace(tiny.plan, loggers=("mlflow",))


def _mlflow_run(plan: Plan, folder: Path) -> Any:
    (logger,) = make_loggers(plan, folder)
    return logger.run_id


def test_make_loggers__a_resumed_training_goes_on_in_its_mlflow_run(plan: Plan, tmp_path: Path) -> None:
    assert [_mlflow_run(plan, tmp_path) for _ in range(3)] == ["run 1"] * 3
    assert (tmp_path / MLFLOW_RUN).read_text(encoding="utf-8") == "run 1"
    other = tmp_path / "other"
    other.mkdir()
    assert _mlflow_run(plan, other) == "run 2"


def test_make_loggers__without_its_database_mlflow_starts_a_new_run(plan: Plan, tmp_path: Path) -> None:
    assert _mlflow_run(plan, tmp_path) == "run 1"
    (tmp_path / "mlflow.db").unlink()
    assert _mlflow_run(plan, tmp_path) == "run 2"
