"""Loggers beside history.jsonl, through Lightning's own adapters: TensorBoard, MLflow, Weights & Biases."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from segwright.core import DependencyMissing
from segwright.train.checkpoint import write_atomically
from segwright.train.settings import Plan

# Beside mlflow.db: the id of the run in it, so that a resumed training goes on in that run and starts no second one.
MLFLOW_RUN = "mlflow_run.txt"
PACKAGES = {"tensorboard": "tensorboard", "mlflow": "mlflow", "wandb": "wandb"}


def make_loggers(plan: Plan, folder: Path) -> list[Any]:
    """The loggers the plan names, writing below the run's folder.

    Raises:
        DependencyMissing: a logger's package is not installed.
    """
    for name in plan.loggers:
        if importlib.util.find_spec(PACKAGES[name]) is None:
            raise DependencyMissing.of(
                f"training.loggers: {name}", "is not installed", fix=f"pip install 'segwright[{name}]'"
            )
    return [_MAKERS[name](plan, folder) for name in plan.loggers]


@contextmanager
def closing(loggers: Sequence[Any]) -> Iterator[None]:
    """Close the loggers at the end, however it comes: MLflow would call the run running for ever."""
    status = "failed"
    try:
        yield
        status = "success"
    finally:
        for logger in loggers:
            logger.finalize(status)


def _tensorboard(_: Plan, folder: Path) -> Any:
    from lightning.fabric.loggers.tensorboard import TensorBoardLogger

    return TensorBoardLogger(root_dir=folder / "tensorboard", name="", version="")


def _mlflow(plan: Plan, folder: Path) -> Any:
    from lightning.pytorch.loggers import MLFlowLogger

    known, database = folder / MLFLOW_RUN, folder / "mlflow.db"
    logger = MLFlowLogger(
        experiment_name=plan.name,
        tracking_uri=f"sqlite:///{database}",
        run_id=known.read_text(encoding="utf-8").strip() if known.is_file() and database.is_file() else None,
    )
    run_id = str(logger.run_id)
    write_atomically(known, lambda part: part.write_text(run_id, encoding="utf-8"))
    return logger


def _wandb(plan: Plan, folder: Path) -> Any:
    from lightning.pytorch.loggers import WandbLogger

    return WandbLogger(project=plan.name, save_dir=folder)


_MAKERS = {"tensorboard": _tensorboard, "mlflow": _mlflow, "wandb": _wandb}
