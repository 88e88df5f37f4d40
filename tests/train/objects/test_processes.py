"""Several processes that share each batch of objects judge it, and learn from it, as one does with the whole."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from segwright.data import make_split, open_dataset, write_split
from segwright.data.columns import columns_from_pattern
from segwright.models.instance import InstanceTargets
from segwright.models.instance.draws import ANCHORS, POINTS, draws_of, shuffled, uniform
from segwright.models.instance.maskrcnn.matching import drawn
from segwright.models.joint import joint_mean
from segwright.train import start_run
from segwright.train.history import History
from segwright.train.processes import Processes
from tests.journeys.command import done, segwright
from tests.train.objects.gradient_worker import one_step
from tests.train.objects.panoptic_frames import write_panoptic_set
from tests.train.objects.squares import NETWORKS, PATTERN, planned, write_project
from tests.train.own_process import python, torchrun

# An odd batch: three crops in one process and two in the other; of some crops more is asked than a step looks at.
SETTINGS = ("training.batch=5", "training.augment.copy_paste=0.6", "training.augment.scale=[0.5,1.5]")
VARIANTS = {
    **NETWORKS,
    "pointrend": "{width: 16, head_width: 32, proposals: 20, anchors_to_train: 8, regions_to_train: 8, refinements: 1}",
    "boxinst": "{width: 32, head_width: 32, learn_from: boxes, masks_to_train: 3}",
    "mask2former": "{queries: 6, width: 32, heads: 4, layers: 2, feedforward: 32, pixel_layers: 1, points: 64}",
    "eomt": "{queries: 6, width: 32, heads: 2, blocks: 3, query_blocks: 2, image_size: 64, points: 64}",
}
ENCODERS = {"eomt": "dinov2_tiny"}
BUILT_AS = {"pointrend": "maskrcnn", "boxinst": "solov2"}
PANOPTIC = """
name: parts
task: panoptic
classes: {names: {belt: 1, floor: 2, bolt: 3, plate: 4}, things: [bolt, plate]}
data: {root: frames, format: coco_panoptic, columns_from: '^(?P<line>[ab])'}
split: {by: line}
model: {network: panoptic_fpn, encoder: test_resnet, weights: null}
training: {steps: 2, crop: 64, validate_every: 2, precision: fp32, loggers: [], workers: 1}
lint: {ignore: [SEG001]}
"""


def panoptic_project(folder: Path) -> Path:
    """`folder`/segwright.yaml of bolts and plates on belt and floor: line a to train on, b to validate on."""
    write_panoptic_set(folder / "frames")
    dataset = columns_from_pattern(open_dataset(folder / "frames", format="coco_panoptic"), PATTERN)
    held_out = make_split(dataset, by="line", fractions={"train": 1.0}, held_out={"validation": ["b"]})
    write_split(folder / "split.json", held_out)
    (folder / "segwright.yaml").write_text(PANOPTIC, encoding="utf-8")
    return folder / "segwright.yaml"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_project(tmp_path_factory.mktemp("squares"))


def test_two_processes__judge_a_batch_as_one_does_and_take_the_same_gradient(project: Path, tmp_path: Path) -> None:
    """Positives, regions, cells and masks are counted over both, whoever has them; draws are the crop's own."""
    runs = {}
    for name, options in VARIANTS.items():
        encoder = ENCODERS.get(name, "test_resnet")
        named = (f"model.network={BUILT_AS.get(name, name)}", f"model.encoder={encoder}", f"model.options={options}")
        words = (*named, *SETTINGS)
        runs[name] = start_run(planned(project, *words).plan, tmp_path / name)
    words = (f"model.options={VARIANTS['maskrcnn']}", *SETTINGS)
    panoptic = planned(panoptic_project(tmp_path / "segments"), *words)
    runs["panoptic_fpn"] = start_run(panoptic.plan, tmp_path / "panoptic_fpn")
    together = torchrun("tests.train.objects.gradient_worker", *(run.path for run in runs.values()))
    assert together.returncode == 0, together.stderr
    for name, run in runs.items():
        for step, theirs in enumerate(torch.load(tmp_path / f"{name}.pt", weights_only=True)):
            mine = one_step(run, Processes(), step)
            assert mine.keys() == theirs.keys()
            assert float(mine["term loss"]) > 0
            largest = max(float(value.abs().max()) for key, value in mine.items() if not key.startswith("term "))
            for key, value in mine.items():
                scale = 1.0 if key.startswith("term ") else largest
                torch.testing.assert_close(theirs[key], value, rtol=2e-3, atol=2e-5 * scale, msg=f"{name}: {key}")


def test_train__with_two_devices_learns_and_scores_as_one(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [str(project), f"model.options={NETWORKS['maskrcnn']}", "training.steps=2", "training.batch=3"]
    done(segwright(capsys, "train", *words, "--run", str(tmp_path / "alone")))
    together = python("segwright", "train", *words, "--devices", 2, "--run", tmp_path / "together")
    assert together.returncode == 0, together.stderr
    rows = [list(History(tmp_path / name / "history.jsonl").rows()) for name in ("alone", "together")]
    assert [(row["step"], row["kind"]) for row in rows[0]] == [(row["step"], row["kind"]) for row in rows[1]]
    for mine, theirs in zip(*rows, strict=True):
        if mine["kind"] == "train":
            assert theirs["loss"] == pytest.approx(mine["loss"], rel=1e-2 if mine["step"] > 1 else 1e-4)
    scores = [json.loads((tmp_path / name / "evaluation.json").read_text())["images"] for name in ("alone", "together")]
    assert scores == [3, 3]


def target(seed: int | None) -> InstanceTargets:
    nothing = torch.zeros(0, 8, 8, dtype=torch.bool)
    ignored = torch.zeros(8, 8, dtype=torch.bool)
    return InstanceTargets(torch.zeros(0, dtype=torch.int64), torch.zeros(0, 4), nothing, ignored, seed)


def test_draws__of_an_image_are_its_own_whatever_else_was_drawn() -> None:
    device = torch.device("cpu")
    first = shuffled(50, device, draws_of(target(7), ANCHORS))
    torch.rand(3)
    assert torch.equal(shuffled(50, device, draws_of(target(7), ANCHORS)), first)
    assert not torch.equal(shuffled(50, device, draws_of(target(8), ANCHORS)), first)
    points = uniform((4, 2), device, draws_of(target(7), POINTS))
    assert torch.equal(uniform((4, 2), device, draws_of(replace(target(None), seed=7), POINTS)), points)
    assert draws_of(target(None), ANCHORS) is None
    torch.manual_seed(3)
    mine = shuffled(9, device, None)
    torch.manual_seed(3)
    assert torch.equal(torch.randperm(9), mine)


def test_drawn__are_those_of_torchvisions_sampler() -> None:
    from torchvision.models.detection._utils import BalancedPositiveNegativeSampler

    classes = torch.randint(-1, 3, (60,), generator=torch.Generator().manual_seed(1))
    for count, share in ((8, 0.5), (60, 0.25), (500, 0.5)):
        torch.manual_seed(2)
        mine = drawn(classes, count, share)
        torch.manual_seed(2)
        theirs = BalancedPositiveNegativeSampler(count, share)([classes])
        for own, masks in zip(mine, theirs, strict=True):
            assert torch.equal(own, masks[0].nonzero().flatten())


def test_joint_mean__of_one_process_and_of_nothing() -> None:
    assert joint_mean(torch.tensor(6.0), 4) == 1.5
    assert joint_mean(torch.tensor(0.0), torch.tensor(0)) == 0
