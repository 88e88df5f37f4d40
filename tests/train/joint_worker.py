"""Trains runs in float64, alone or together: `python joint_worker.py RUN[:resume][:fsdp][:stop] ...`

`stop` ends a run in its third step, once the checkpoint of the second is written.

In float32 the order of a sum shows after a few steps of Adam; in float64 what differs is an error of ours.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import torch
from torch import Tensor, nn

from segwright.core import Progress, silent
from segwright.core.events import Event
from segwright.train import execute, open_run, tasks
from segwright.train.objective import SemanticObjective
from segwright.train.processes import joined
from segwright.train.query_objective import QueryObjective


def in_float64(patch: Callable[[Any, str, Any], None]) -> None:
    """Let the next runs compute in float64; they are validated in float32 as ever."""
    network, build, validator = tasks._network, tasks.build_network, tasks.validator

    def scored_in_float32(*given: Any) -> Callable[[nn.Module], dict[str, Any]]:
        validate = validator(*given)
        return lambda trained: validate(copy.deepcopy(trained).float())

    patch(tasks, "_network", lambda *given: network(*given).double())
    patch(tasks, "build_network", lambda spec: build(spec).double())
    patch(tasks, "validator", scored_in_float32)
    for objective in (SemanticObjective, QueryObjective):
        patch(objective, "__call__", _on_float64(objective.__call__))


def _on_float64(learn: Callable[..., Any]) -> Callable[..., Any]:
    def learned(self: Any, trained: nn.Module, frames: Tensor, target: Tensor, autocast: Any) -> Any:
        return learn(self, trained, frames.double(), target, autocast)

    return learned


def main(named: list[str]) -> None:
    """Train each run, from the start or from its last checkpoint."""
    torch.set_num_threads(1)
    in_float64(setattr)
    with joined() as processes:
        for name in named:
            path, *how = name.split(":")
            run, listener = open_run(path), stopping if "stop" in how else silent
            strategy = "fsdp" if "fsdp" in how else None
            with suppress(Stopped):
                execute(
                    run, run.dataset, run.split,
                    resume="resume" in how, processes=processes, strategy=strategy, listener=listener,
                )  # fmt: skip


class Stopped(Exception):
    pass


def stopping(event: Event) -> None:
    """Stop in every process at the same place."""
    if isinstance(event, Progress) and event.stage == "training" and event.done == 3:
        raise Stopped


if __name__ == "__main__":
    main(sys.argv[1:])
