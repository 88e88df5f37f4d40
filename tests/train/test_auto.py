"""`auto`: what it chooses, from which numbers, and that a project without it plans as before."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from segwright.core import ClassSpec, ConfigError, Size
from segwright.data import ClassFingerprint
from segwright.models import NetworkSpec
from segwright.project.model import DECODER_WIDTHS
from segwright.train import Run
from segwright.train.auto import HEADROOM, network_exists, resolve_auto
from segwright.train.memory import StepMeter, free_memory
from segwright.train.plan import make_plan
from segwright.train.plan_inputs import PlanInputs
from segwright.train.settings import LossPlan
from tests.journeys.command import done, refused, segwright
from tests.train.conftest import Tiny
from tests.train.test_plan import CPU, GPU, inputs

SIZES = ("training.crop=auto", "training.batch=auto")
ALL = ("model.network=auto", "model.encoder=auto", "model.decoder_widths=auto", *SIZES)
LOSS = LossPlan({"cross_entropy": 0.5, "dice": 0.5}, (1, 2), None)
GIGABYTE = 2**30


@pytest.fixture(autouse=True)
def _memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with memory to spare; other tests say how much."""
    free(monkeypatch, 64 * GIGABYTE)


def free(monkeypatch: pytest.MonkeyPatch, amount: float | None) -> None:
    monkeypatch.setattr("segwright.train.auto.free_memory", lambda machine: amount)


def with_classes(given: PlanInputs, **pixels: int) -> PlanInputs:
    seen = {name: ClassFingerprint(count, 4, 9, 200.0, 6.0) for name, count in pixels.items()}
    return replace(given, fingerprint=replace(given.fingerprint, classes=seen))


def test_auto__nothing_auto_is_nothing_resolved(tiny: Tiny):
    given = inputs(tiny)
    resolved = resolve_auto(given)
    assert resolved.inputs is given
    assert resolved.reasons == {}


def test_auto__few_frames_get_a_unet_on_resnet34_with_numbers_for_reasons(tiny: Tiny):
    plan = make_plan(inputs(tiny, *ALL))
    assert (plan.task, plan.network.network, plan.network.encoder) == ("semantic", "unet", "resnet34")
    assert plan.network.decoder_widths == DECODER_WIDTHS
    assert (plan.sampling.crop, plan.sampling.batch) == (96, 8)
    assert "4 frames to train on" in plan.reasons["network.network"]
    assert "below 200 frames" in plan.reasons["network.encoder"]
    for name in ("sampling.crop", "sampling.batch", "network.decoder_widths"):
        assert "a step takes 0." in plan.reasons[name]
        assert "64 GB are free" in plan.reasons[name]


def test_auto__gives_up_batch_then_crop_then_the_network_where_memory_is_short(tiny: Tiny, monkeypatch):
    large = {"size_median": Size(2000, 3000), "size_max": Size(2000, 3000)}
    plans = []
    for gigabytes in (64, 4, 0.7):
        free(monkeypatch, gigabytes * GIGABYTE)
        given = inputs(tiny, *ALL, "training.cache_gb=0", machine=GPU, **large)
        plan = make_plan(given)
        plans.append((plan.network.encoder, plan.sampling.crop, plan.sampling.batch))
        spec = plan.network
        need = StepMeter(spec, LOSS)(plan.sampling.batch, plan.sampling.crop)
        assert need.total <= gigabytes * GIGABYTE / HEADROOM * 1.01
    assert plans[0] == ("resnet34", 512, 8)
    pixels = [crop**2 * batch for _, crop, batch in plans]
    assert pixels == sorted(pixels, reverse=True)
    assert plans[1][1] == 512
    assert plans[1][2] < 8


def test_auto__says_so_where_nothing_fits(tiny: Tiny, monkeypatch):
    free(monkeypatch, 0.05 * GIGABYTE)
    with pytest.raises(ConfigError, match=r"(?s)fits the memory with no encoder.*0\.05 GB are free"):
        make_plan(inputs(tiny, "model.network=auto", "model.encoder=resnet18", *SIZES))
    free(monkeypatch, None)
    assert "nothing tells how much" in make_plan(inputs(tiny, *ALL)).reasons["sampling.batch"]


def test_auto__large_regions_ask_for_larger_crops(tiny: Tiny):
    sizes = {"size_median": Size(2000, 3000), "size_max": Size(2000, 3000)}
    seen = {name: ClassFingerprint(10**6, 4, 9, 220.0**2, 90.0) for name in ("background", "blob", "line")}
    plan = make_plan(inputs(tiny, *ALL, classes=seen, **sizes))
    assert plan.sampling.crop == 448
    assert (
        "448 px instead of 256: 2 times the side of the largest class's median region" in plan.reasons["sampling.crop"]
    )


