"""An end at a chosen step, and what it takes for two runs to have ended the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import torch

from segwright.core import Event, Measured
from segwright.train import Run
from segwright.train.checkpoint import BEST, LAST, load_state, load_weights


class Killed(BaseException):
    """Stands for SIGKILL where the process that tests must live on: nothing in the product catches it."""


def killed_at(step: int, kind: str) -> Callable[[Event], None]:
    def listener(event: Event) -> None:
        if isinstance(event, Measured) and (event.step, event.stage) == (step, kind):
            raise Killed("gone")

    return listener


def assert_same_end(run: Run, undisturbed: Run) -> None:
    """The same best weights, last state and history, to the bit, and nothing half-written is left."""
    ends = [load_weights(each.path / "checkpoints" / BEST) for each in (run, undisturbed)]
    assert ends[0].keys() == ends[1].keys()
    assert all(torch.equal(ends[0][name], ends[1][name]) for name in ends[0])
    states = [load_state(each.path / "checkpoints" / LAST) for each in (run, undisturbed)]
    assert states[0]["optimiser"]["state"]
    assert equal(*states)
    assert history(run) == history(undisturbed)
    leftovers = [path.name for path in (run.path / "checkpoints").iterdir() if path.name.startswith(".")]
    assert leftovers == []


def history(run: Run) -> list[dict[str, Any]]:
    """The rows of the run, less how long it waited for frames."""
    rows = [json.loads(line) for line in (run.path / "history.jsonl").read_text(encoding="utf-8").splitlines()]
    return [{name: value for name, value in row.items() if name != "waiting_share"} for row in rows]


def equal(one: Any, other: Any) -> bool:
    """Whether two states hold the same, tensors to the bit."""
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(equal(value, other[key]) for key, value in one.items())
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(equal(*pair) for pair in zip(one, other, strict=True))
    return one == other
