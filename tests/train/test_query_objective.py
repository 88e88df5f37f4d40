"""A query network in the same loop as every other: its own loss, the same scores, the same resumption."""

from __future__ import annotations

import contextlib
import json
import shutil
from pathlib import Path

import pytest
import torch

from segwright.core import Event, Listener, Measured
from segwright.models import build_network
from segwright.models.query import QueryNetwork, SegmentTargets
from segwright.project import read_project
from segwright.train import execute, open_run, plan_project, start_run
from segwright.train.checkpoint import BEST, load_weights
from segwright.train.objective import SemanticObjective
from segwright.train.query_objective import QueryObjective, labels_objective
from segwright.train.settings import LossPlan
from tests.models.query.tiny import EOMT, MASK2FORMER, spec
from tests.train.tiny import write_project


class Killed(BaseException):
    """Stands for SIGKILL."""


def killed_after(step: int) -> Listener:
    def listener(event: Event) -> None:
        if isinstance(event, Measured) and (event.step, event.stage) == (step, "validation"):
            raise Killed("gone")

    return listener


PLAN = LossPlan({"cross_entropy": 1.0}, (0, 1, 2), None)


def test_labels_objective__each_network_has_its_own() -> None:
    heard: list[Event] = []
    query = labels_objective(build_network(spec("eomt", "dinov2_tiny", mask_weight=3)), PLAN, heard.append)
    assert isinstance(query, QueryObjective)
    assert (query.loss.weights.mask_weight, query.loss.points) == (3, EOMT["points"])
    (note,) = heard
    assert "eomt learns from matched queries (class_weight 2, mask_weight 3," in str(note)
    assert isinstance(labels_objective(torch.nn.Identity(), PLAN), SemanticObjective)


def test_objective__takes_channel_maps_and_segments_alike() -> None:
    network = build_network(spec("eomt", "dinov2_tiny")).train()
    objective, frames = labels_objective(network, PLAN), torch.randn(2, 3, 64, 64)
    target = torch.randint(-1, 3, (2, 64, 64))
    losses = []
    for given in (target, [SegmentTargets.of_channels(each) for each in target]):
        torch.manual_seed(0)
        loss, terms = objective(network, frames, given, contextlib.nullcontext)
        losses.append(loss)
    assert losses[0] == losses[1]
    assert set(terms) == {"class", "mask", "dice"}


@pytest.mark.parametrize(("network", "encoder"), [("mask2former", "test_resnet"), ("eomt", "dinov2_tiny")])
def test_run__learns_and_a_resumed_one_ends_with_the_same_weights(tmp_path: Path, network: str, encoder: str) -> None:
    path = write_project(tmp_path, per_line=1)
    options = MASK2FORMER if network == "mask2former" else {**EOMT, "mask_steps": 8}
    settings = [f"model.network={network}", f"model.encoder={encoder}", "training.steps=8", "training.validate_every=4"]
    settings += [f"model.options.{name}={value}" for name, value in options.items()]
    plan, dataset, split = plan_project(read_project(path, settings), path.parent)
    assert plan.reasons["loss.weights"] == f"not used: {network} learns from matched queries"
    whole, again = (start_run(plan, tmp_path / name) for name in ("whole", "again"))
    execute(whole, dataset, split)
    with pytest.raises(Killed, match="gone"):
        execute(again, dataset, split, listener=killed_after(4))
    execute(open_run(again.path), dataset, split, resume=True)
    ends = [load_weights(each.path / "checkpoints" / BEST) for each in (whole, again)]
    assert all(torch.equal(ends[0][name], ends[1][name]) for name in ends[0])
    rows = [json.loads(line) for line in (whole.path / "history.jsonl").read_text(encoding="utf-8").splitlines()]
    trained = [row for row in rows if row["kind"] == "train"]
    assert {"loss", "class", "mask", "dice"} <= set(trained[-1])
    assert trained[-1]["loss"] < trained[0]["loss"]


def test_run__starts_from_a_folder_of_transformers_and_is_read_without_it(tmp_path: Path) -> None:
    made = build_network(spec("eomt", "dinov2_tiny"))
    assert isinstance(made, QueryNetwork)
    type(made.model)(made.model.config).save_pretrained(tmp_path / "published")
    path = write_project(tmp_path, per_line=1)
    settings = ["model.network=eomt", "model.weights=published", "training.steps=1", "training.validate_every=1"]
    plan, dataset, split = plan_project(read_project(path, settings), path.parent)
    assert plan.weights == str(tmp_path / "published")
    assert "ImageNet" in plan.reasons["preprocessing"]
    heard: list[Event] = []
    run = execute(start_run(plan, tmp_path / "run"), dataset, split, listener=heard.append)
    (note,) = [str(event) for event in heard if "tensors from" in str(event)]
    assert "0 not" not in note
    shutil.rmtree(tmp_path / "published")
    assert open_run(run.path).module().spec == plan.network