def test_auto__named_values_stay(tiny: Tiny):
    plan = make_plan(inputs(tiny, "model.network=auto", "training.crop=64", "training.batch=2"))
    assert plan.network.encoder == "test_resnet"
    assert (plan.sampling.crop, plan.sampling.batch) == (64, 2)
    assert plan.reasons["sampling.crop"] == "segwright.yaml says so"
    assert "network.encoder" not in plan.reasons


def test_auto__task_falls_back_to_regions_and_says_what_would_suit(tiny: Tiny, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("segwright.train.auto.trainable_tasks", lambda: ("semantic",))
    given = inputs(tiny, *ALL, "task=auto")
    specs = tuple(ClassSpec(spec.class_id, spec.name, "thing" if spec.name != "background" else "stuff")
                  for spec in given.dataset.classes)  # fmt: skip
    things = replace(given, dataset=replace(given.dataset, classes=replace(given.dataset.classes, classes=specs)))
    plan = make_plan(things)
    assert plan.task == "semantic"
    assert "instance would suit" in plan.reasons["task"]


def test_auto__a_tiny_foreground_gets_lovasz_unless_a_loss_is_named(tiny: Tiny):
    seen = {"background": 10**6, "blob": 900, "line": 100}
    plan = make_plan(with_classes(inputs(tiny, *ALL, "task=auto"), **seen))
    assert plan.loss.weights == {"cross_entropy": 0.5, "dice": 0.5, "lovasz": 0.5}
    assert "0.10% foreground" in plan.reasons["loss.weights"]
    named = make_plan(with_classes(inputs(tiny, *ALL, "task=auto", "loss.dice=1"), **seen))
    assert named.loss.weights == {"cross_entropy": 0.5, "dice": 1}
    if not network_exists("attention_unet"):
        assert "attention_unet would come first" in plan.reasons["network.network"]


def test_auto__weights_of_a_run_bring_their_encoder_and_a_file_does_not(tiny: Tiny, finished: Run, tmp_path):
    assert make_plan(inputs(tiny, *ALL, f"model.weights={finished.path}")).network.encoder == "test_resnet"
    with pytest.raises(ConfigError, match="cannot be chosen for weights of a file"):
        make_plan(inputs(tiny, *ALL, f"model.weights={tmp_path / 'some.pt'}"))


def test_step_meter__grows_with_the_crops_and_allocates_nothing():
    spec = NetworkSpec("unet", "test_resnet", 3, 3, (16, 12, 8, 8, 8))
    one, four, wide = (StepMeter(spec, LOSS)(*size) for size in ((2, 64), (8, 64), (2, 128)))
    assert four.network == pytest.approx(4 * one.network, rel=0.02)
    assert four.network == pytest.approx(wide.network, rel=0.02)
    assert four.weights == one.weights
    assert four.total > one.total


def test_step_meter__is_what_autograd_keeps_when_the_step_is_real():
    spec = NetworkSpec("unet", "test_resnet", 3, 3, (16, 12, 8, 8, 8))
    from segwright.models import build_network
    from segwright.train.memory import _Kept

    network = build_network(spec).train()
    kept = _Kept(network)
    with kept.watching():
        network(torch.zeros(2, 3, 64, 64))
    assert StepMeter(spec, LOSS)(2, 64).network == pytest.approx(kept.bytes, rel=0.02)


def test_free_memory__of_this_machine():
    found = free_memory(CPU)
    assert found is None or found > 0


def test_choose_command__on_a_project_and_on_what_is_told(tiny: Tiny, capsys):
    answer = done(segwright(capsys, "choose", tiny.project))
    assert answer["situation"]["frames"] == 4
    assert answer["choice"]["task"] == "semantic"
    assert answer["possible"] == {"task": True, "network": "unet", "missing": []}
    told = done(segwright(capsys, "choose", tiny.project, "--fps", "30", "--not-thin"))
    assert told["choice"]["encoders"] == ["mobilenetv2_100"]
    clicked = done(segwright(capsys, "choose", "--clicks"))
    assert clicked["choice"]["networks"] == ["sam"]
    assert "say nothing about what is to be segmented" in refused(segwright(capsys, "choose"))
    assert "does not exist" in refused(segwright(capsys, "choose", "no.yaml"))
