"""How far a training is, in progress.json: the step, the time left, and how near it is to stopping early."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from segwright.train.checkpoint import write_atomically
from segwright.train.guard import Guard

FILE = "progress.json"
CLASSES_SHOWN = 6


@dataclass
class Pace:
    """What steps and validation rounds have cost since this process began; a resumed run measures anew."""

    first_step: int
    started: float = field(default_factory=time.perf_counter)
    seconds_validating: float = 0.0
    rounds: int = 0

    def round_took(self, seconds: float) -> None:
        """Count a validation round."""
        self.seconds_validating += seconds
        self.rounds += 1

    @property
    def seconds_training(self) -> float:
        """Wall time without validation."""
        return time.perf_counter() - self.started - self.seconds_validating

    def seconds_left(self, step: int, steps: int, every: int) -> float | None:
        """Until the last step, with the rounds that are due, at the mean cost of each so far; None before a step."""
        done = step - self.first_step
        if done <= 0:
            return None
        rounds = math.ceil(steps / every) - step // every if step < steps else 0
        a_round = self.seconds_validating / self.rounds if self.rounds else 0.0
        return (steps - step) * self.seconds_training / done + rounds * a_round


def write_progress(folder: Path, row: Mapping[str, Any], guard: Guard) -> None:
    """Write `folder`/progress.json: `row`, and what the rounds so far say.

    Raises:
        ArtefactError: the disk is full or the folder cannot be written.
    """
    best = {"best_score": guard.best_score, "best_step": guard.best_step, "stale_rounds": guard.stale_rounds}
    text = json.dumps({"schema": "segwright/progress", "schema_version": 1, **row, **best}) + "\n"
    write_atomically(folder / FILE, lambda part: part.write_text(text, encoding="utf-8"))


def said_of_round(
    select: str, score: float | None, class_scores: Mapping[str, float | None], guard: Guard, called: str = "IoU"
) -> str:
    """One line of a validation round: the score, the best so far, and the lowest classes, by the score `called` so."""
    shown = "absent" if score is None else f"{score:.3f}"
    best = "absent" if guard.best_score is None else f"{guard.best_score:.3f}"
    state = "the best so far" if guard.stale_rounds == 0 else f"best {best} at step {guard.best_step}"
    present = sorted((iou, name) for name, iou in class_scores.items() if iou is not None)
    few = ", ".join(f"{name} {iou:.3f}" for iou, name in present[:CLASSES_SHOWN])
    which = called if len(present) <= CLASSES_SHOWN else f"lowest {CLASSES_SHOWN} {called}"
    return f"{select} {shown}, {state}; {which}: {few or 'of no class'}"
