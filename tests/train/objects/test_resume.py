"""An instance run stopped at any step and resumed ends with the same weights and states as one left alone."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
import torch

from segwright.train import execute, open_run, start_run
from segwright.train.checkpoint import LAST, load_state
from tests.train.interrupted import Killed, assert_same_end, killed_at
from tests.train.objects.squares import NETWORKS, Planned, planned, write_project
from tests.train.signal_driver import Command, driven

# Copy-paste, sampling of anchors and masks, warm-up, averages: whatever has a state or draws a number is on.
SETTINGS = ("training.steps=8", "training.validate_every=3", "training.augment.copy_paste=0.5")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_project(tmp_path_factory.mktemp("squares"))


def of(project: Path, network: str, *settings: str) -> Planned:
    return planned(project, f"model.network={network}", f"model.options={NETWORKS[network]}", *SETTINGS, *settings)


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


def test_train__of_objects_stopped_by_signals_is_gone_on_with(project: Path, tmp_path: Path) -> None:
    """Through the command: Ctrl-C, then what a queueing system sends, then to the end."""
    run, undisturbed = tmp_path / "run", tmp_path / "undisturbed"
    settings = ["model.network=maskrcnn", f"model.options={NETWORKS['maskrcnn']}", *SETTINGS]
    train, again = (
        ["train", str(project), *settings, "--json", "--run"],
        ["train", "--resume", "--json", "--run", str(run)],
    )
    ended = driven(
        Command([*train, str(undisturbed)]),
        Command([*train, str(run)], 5, signal.SIGINT),
        Command(again, 6, signal.SIGTERM),
        Command(again),
    )
    assert ended.codes == [0, 130, 130, 0], ended.said
    for said in ended.said[1:3]:
        assert f"segwright train --resume --run {run} goes on" in said
    assert_same_end(open_run(run), open_run(undisturbed))
