"""Several processes that share each batch do what one does with the whole of it."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from segwright.core import ConfigError
from segwright.train import Run, execute, start_run
from segwright.train.checkpoint import BEST, LAST, load_state, load_weights
from segwright.train.history import History
from segwright.train.processes import ALONE, NEEDED, Processes, joined, require_as_planned
from segwright.train.settings import LossPlan, Plan
from tests.contracts.repository import ROOT
from tests.models.query.tiny import spec
from tests.train.conftest import Tiny
from tests.train.joint_worker import in_float64
from tests.train.test_resume import Killed, killed_at

STEPS = 4
EVERY_TERM = LossPlan(
    {
        "cross_entropy": 0.5,
        "focal": 0.2,
        "dice": 0.5,
        "generalised_dice": 0.1,
        "tversky": 0.2,
        "lovasz": 0.3,
        "lovasz_hinge": 0.1,
        "cldice": 0.1,
        "boundary": 0.01,
        "hausdorff": 1e-4,
    },
    (1, 2),
    (0.5, 1.0, 2.0),
    {"cross_entropy": {"hardest": 0.5, "label_smoothing": 0.1}, "tversky": {"per": "image"}},
)


def test_two_processes__end_with_the_weights_of_one_and_resume_each_other(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every loss term, batch norm, an odd batch (three and two crops), validation, and a change of process count.

    Queries too: segments are counted over both processes, and points are drawn of a frame wherever it is.
    """
    plan = plan_of_four_steps(tiny.plan)
    in_float64(monkeypatch.setattr)
    alone = execute(start_run(plan, tmp_path / "alone"), tiny.dataset, tiny.split)
    halved = start_run(plan, tmp_path / "halved")
    with pytest.raises(Killed, match="gone"):
        execute(halved, tiny.dataset, tiny.split, listener=killed_at(3, "train"))
    together = start_run(plan, tmp_path / "together")
    asked_alone, asked = runs_of_queries(plan, tmp_path)
    execute(asked_alone, tiny.dataset, tiny.split)
    done = torchrun("tests.train.joint_worker", together.path, f"{halved.path}:resume", asked.path)
    assert done.returncode == 0, done.stderr
    for run, whole in ((together, alone), (halved, alone), (asked, asked_alone)):
        assert_equal(run, whole)


