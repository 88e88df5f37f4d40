"""A run killed at any point and resumed ends with the same weights as one left alone."""

from __future__ import annotations

import json
import shutil
import signal
from dataclasses import MISSING, Field, fields, replace
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from segwright.core import ArtefactError, DataError, Event, Measured, Note
from segwright.models.losses import SegmentationLoss
from segwright.project import read_project
from segwright.train import Run, execute, open_run, plan_project, start_run
from segwright.train.checkpoint import BEST, LAST, load_state, load_weights
from segwright.train.devices import PRECISIONS
from tests.train.conftest import Tiny
from tests.train.interrupted import Killed, assert_same_end, equal, history, killed_at
from tests.train.signal_driver import Command, driven

STEPS, EVERY = 24, 6


def fresh(tiny: Tiny, folder: Path) -> Run:
    return start_run(tiny.plan, folder)


@pytest.mark.parametrize(
    ("step", "kind"), [(1, "train"), (6, "train"), (6, "validation"), (8, "train"), (18, "validation"), (24, "train")]
)
def test_resume__stopped_anywhere_ends_the_same(
    tiny: Tiny, finished: Run, tmp_path: Path, step: int, kind: str
) -> None:
    run = fresh(tiny, tmp_path / "run")
    with pytest.raises(Killed, match="gone"):
        execute(run, tiny.dataset, tiny.split, listener=killed_at(step, kind))
    execute(open_run(run.path), tiny.dataset, tiny.split, resume=True)
    assert_same_end(run, finished)


def test_resume__stopped_again_and_again_ends_the_same(tiny: Tiny, finished: Run, tmp_path: Path) -> None:
    run = fresh(tiny, tmp_path / "run")
    for number, step in enumerate((3, 7, 9, 13, 23)):
        with pytest.raises(Killed, match="gone"):
            execute(run, tiny.dataset, tiny.split, resume=number > 0, listener=killed_at(step, "train"))
    execute(run, tiny.dataset, tiny.split, resume=True)
    assert_same_end(run, finished)


