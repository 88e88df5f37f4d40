"""The guide's method decision table, row by row, and what would change an answer."""

from __future__ import annotations

import json

import pytest

from segwright.core import ClassSpec, ClassTable
from segwright.data.checks.rules.model_too_large import ENOUGH_FRAMES as OF_THE_RULE
from segwright.project.choice import (
    ENOUGH_FRAMES,
    RULES,
    THIN_PX,
    Situation,
    choose,
    first_possible,
    would_change,
)

TABLE = [
    (Situation(frames=150), "semantic", "unet"),
    (Situation(frames=4000, narrowest_px=2), "semantic", "unet"),
    (Situation(frames=500, has_background=False), "semantic", "deeplabv3plus"),
    (Situation(frames=5000, has_background=False), "semantic", "segformer"),
    (Situation(frames=100, has_background=False), "semantic", "unet"),
    (Situation(frames=500, count=True), "instance", "maskrcnn"),
    (Situation(frames=500, count=True, narrowest_px=2), "instance", "solov2"),
    (Situation(frames=500, count=True, fps=30), "instance", "yolact"),
    (Situation(frames=500, count=True, stuff=True), "panoptic", "mask2former"),
    (Situation(frames=100, count=True, stuff=True), "panoptic", "panoptic_fpn"),
    (Situation(frames=50, foreground_share=0.004), "semantic", "attention_unet"),
    (Situation(volumes=True), "volume", "unet3d"),
    (Situation(frames=500, fps=30), "semantic", "lraspp"),
    (Situation(clicks=True), "promptable", "sam"),
    (Situation(boxes_only=True), "instance", "boxinst"),
]


@pytest.mark.parametrize(("situation", "task", "network"), TABLE)
def test_choose__follows_the_guide_s_table(situation, task, network):
    choice = choose(situation)
    assert choice.name[:2] == (task, network)
    assert choice.because


def test_choose__every_row_is_met_by_some_situation():
    met = {next(rule for holds, rule in RULES if holds(situation)) for situation, _, _ in TABLE}
    assert met == {rule for _, rule in RULES}


@pytest.mark.parametrize("frames", [None, 0, 84, ENOUGH_FRAMES - 1])
def test_choose__never_a_query_decoder_nor_a_large_encoder_on_few_frames(frames):
    for count, stuff, background in ((False, False, False), (True, False, True), (True, True, False)):
        choice = choose(Situation(frames=frames, count=count, stuff=stuff, has_background=background))
        assert "mask2former" not in choice.networks
        assert not [name for name in choice.encoders if "101" in name or "large" in name]


def test_choose__counts_as_the_lint_rule_does():
    assert ENOUGH_FRAMES == OF_THE_RULE


def test_choose__says_the_numbers():
    said = " ".join(choose(Situation(frames=84, narrowest_px=2.5, foreground_share=0.03)).because)
    assert "84 frames" in said
    assert "2.5 px wide" in said
    assert "3.00% of the pixels" in said


def test_would_change__names_only_other_answers():
    situation = Situation(frames=150, narrowest_px=THIN_PX)
    others = would_change(situation)
    assert {row.situation for row in others} >= {"objects that must be counted", "boxes instead of masks"}
    assert all(row.choice.name != choose(situation).name for row in others)


@pytest.mark.parametrize(("situation", "_task", "_network"), TABLE)
def test_would_change__something_always_would(situation, _task, _network):
    assert would_change(situation)
    json.dumps(choose(situation).to_json())


def test_first_possible__says_what_it_passed_over():
    choice = choose(Situation(frames=5000, has_background=False))
    assert first_possible(choice, lambda name: name == "unet") == ("unet", ("segformer", "deeplabv3plus"))
    assert first_possible(choice, lambda _: False)[0] is None


def test_situation__of_counts():
    specs = (ClassSpec(0, "ground"), ClassSpec(1, "road"), ClassSpec(2, "car", "thing"))
    table = ClassTable(specs, 255, "ground")
    seen = Situation.of(table, 9, {"ground": 980, "road": 15, "car": 5}, {"ground": 50.0, "road": 4.0, "car": None})
    assert seen == Situation(9, 4.0, 0.02, has_background=True, count=True, stuff=True)
    assert Situation.of(table, 9, {}, {}).foreground_share is None