def test_two_processes__with_the_weights_in_shards_too(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the start, from a checkpoint of one process, and from one of shards back to one process."""
    plan = plan_of_four_steps(tiny.plan)
    in_float64(monkeypatch.setattr)
    alone = execute(start_run(plan, tmp_path / "alone"), tiny.dataset, tiny.split)
    halved = start_run(plan, tmp_path / "halved")
    with pytest.raises(Killed, match="gone"):
        execute(halved, tiny.dataset, tiny.split, listener=killed_at(3, "train"))
    sharded, stopped = (start_run(plan, tmp_path / name) for name in ("sharded", "stopped"))
    asked_alone, asked = runs_of_queries(plan, tmp_path)
    execute(asked_alone, tiny.dataset, tiny.split)
    of_pixels = (f"{sharded.path}:fsdp", f"{halved.path}:resume:fsdp", f"{stopped.path}:fsdp:stop")
    runs = (*of_pixels, f"{asked.path}:fsdp")
    done = torchrun("tests.train.joint_worker", *runs)
    assert done.returncode == 0, done.stderr
    assert load_state(stopped.path / "checkpoints" / LAST)["step"] == 2
    execute(stopped, tiny.dataset, tiny.split, resume=True)
    for run, whole in ((sharded, alone), (halved, alone), (stopped, alone), (asked, asked_alone)):
        assert_equal(run, whole)


def assert_equal(one: Run, other: Run) -> None:
    """The same weights, and the same losses and scores on the way."""
    assert largest_difference(one, other) < 1e-6
    for mine, theirs in zip(rows(one), rows(other), strict=True):
        assert mine == pytest.approx(theirs, abs=1e-6)


def runs_of_queries(plan: Plan, folder: Path) -> tuple[Run, Run]:
    """Two runs of one plan of a network of queries, to be learned alone and together."""
    asking = replace(plan, network=spec("mask2former", "test_resnet"))
    alone, together = (start_run(asking, folder / name) for name in ("asked_alone", "asked"))
    return alone, together


def plan_of_four_steps(plan: Plan) -> Plan:
    return replace(
        plan,
        loss=EVERY_TERM,
        sampling=replace(plan.sampling, batch=5),
        optimiser=replace(plan.optimiser, steps=STEPS, frozen_stages=1),
        validation=replace(plan.validation, every=2),
    )


def torchrun(module: str, *words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", module]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    return subprocess.run(
        [*command, *map(str, words)], env=environment, cwd=ROOT, capture_output=True, text=True, check=False
    )


def largest_difference(one: Run, other: Run) -> float:
    """Of any weight or statistic, in the last state and in the best one."""
    lasts = [load_state(run.path / "checkpoints" / LAST) for run in (one, other)]
    pairs = [(lasts[0][what], lasts[1][what]) for what in ("network", "average")]
    pairs.append(tuple(load_weights(run.path / "checkpoints" / BEST) for run in (one, other)))  # type: ignore[arg-type]
    return max(
        float((mine[name].double() - theirs[name].double()).abs().max()) for mine, theirs in pairs for name in mine
    )


def rows(run: Run) -> list[dict[str, float]]:
    numbers = (
        {k: v for k, v in row.items() if k not in ("kind", "waiting_share")}
        for row in History(run.path / "history.jsonl").rows()
    )
    return [{name: value for name, value in row.items() if value is not None} for row in numbers]


def test_share__parts_by_rank_are_the_whole_again() -> None:
    for count in (1, 2, 3, 7):
        parts = [Processes(rank, count, rank, count).share(range(5)) for rank in range(count)]
        assert [item for part in parts for item in part] == list(range(5))
        assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_joined__alone_where_nobody_started_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RANK", raising=False)
    with joined() as processes:
        assert processes == ALONE
        assert processes.from_first(3) == 3
        assert processes.gathered(3) == [3]
        processes.wait()
    assert not torch.distributed.is_initialized()


def test_joined__half_an_environment_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("RANK", "0"), ("WORLD_SIZE", "2"), ("LOCAL_RANK", "0")):
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("MASTER_ADDR", raising=False)
    monkeypatch.delenv("MASTER_PORT", raising=False)
    with (
        pytest.raises(ConfigError, match=r"(?s)not how they find.*no MASTER_ADDR, MASTER_PORT.*torchrun"),
        joined(),
    ):
        pass


def test_processes__that_are_not_as_planned_are_refused() -> None:
    require_as_planned(Processes(0, 4, 0, 2), "auto", 2)
    with pytest.raises(ConfigError, match=r"(?s)training.devices: is not what was.*4, as.*found: +2.*nproc-per-node 4"):
        require_as_planned(Processes(0, 2, 0, 2), 4, "auto")
    with pytest.raises(ConfigError, match=r"(?s)training.nodes.*--nnodes 3"):
        require_as_planned(Processes(0, 2, 0, 2), "auto", 3)


def test_execute__more_processes_than_crops_are_refused(tiny: Tiny, tmp_path: Path) -> None:
    run = start_run(tiny.plan, tmp_path / "run")
    # refused before anything is sent: no other process is there
    with pytest.raises(ConfigError, match=r"(?s)fewer crops than there are processes.*3 or more.*training.batch=3"):
        execute(run, tiny.dataset, tiny.split, processes=Processes(0, 3, 0, 3))


def test_joined__more_processes_than_gpus_are_refused_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**dict.fromkeys(NEEDED, "0"), "WORLD_SIZE": "3"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(ConfigError, match=r"(?s)more than this machine has.*1 to 2.*training.devices=2"), joined():
        pass
    monkeypatch.setenv("LOCAL_RANK", "2")
    with pytest.raises(SystemExit, match=r"^0$"), joined():
        pass
