"""What a sampling plan asks for is in its crops: pieces, classes, mixtures, sides; and from training frames alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from segwright.core import ConfigError, Size
from segwright.data.augment import ColourRanges, GeometryRanges
from segwright.project import read_project
from segwright.train.crops import Cropper, channels_apart
from segwright.train.feed import Feed
from segwright.train.frames import VOID, LoadedFrame, TrainingFrames
from segwright.train.plan import make_plan
from segwright.train.plan_inputs import Reasons
from segwright.train.plan_sampling import sampling_plan
from segwright.train.sampling_plan import MixPlan, SamplingPlan
from tests.train.conftest import Tiny
from tests.train.test_plan import inputs

STILL = GeometryRanges(flip_horizontal=False, rotate_degrees=0, scale=(1, 1), warp_share=0)
PLAIN = ColourRanges(share=0.0)
ALL_MIXED = MixPlan(copy_paste=0.5, pasted=("blob", "line"), cutmix=0.5, mosaic=0.5, erase=0.5)


def feed_of(tiny: Tiny, **changes) -> Feed:
    sampling: SamplingPlan = replace(tiny.plan.sampling, **changes)
    frames = TrainingFrames(tiny.dataset, tiny.split.parts["train"], tiny.plan.preprocessing, 1.0)
    frames.index(1, apart=channels_apart(tiny.plan.classes, sampling))
    return Feed(frames, tiny.plan.classes, sampling, tiny.plan.preprocessing, 0)


@pytest.mark.parametrize("workers", [1, 3])
def test_batches__with_everything_on_are_the_same_for_any_number_of_workers_and_any_start(
    tiny: Tiny, workers: int
) -> None:
    geometry = GeometryRanges(quarter_turns=True, shear_degrees=10, perspective=0.3, elastic=1.0, distortion=0.2)
    colour = ColourRanges(shadow=0.5, glare=0.5, motion_blur_px=4, sensor_noise=1, banding=1, hot_pixels=1)
    asked = {"geometry": geometry, "colour": colour, "mix": ALL_MIXED, "rare_by": "component", "sides": (64, 96)}
    feed = feed_of(tiny, workers=workers, **asked)
    expected = [feed.batch(step) for step in range(3, 8)]
    for one, other in zip(feed.batches(3, 8), expected, strict=True):
        assert torch.equal(one.frames, other.frames)
        assert torch.equal(one.target, other.target)
        assert one.places == other.places
        assert torch.isfinite(one.frames).all()
        assert set(one.target.unique().tolist()) <= {-1, 0, 1, 2}


def test_batch__sides_are_drawn_by_step_and_the_same_for_all_its_crops(tiny: Tiny) -> None:
    feed = feed_of(tiny, sides=(64, 96, 128))
    sides = [tuple(feed.batch(step).target.shape[1:]) for step in range(30)]
    assert set(sides) == {(64, 64), (96, 96), (128, 128)}
    assert feed.batch(0, 64).target.shape[1:] == (64, 64)


@pytest.mark.parametrize("name", ["blob", "line"])
def test_crop__by_component_holds_its_class(tiny: Tiny, name: str) -> None:
    feed = feed_of(tiny, batch=1, crop=32, rare_share=1.0, class_shares={name: 1.0}, rare_by="component")
    channel = tiny.plan.classes.channel(name)
    assert all(bool((feed.batch(step).target == channel).any()) for step in range(60))


def test_choose__by_component_a_small_piece_is_asked_for_as_often_as_a_large_one(tiny: Tiny) -> None:
    frames = TrainingFrames(tiny.dataset, tiny.split.parts["train"][:1], tiny.plan.preprocessing, 1.0)
    channels = np.zeros((72, 72), np.uint8)
    channels[5:65, 5:60], channels[70, 70] = 1, 1
    frames._cached[0] = LoadedFrame(frames[0].pixels, channels)
    frames.index(1, apart={1})
    shares = {}
    for rare_by in ("pixel", "component"):
        plan = replace(tiny.plan.sampling, rare_share=1.0, class_shares={"blob": 1.0}, rare_by=rare_by)
        cropper = Cropper(frames, tiny.plan.classes, plan)
        chosen = [cropper.choose(None, np.random.default_rng(seed))[1] for seed in range(400)]
        shares[rare_by] = float(np.mean([place == (70, 70) for place in chosen]))
    assert shares["component"] == pytest.approx(0.5, abs=0.1)
    assert shares["pixel"] < 0.1


def test_crop__what_is_pasted_has_the_look_of_its_class_and_lies_on_background(tiny: Tiny) -> None:
    """Frames of one value a class: after any paste each pixel still has the value of its label."""
    frames = TrainingFrames(tiny.dataset, tiny.split.parts["train"], tiny.plan.preprocessing, 1.0)
    values = np.zeros(256, np.uint8)
    values[[0, 1, 2, VOID]] = 50, 100, 200, 250
    for index in range(len(frames)):
        flat = np.repeat(values[frames[index].channels][:, :, np.newaxis], 3, axis=2)
        frames._cached[index] = LoadedFrame(flat, frames[index].channels)
    mix = MixPlan(copy_paste=1.0, pasted=("blob", "line"), paste_edge_px=0.0)
    plan = replace(tiny.plan.sampling, geometry=STILL, mix=mix, rare_share=0.0)
    frames.index(1, apart=channels_apart(tiny.plan.classes, plan))
    croppers = [Cropper(frames, tiny.plan.classes, each) for each in (plan, replace(plan, mix=MixPlan()))]
    more = 0
    for seed in range(40):
        with_pieces, without = (each.crop(Size(64, 64), None, np.random.default_rng(seed)) for each in croppers)
        known = with_pieces.channels != VOID
        assert np.array_equal(with_pieces.pixels[known][:, 0], values[with_pieces.channels[known]])
        assert np.array_equal(known, without.channels != VOID)
        more += int((with_pieces.channels > 0).sum()) - int((without.channels > 0).sum())
    assert more > 0


def test_plan__old_files_without_the_newer_fields_still_open(tiny: Tiny) -> None:
    content = tiny.plan.to_json()["sampling"]
    for name in ("rare_by", "hard_share", "sides", "mix"):
        del content[name]
    for name in ("quarter_turns", "shear_degrees", "perspective", "elastic", "distortion"):
        del content["geometry"][name]
    for name in ("shadow", "motion_blur_px", "sensor_noise", "banding", "hot_pixels"):
        del content["colour"][name]
    assert SamplingPlan.from_json(content) == tiny.plan.sampling


def test_plan__everything_new_is_off_unless_asked_for(tiny: Tiny) -> None:
    assert tiny.plan.sampling.mix == MixPlan()
    assert tiny.plan.sampling.rare_by == "pixel"
    assert tiny.plan.sampling.hard_share == 0
    assert tiny.plan.sampling.sides == ()


def test_plan__valid_flips_decide_alone(tiny: Tiny) -> None:
    given = make_plan(inputs(tiny, "training.augment.valid_flips=[vertical, quarter_turns]")).sampling.geometry
    assert (given.flip_horizontal, given.flip_vertical, given.quarter_turns) == (False, True, True)
    none = make_plan(inputs(tiny, "training.augment.valid_flips=[]")).sampling.geometry
    assert (none.flip_horizontal, none.flip_vertical, none.quarter_turns) == (False, False, False)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["training.augment.valid_flips=[vertical]", "training.augment.flip_vertical=false"], "leave one out"),
        (["training.augment.valid_flips=[diagonal]"], "diagonal"),
        (["training.class_sampling={blob: 0}"], "no class has a share above 0"),
        (["training.class_sampling={scratch: 1}"], "names 'scratch'"),
        (["training.augment.copy_paste_classes=[scratch]"], "names 'scratch'"),
    ],
)
def test_project__settings_that_contradict_are_refused(tiny: Tiny, overrides: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read_project(tiny.project, overrides)


@pytest.mark.parametrize(
    ("override", "seen", "message"),
    [
        ("training.augment.copy_paste_classes=[background]", {}, "names the background"),
        ("training.augment.shadow=0.5", {"dtype": "float32"}, "has no meaning for float frames"),
    ],
)
def test_plan__settings_the_frames_contradict_are_refused(tiny: Tiny, override: str, seen: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make_plan(inputs(tiny, override, **seen))


def test_plan__class_sampling_is_uniform_or_as_said(tiny: Tiny) -> None:
    uniform = make_plan(inputs(tiny, "training.class_sampling=uniform")).sampling.class_shares
    assert uniform == {"blob": 0.5, "line": 0.5}
    said = make_plan(inputs(tiny, "training.class_sampling={blob: 1, line: 3}")).sampling.class_shares
    assert said == {"blob": 0.25, "line": 0.75}


def test_plan__sensor_effects_without_colour_leave_colour_alone(tiny: Tiny) -> None:
    given = inputs(tiny, "training.augment.colour=0", "training.augment.sensor_noise=1")
    colour = make_plan(given).sampling.colour
    assert colour.sensor_noise == 1
    assert (colour.gain, colour.saturation, colour.jpeg_quality) == (0, 0, 96)
    assert colour.changes_anything


def test_plan__crop_scales_are_multiples_of_the_stride(tiny: Tiny) -> None:
    given = inputs(tiny, "training.crop_scales=[0.5, 1, 1.4]", "training.crop=128")
    assert sampling_plan(given, 128, 2, Reasons()).sides == (64, 128, 192)
