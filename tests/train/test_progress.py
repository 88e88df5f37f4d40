"""What is said of a training while it runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from segwright.core import Event, Measured
from segwright.train import Run, execute, start_run
from segwright.train.guard import Guard
from segwright.train.progress import Pace, said_of_round
from tests.train.conftest import Tiny


def test_pace__time_left_counts_steps_and_the_rounds_that_are_due(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("segwright.train.progress.time.perf_counter", lambda: 150.0)
    pace = Pace(first_step=10, started=100.0)
    assert pace.seconds_left(10, 100, 20) is None
    pace.round_took(10.0)
    # 40 s for 20 steps: 2 s a step; rounds at 40, 60, 80 and 100 are to come
    assert pace.seconds_left(30, 100, 20) == 70 * 2 + 4 * 10
    assert pace.seconds_left(95, 95, 20) == 0
    # the last round is at the last step, also where it is no multiple
    assert Pace(0, 100.0, 10.0, 1).seconds_left(40, 50, 20) == 10 * 1 + 10


def test_round__is_said_with_the_best_so_far_and_the_lowest_classes() -> None:
    guard = Guard(best_score=0.75, best_step=40, stale_rounds=2)
    said = said_of_round("pooled_miou", 0.5, {"dent": 0.25, "scratch": None, "clean": 0.75}, guard)
    assert said == "pooled_miou 0.500, best 0.750 at step 40; IoU: dent 0.250, clean 0.750"
    many = {f"c{number}": number / 10 for number in range(9)}
    said = said_of_round("pooled_miou", None, many, Guard())
    assert said.startswith("pooled_miou absent, the best so far; lowest 6 IoU: c0 0.000, c1 0.100")
    assert "c6" not in said


def test_progress_file__of_a_finished_run_says_so(finished: Run) -> None:
    now = json.loads((finished.path / "progress.json").read_text(encoding="utf-8"))
    assert (now["state"], now["step"], now["steps"], now["seconds_left"]) == ("finished", 24, 24, 0.0)
    assert now["loss"] > 0
    assert now["best_step"] in (6, 12, 18, 24)


def test_progress_file__whoever_hears_of_a_round_finds_it_there(tiny: Tiny, tmp_path: Path) -> None:
    run = start_run(tiny.plan, tmp_path / "heard")
    found: list[dict[str, Any]] = []

    def listen(event: Event) -> None:
        if isinstance(event, Measured) and event.stage == "validation":
            found.append(json.loads((run.path / "progress.json").read_text(encoding="utf-8")))
            if len(found) == 2:
                raise InterruptedError

    with pytest.raises(InterruptedError):
        execute(run, tiny.dataset, tiny.split, listener=listen)
    assert [now["step"] for now in found] == [6, 12]
    assert found[0]["best_score"] is not None
    assert found[0]["best_step"] == 6
    assert found[1]["stale_rounds"] == (0 if found[1]["best_step"] == 12 else 1)