def test_resume__from_a_checkpoint_between_rounds_ends_the_same(
    tiny: Tiny, finished: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = fresh(tiny, tmp_path / "run")
    monkeypatch.setattr("segwright.train.loop.SAVE_EVERY_SECONDS", 0.0)
    with pytest.raises(Killed, match="gone"):
        execute(run, tiny.dataset, tiny.split, listener=killed_at(16, "train"))
    monkeypatch.undo()
    assert load_state(run.path / "checkpoints" / LAST)["step"] == 15
    execute(run, tiny.dataset, tiny.split, resume=True)
    assert_same_end(run, finished)


def test_resume__sums_since_the_last_report_are_kept(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a report every third step, a run stopped between two reports tells the same losses."""
    monkeypatch.setattr("segwright.train.loop.REPORTS_PER_ROUND", 2)
    monkeypatch.setattr("segwright.train.loop.SAVE_EVERY_SECONDS", 0.0)
    plan = replace(tiny.plan, optimiser=replace(tiny.plan.optimiser, steps=12))
    whole, cut = start_run(plan, tmp_path / "whole"), start_run(plan, tmp_path / "cut")
    execute(whole, tiny.dataset, tiny.split)

    def killed(event: Event) -> None:
        if getattr(event, "stage", "") == "training" and getattr(event, "done", 0) == 8:
            raise Killed("gone")

    with pytest.raises(Killed, match="gone"):
        execute(cut, tiny.dataset, tiny.split, listener=killed)
    execute(cut, tiny.dataset, tiny.split, resume=True)
    assert history(cut) == history(whole)
    assert [row["step"] for row in history(cut) if row["kind"] == "train"] == [3, 6, 9, 12]


def test_train__losses_read_every_tenth_step_are_the_same(
    tiny: Tiny, finished: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on an accelerator; killed and resumed on top of it."""
    monkeypatch.setattr("segwright.train.loop._read_every", lambda _: 10)
    run = fresh(tiny, tmp_path / "run")
    with pytest.raises(Killed, match="gone"):
        execute(run, tiny.dataset, tiny.split, listener=killed_at(8, "train"))
    execute(run, tiny.dataset, tiny.split, resume=True)
    assert_same_end(run, finished)


def test_train__a_loss_that_is_no_number_stops_before_a_checkpoint_is_written(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = iter(range(STEPS))

    class Diverging(SegmentationLoss):
        def __call__(self, logits: torch.Tensor, target: torch.Tensor) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
            total, terms = super().__call__(logits, target)
            return (total * float("nan") if next(steps) >= 9 else total), terms

    monkeypatch.setattr("segwright.train.objective.SegmentationLoss", Diverging)
    monkeypatch.setattr("segwright.train.loop._read_every", lambda _: 100)
    monkeypatch.setattr("segwright.train.loop.REPORTS_PER_ROUND", 1)
    run = fresh(tiny, tmp_path / "run")
    with pytest.raises(ArtefactError, match=r"step 9: the loss is not a finite number"):
        execute(run, tiny.dataset, tiny.split)
    state = load_state(run.path / "checkpoints" / LAST)
    assert state["step"] == 6
    assert all(tensor.isfinite().all() for tensor in state["network"].values())


def test_resume__the_scale_of_fp16_gradients_goes_on_where_it_was(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a CPU in full precision: the scaler's own state is what is tested, and that scaling cancels out."""
    monkeypatch.setitem(PRECISIONS, "fp16", "32-true")
    plan = replace(tiny.plan, optimiser=replace(tiny.plan.optimiser, steps=12, precision="fp16"))
    whole, cut = start_run(plan, tmp_path / "whole"), start_run(plan, tmp_path / "cut")
    execute(whole, tiny.dataset, tiny.split)
    with pytest.raises(Killed, match="gone"):
        execute(cut, tiny.dataset, tiny.split, listener=killed_at(9, "train"))
    execute(cut, tiny.dataset, tiny.split, resume=True)
    states = [load_state(run.path / "checkpoints" / LAST) for run in (whole, cut)]
    assert equal(*states)
    assert states[0]["scaler"]["scale"] > 1
    assert states[0]["scaler"]["_growth_tracker"] == 12


def test_resume__a_plan_from_before_a_setting_was_there_goes_on_the_same(
    tiny: Tiny, finished: Run, tmp_path: Path
) -> None:
    """plan.yaml as an older segwright wrote it: without what has a value of its own where nothing is said."""
    run = fresh(tiny, tmp_path / "run")
    with pytest.raises(Killed, match="gone"):
        execute(run, tiny.dataset, tiny.split, listener=killed_at(8, "train"))
    content = yaml.safe_load((run.path / "plan.yaml").read_text(encoding="utf-8"))
    older = {name: value for name, value in content.items() if name not in ("processes", "distill", "objects")}
    left_out = {
        f"{section}.{each.name}"
        for section in ("data", "sampling", "loss", "optimiser")
        for each in fields(getattr(run.plan, section))
        if _said_nothing(each, getattr(getattr(run.plan, section), each.name))
    }
    assert {"optimiser.stage_rate", "optimiser.compile", "data.store_commit"} <= left_out
    for name in left_out:
        section, _, key = name.partition(".")
        del older[section][key]
    (run.path / "plan.yaml").write_text(yaml.safe_dump(older), encoding="utf-8")
    execute(open_run(run.path), tiny.dataset, tiny.split, resume=True)
    assert_same_end(run, finished)


def _said_nothing(each: Field[Any], value: Any) -> bool:
    """Whether a plan's value is what it is where plan.yaml does not have it."""
    if each.default_factory is not MISSING:
        return value == each.default_factory()
    return each.default is not MISSING and value == each.default


def test_resume__of_a_finished_run_changes_nothing(tiny: Tiny, finished: Run, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(finished.path, copy)
    said: list[Event] = []
    execute(open_run(copy), tiny.dataset, tiny.split, resume=True, listener=said.append)
    assert not any(isinstance(event, Measured) for event in said)
    files = [path.relative_to(copy) for path in sorted(copy.rglob("*")) if path.is_file()]
    assert all((copy / name).read_bytes() == (finished.path / name).read_bytes() for name in files)


def test_resume__before_the_first_checkpoint_starts_from_the_beginning_and_says_so(
    tiny: Tiny, finished: Run, tmp_path: Path
) -> None:
    run, said = fresh(tiny, tmp_path / "run"), list[Event]()
    execute(run, tiny.dataset, tiny.split, resume=True, listener=said.append)
    assert any(isinstance(event, Note) and "before its first checkpoint" in event.text for event in said)
    assert_same_end(run, finished)


def test_resume__refuses_data_or_split_that_changed(tiny: Tiny, tmp_path: Path) -> None:
    project = tmp_path / "project"
    shutil.copytree(tiny.project.parent, project, ignore=shutil.ignore_patterns("runs"))
    plan, dataset, split = plan_project(read_project(project / "segwright.yaml"), project)
    run = start_run(plan, project / "runs" / "x")
    mask = project / "frames" / "masks" / "a_00.png"
    mask.write_bytes((project / "frames" / "masks" / "a_01.png").read_bytes())
    again = open_run(run.path)
    with pytest.raises(DataError, match="cannot be resumed: the frames changed"):
        execute(again, again.dataset, again.split, resume=True)
    other = replace(split, parts={**split.parts, "train": split.parts["train"][:-1]})
    with pytest.raises(DataError, match="cannot be resumed: the split changed"):
        execute(run, dataset, other, resume=True)


def test_resume__refuses_a_checkpoint_of_another_plan(tiny: Tiny, finished: Run, tmp_path: Path) -> None:
    other = replace(tiny.plan, network=replace(tiny.plan.network, decoder_widths=(8, 8, 8, 8, 8)))
    run = start_run(other, tmp_path / "run")
    (run.path / "checkpoints").mkdir()
    shutil.copy(finished.path / "checkpoints" / LAST, run.path / "checkpoints" / LAST)
    with pytest.raises(ArtefactError, match="does not belong to this plan"):
        execute(run, tiny.dataset, tiny.split, resume=True)


def test_train__a_disk_that_fills_up_stops_with_a_message_and_can_be_resumed(
    tiny: Tiny, finished: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = fresh(tiny, tmp_path / "run")
    real, calls = torch.save, list[Path]()

    def full(state: Any, part: Path) -> None:
        calls.append(part)
        if len(calls) == 3:
            part.write_bytes(b"half")
            raise OSError(28, "No space left on device")
        real(state, part)

    monkeypatch.setattr("segwright.train.checkpoint.torch.save", full)
    with pytest.raises(ArtefactError, match="No space left on device"):
        execute(run, tiny.dataset, tiny.split)
    monkeypatch.undo()
    execute(run, tiny.dataset, tiny.split, resume=True)
    assert_same_end(run, finished)


def test_train__another_seed_ends_elsewhere(tiny: Tiny, finished: Run, tmp_path: Path) -> None:
    run = start_run(replace(tiny.plan, optimiser=replace(tiny.plan.optimiser, seed=1)), tmp_path / "run")
    execute(run, tiny.dataset, tiny.split)
    ends = [load_weights(each.path / "checkpoints" / BEST) for each in (run, finished)]
    assert not any(torch.equal(ends[0][name], ends[1][name]) for name in ends[0] if name.endswith("conv1.weight"))


def test_train__learns_the_tiny_set(finished: Run) -> None:
    assert [(row["step"], row["kind"]) for row in history(finished)] == [
        (step, kind)
        for step in range(1, STEPS + 1)
        for kind in ("train", "validation")
        if kind == "train" or step % EVERY == 0
    ]
    rounds = [row for row in history(finished) if row["kind"] == "validation"]
    assert rounds[-1]["iou/blob"] > 0.7
    assert rounds[-1]["iou/line"] > 0.7


def test_train__killed_with_sigkill_and_resumed_ends_the_same(tiny: Tiny, finished: Run, tmp_path: Path) -> None:
    """Through the command line, at points nobody chose: whatever the process was doing, it is gone."""
    folder = tmp_path / "run"
    first = ["train", str(tiny.project), "--run", str(folder), "--json"]
    again = ["train", "--resume", "--run", str(folder), "--json"]
    kills = [(2, 0.0), (5, 0.01), (11, 0.03), (12, 0.02), (19, 0.015)]
    words = [first, *(again for _ in kills[1:])]
    killed = [Command(each, steps, signal.SIGKILL, pause) for each, (steps, pause) in zip(words, kills, strict=True)]
    ended = driven(*killed, Command(again))
    assert ended.codes == [*(-signal.SIGKILL for _ in kills), 0], ended.said
    assert json.loads(ended.printed)["run"] == str(folder)
    assert_same_end(open_run(folder), finished)


def test_resume__hard_places_are_drawn_as_if_nothing_had_happened(tiny: Tiny, tmp_path: Path) -> None:
    project = read_project(tiny.project, ["training.hard_crops=0.5", "training.steps=24"])
    plan = plan_project(project, tiny.project.parent)[0]
    undisturbed = execute(start_run(plan, tmp_path / "undisturbed"), tiny.dataset, tiny.split)
    run = start_run(plan, tmp_path / "killed")
    with pytest.raises(Killed, match="gone"):
        execute(run, tiny.dataset, tiny.split, listener=killed_at(18, "validation"))
    execute(run, tiny.dataset, tiny.split, resume=True)
    assert load_state(run.path / "checkpoints" / LAST)["hard"]["cells"]
    assert_same_end(run, undisturbed)
