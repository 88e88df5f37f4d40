"""Networks in plans and runs: what they need of crops and tiles, and that all of them train by the same loop."""

from __future__ import annotations

from dataclasses import replace

import pytest

from segwright.core import ConfigError, Size
from segwright.data import fingerprint
from segwright.models import NetworkSpec
from segwright.project import read_project
from segwright.train import execute, plan_project, start_run
from segwright.train.hardware import Hardware
from segwright.train.plan import make_plan
from segwright.train.plan_inputs import InputNeeds, PlanInputs, input_needs
from segwright.train.settings import Plan
from tests.train.conftest import Tiny

CPU = Hardware("cpu", bf16=True, fp16=False, cores=2)
PSPNET = ("model.network=pspnet", "model.options.output_stride=16")


def planned(tiny: Tiny, *overrides: str, needs: InputNeeds | None = None) -> Plan:
    project = read_project(tiny.project, overrides)
    model = project.model
    asked = needs or input_needs(NetworkSpec(model.network, model.encoder, 3, 1, model.decoder_widths, model.options))
    seen = fingerprint(tiny.dataset, tiny.split.parts["train"])
    return make_plan(PlanInputs(project, tiny.dataset, tiny.split, "split.json", seen, CPU, asked))


def test_plan__keeps_the_options_and_takes_crops_of_the_networks_own_stride(tiny: Tiny) -> None:
    plan = planned(tiny, *PSPNET, "training.crop=48")
    assert plan.network.options == {"output_stride": 16}
    assert plan.sampling.crop == 48
    assert Plan.from_json(plan.to_json()) == plan
    with pytest.raises(ConfigError, match="does not fit the network") as caught:
        planned(tiny, "training.crop=48")
    assert caught.value.problems[0].allowed == "a multiple of 32"
    assert caught.value.problems[0].fix == "training.crop=64"


def test_plan__crops_tiles_and_their_scales_are_the_strides_of_a_network_that_needs_more_than_most(tiny: Tiny) -> None:
    """ESPNetv2 reads multiples of 64 px; the frames have 72."""
    espnetv2 = ("model.network=espnetv2", "training.crop=auto")
    for auto in ((), ("model.encoder=auto", "training.batch=2")):
        plan = planned(tiny, *espnetv2, *auto, "training.crop_scales=[0.5,1,1.3]")
        assert (plan.sampling.crop, plan.tiles.tile) == (128, Size(128, 128))
        assert plan.sampling.sides == (128, 192)
    for wrong in ("training.crop=96", "inference.tile=96"):
        with pytest.raises(ConfigError, match="does not fit the network") as caught:
            planned(tiny, *espnetv2, wrong)
        (problem,) = caught.value.problems
        assert (problem.allowed, problem.found) == ("a multiple of 64", "96")
        assert problem.fix == wrong.replace("96", "128")


def test_auto__a_network_that_was_chosen_says_itself_what_it_reads(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before it is chosen its needs are taken for those of a U-Net."""
    monkeypatch.setattr("segwright.train.auto.first_possible", lambda choice, exists: ("espnetv2", []))
    chosen = ("model.network=auto", "training.crop=auto", "training.batch=2")
    plan = planned(tiny, *chosen, needs=InputNeeds())
    assert (plan.network.network, plan.sampling.crop, plan.tiles.tile) == ("espnetv2", 128, Size(128, 128))
    with pytest.raises(ConfigError, match=r"training\.crop: does not fit the network") as caught:
        planned(tiny, "model.network=auto", "training.crop=96", needs=InputNeeds())
    assert caught.value.problems[0].fix == "training.crop=128"


def test_plan__a_network_that_pools_the_frame_needs_two_crops(tiny: Tiny) -> None:
    with pytest.raises(ConfigError, match="is too small for batch norm") as caught:
        planned(tiny, *PSPNET, "training.batch=1")
    assert "'pspnet' pools the whole frame" in caught.value.problems[0].found
    assert planned(tiny, "model.network=fpn", "training.batch=1", "training.crop=64").sampling.batch == 1


def test_plan__a_network_for_one_size_gets_crops_and_tiles_of_that_size(tiny: Tiny) -> None:
    needs = InputNeeds(stride_px=64, fixed=Size(64, 64))
    plan = planned(tiny, "training.crop=auto", needs=needs)
    assert (plan.sampling.crop, plan.tiles.tile, plan.tiles.stretch) == (64, Size(64, 64), 1.0)
    assert plan.reasons["tiles.tile"] == "the network reads frames of 64x64 only"
    boxes = plan.tiles.boxes(Size(40, 200), stride_px=64)
    assert {(box.bottom - box.top, box.right - box.left) for box in boxes} == {(64, 64)}
    for wrong, message in (("training.crop=128", r"training\.crop"), ("inference.tile=128", r"inference\.tile")):
        with pytest.raises(ConfigError, match=f"{message}: does not fit the network") as caught:
            planned(tiny, "training.crop=auto", wrong, needs=needs)
        assert caught.value.problems[0].fix == f"{wrong.split('=')[0]}=auto"  # 128 is a multiple of 64, and is refused
    assert planned(tiny, "training.crop=auto", "training.crop_scales=[1]", needs=needs).sampling.sides == (64,)
    with pytest.raises(ConfigError, match=r"training\.crop_scales: asks for crops of several sizes") as caught:
        planned(tiny, "training.crop=auto", "training.crop_scales=[0.5,1]", needs=needs)
    assert "frames of 64x64" in caught.value.problems[0].allowed


def test_plan__one_crop_is_enough_for_a_network_for_one_size_whose_coarsest_level_is_no_single_value(
    tiny: Tiny,
) -> None:
    needs = InputNeeds(stride_px=64, fixed=Size(64, 64))
    assert planned(tiny, "training.crop=auto", "training.batch=1", needs=needs).sampling.batch == 1


def test_plan_project__a_wrong_option_and_a_wrong_encoder_are_said_before_a_frame_is_read(tiny: Tiny) -> None:
    wrong = ("model.network=deeplabv3", "model.encoder=test_vit", "model.options.output_strid=8")
    with pytest.raises(ConfigError, match="output_strid") as caught:
        plan_project(read_project(tiny.project, wrong), tiny.project.parent)
    assert [problem.place for problem in caught.value.problems] == [
        "model.options.output_strid",
        "model.encoder: test_vit",
    ]


@pytest.mark.parametrize("network", ["pspnet", "bisenetv2"])
def test_execute__networks_that_answer_more_than_once_in_training(tiny: Tiny, network: str) -> None:
    plan = planned(tiny, f"model.network={network}", "training.steps=2", "training.validate_every=2")
    run = execute(
        start_run(replace(plan, data=tiny.plan.data), tiny.project.parent / "runs" / network), tiny.dataset, tiny.split
    )
    assert run.module().spec == plan.network
    assert (run.path / "checkpoints" / "best.safetensors").is_file()


def test_input_needs__swin_reads_frames_of_the_size_it_was_made_for() -> None:
    needs = input_needs(NetworkSpec("fpn", "swin_tiny_patch4_window7_224", 3, 2))
    assert needs == InputNeeds(stride_px=224, fixed=Size(224, 224))
