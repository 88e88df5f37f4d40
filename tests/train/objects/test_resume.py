"""An instance run stopped at any step and resumed ends with the same weights and states as one left alone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from segwright.core import Event, Measured
from segwright.train import Run, execute, open_run, start_run
from segwright.train.checkpoint import BEST, LAST, load_state, load_weights
from tests.contracts.repository import ROOT
from tests.train.objects.squares import NETWORKS, Planned, planned, write_project

# Copy-paste, sampling of anchors and masks, warm-up, averages: whatever has a state or draws a number is on.
SETTINGS = ("training.steps=8", "training.validate_every=3", "training.augment.copy_paste=0.5")


class Killed(BaseException):
    """Stands for SIGKILL where the process that tests must live on."""


def killed_at(step: int, kind: str) -> Callable[[Event], None]:
    def listener(event: Event) -> None:
        if isinstance(event, Measured) and (event.step, event.stage) == (step, kind):
            raise Killed("gone")

    return listener


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_project(tmp_path_factory.mktemp("squares"))


def of(project: Path, network: str, *settings: str) -> Planned:
    return planned(project, f"model.network={network}", f"model.options={NETWORKS[network]}", *SETTINGS, *settings)


def assert_same_end(run: Run, undisturbed: Run) -> None:
    ends = [load_weights(each.path / "checkpoints" / BEST) for each in (run, undisturbed)]
    assert ends[0].keys() == ends[1].keys()
    assert all(torch.equal(ends[0][name], ends[1][name]) for name in ends[0])
    states = [load_state(each.path / "checkpoints" / LAST) for each in (run, undisturbed)]
    assert states[0]["optimiser"]["state"]
    assert equal(*states)
    assert history(run) == history(undisturbed)


def equal(one: Any, other: Any) -> bool:
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(equal(value, other[key]) for key, value in one.items())
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(equal(*pair) for pair in zip(one, other, strict=True))
    return one == other


def history(run: Run) -> list[dict[str, Any]]:
    rows = [json.loads(line) for line in (run.path / "history.jsonl").read_text(encoding="utf-8").splitlines()]
    return [{name: value for name, value in row.items() if name != "waiting_share"} for row in rows]


@pytest.mark.parametrize("network", NETWORKS)
def test_resume__of_objects_ends_the_same(project: Path, tmp_path: Path, network: str) -> None:
    plan, dataset, split = of(project, network)[1:]
    undisturbed = execute(start_run(plan, tmp_path / "undisturbed"), dataset, split)
    run = start_run(plan, tmp_path / "run")
    for resume, (step, kind) in ((False, (5, "train")), (True, (6, "validation")), (True, (7, "train"))):
        with pytest.raises(Killed, match="gone"):
            execute(run, dataset, split, resume=resume, listener=killed_at(step, kind))
    torch.rand(5)  # whatever another part of the process draws in between is nothing to the run
    execute(open_run(run.path), dataset, split, resume=True)
    assert_same_end(run, undisturbed)


def test_resume__from_boxes_the_warm_up_goes_on_where_it_was(project: Path, tmp_path: Path) -> None:
    options = "{width: 32, head_width: 32, learn_from: boxes, warm_up_steps: 20}"
    plan, dataset, split = of(project, "solov2", f"model.options={options}")[1:]
    undisturbed = execute(start_run(plan, tmp_path / "undisturbed"), dataset, split)
    run = start_run(plan, tmp_path / "run")
    with pytest.raises(Killed, match="gone"):
        execute(run, dataset, split, listener=killed_at(5, "train"))
    execute(run, dataset, split, resume=True)
    assert_same_end(run, undisturbed)
    assert int(load_state(run.path / "checkpoints" / LAST)["network"]["steps_from_boxes"]) == 8


# Imports once, then forks a child for each command line, reads its events, and sends it a signal after so many steps.
DRIVER = """
import json, os, signal, sys, time
import segwright.train, segwright.train.finish
from segwright.cli.app import main

signal.signal(signal.SIGINT, signal.default_int_handler)  # who starts tests in the background may ignore it
for words, steps, number in json.loads(sys.argv[1]):
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.dup2(writing, 2)
        main(words)
    os.close(writing)
    said = []
    with os.fdopen(reading) as lines:
        for line in lines:
            said.append(line)
            row = json.loads(line) if line.startswith("{") else {}
            if number and row.get("stage") == "training" and row.get("done", 0) >= steps:
                time.sleep(0.01)
                os.kill(child, number)
                number = 0
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    print(json.dumps([status, "".join(said)]))
"""


def test_train__of_objects_stopped_by_signals_is_gone_on_with(project: Path, tmp_path: Path) -> None:
    """Through the command: Ctrl-C, then what a queueing system sends, then to the end."""
    run, undisturbed = tmp_path / "run", tmp_path / "undisturbed"
    settings = ["model.network=maskrcnn", f"model.options={NETWORKS['maskrcnn']}", *SETTINGS]
    train, again = (
        ["train", str(project), *settings, "--json", "--run"],
        ["train", "--resume", "--json", "--run", str(run)],
    )
    commands = [
        ([*train, str(undisturbed)], 0, 0),
        ([*train, str(run)], 5, signal.SIGINT),
        (again, 6, signal.SIGTERM),
        (again, 0, 0),
    ]
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, json.dumps(commands)],
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    ends = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]
    assert [code for code, _ in ends] == [0, 130, 130, 0], ends
    for _, said in ends[1:3]:
        assert f"segwright train --resume --run {run} goes on" in said
    assert_same_end(open_run(run), open_run(undisturbed))
