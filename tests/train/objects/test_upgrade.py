"""From regions to counts without annotating again: a semantic run, its masks as objects, an instance run upon both."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from segwright.core import ArtefactError, Note
from segwright.data import read_split
from segwright.models.any_network import build_any
from segwright.project import read_project
from segwright.train import Run, plan_project
from segwright.train.checkpoint import BEST, load_weights
from segwright.train.objects.task import object_feed, start_weights
from tests.journeys.command import done, refused, segwright
from tests.train.conftest import Tiny
from tests.train.objects.squares import NETWORKS

PROJECT = """
name: counted
task: instance
classes: {{names: {{background: 0, blob: 1}}, background: background, things: [blob]}}
data: {{root: seeds, format: coco_json, columns_csv: seeds/columns.csv}}
split: {{by: press}}
model: {{network: maskrcnn, encoder: test_resnet, weights: {run}, options: {options}}}
training: {{steps: 2, crop: 64, batch: 2, validate_every: 2, precision: fp32, loggers: [], workers: 1}}
lint: {{ignore: [SEG001]}}
"""


@pytest.fixture
def counted(tiny: Tiny, finished: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """The project of objects beside the seeds of the tiny semantic set; it starts from the semantic run."""
    words = ("--out", str(tmp_path / "seeds"), "--things", "blob")
    seeded = done(segwright(capsys, "assist", "seeds", str(tiny.project), *words))
    assert seeded["objects"] >= 8  # a bright square a frame, at times cut by a line
    text = PROJECT.format(run=finished.path, options=NETWORKS["maskrcnn"])
    project = tmp_path / "counted.yaml"
    project.write_text(text, encoding="utf-8")
    theirs, ours = tiny.project.parent / "split.json", tmp_path / "split.json"
    done(segwright(capsys, "split", str(project), "--from", str(theirs), "--out", str(ours)))
    assert read_split(ours).parts == read_split(theirs).parts  # no frame that validates was learned from before
    return project


def test_upgrade__from_a_semantic_run_to_a_scored_instance_run(
    counted: Path, finished: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    answer = segwright(capsys, "train", str(counted), "--run", str(run))
    done(answer)
    said = " ".join(answer.errors.split())
    assert "the encoder of that semantic run is taken over (unet on test_resnet)" in said
    assert "what maskrcnn has beside the encoder starts from random" in said
    report = json.loads((run / "weights.json").read_text(encoding="utf-8"))
    encoder = [name for name in load_weights(finished.path / "checkpoints" / BEST) if name.startswith("encoder.")]
    assert report["matched"] == sum(not name.endswith("num_batches_tracked") for name in encoder)
    assert (report["missing"], report["misfits"], report["unexpected"]) == ([], [], [])
    assert json.loads((run / "evaluation.json").read_text(encoding="utf-8"))["task"] == "instance"
    plan = (run / "plan.yaml").read_text(encoding="utf-8")
    assert "that of the run the weights come from" in " ".join(plan.split())


def test_upgrade__the_encoder_is_that_of_the_semantic_run_and_nothing_else(counted: Path, finished: Run) -> None:
    plan, dataset, split = plan_project(read_project(counted), counted.parent)
    feed = object_feed(plan, dataset, split.parts["train"])
    torch.manual_seed(1)
    network = build_any(plan.network)
    random = {name: value.clone() for name, value in network.state_dict().items()}
    said: list[object] = []
    start_weights(network, plan, feed, said.append)
    started = network.state_dict()
    theirs = load_weights(finished.path / "checkpoints" / BEST)
    for name, value in started.items():
        same = theirs[name] if name.startswith("encoder.") else random[name]
        assert torch.equal(value, same), name
    assert plan.preprocessing == finished.plan.preprocessing
    assert any(isinstance(note, Note) and str(finished.path) in note.text for note in said)


def test_upgrade__a_run_of_another_encoder_is_refused_with_what_to_type(
    counted: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("train", str(counted), "model.encoder=resnet18", "--run", str(tmp_path / "run"))
    text = refused(segwright(capsys, *words))
    assert "names a run that learned another encoder" in text
    assert "model.encoder=test_resnet" in text


def test_upgrade__a_plan_from_a_run_that_is_gone_is_refused(counted: Path) -> None:
    project = read_project(counted, ["model.weights=gone"])
    with pytest.raises(ArtefactError, match="gone: does not exist"):
        plan_project(project, counted.parent)
