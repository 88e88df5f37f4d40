"""Batches: a function of the plan and the step, whoever cuts them and whenever."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from segwright.core import GREY, Image
from segwright.data import open_dataset, read_image, write_image
from segwright.data.augment import ColourRanges, GeometryRanges
from segwright.models.losses import VOID_CHANNEL
from segwright.train.feed import Feed
from segwright.train.frames import TrainingFrames
from segwright.train.sampling_plan import SamplingPlan
from tests.train.conftest import Tiny
from tests.train.tiny import CLASSES, write_frames

STILL = GeometryRanges(flip_horizontal=False, rotate_degrees=0, scale=(1, 1), warp_share=0)


@pytest.fixture(scope="module")
def frames(tiny: Tiny) -> TrainingFrames:
    frames = TrainingFrames(tiny.dataset, tiny.split.parts["train"], tiny.plan.preprocessing, 1.0)
    frames.index(workers=1)
    return frames


def feed_of(tiny: Tiny, frames: TrainingFrames, seed: int = 0, **changes) -> Feed:
    sampling: SamplingPlan = replace(tiny.plan.sampling, **changes)
    return Feed(frames, tiny.plan.classes, sampling, tiny.plan.preprocessing, seed)


def test_batch__has_the_plan_s_shape_and_void_is_minus_one(tiny: Tiny, frames: TrainingFrames) -> None:
    batch = feed_of(tiny, frames, batch=3, crop=96).batch(0)
    assert batch.frames.shape == (3, 3, 96, 96)
    assert batch.frames.dtype == torch.float32
    assert batch.target.dtype == torch.int64
    assert set(batch.target.unique().tolist()) == {VOID_CHANNEL, 0, 1, 2}  # 96 px reach outside the 72 px frames


def test_batch__depends_on_the_step_and_the_seed_alone(tiny: Tiny, frames: TrainingFrames) -> None:
    feed = feed_of(tiny, frames)
    first = feed.batch(7)
    feed.batch(3)
    again = feed_of(tiny, frames).batch(7)
    assert torch.equal(first.frames, again.frames)
    assert torch.equal(first.target, again.target)
    assert not torch.equal(first.frames, feed.batch(8).frames)
    assert not torch.equal(first.frames, feed_of(tiny, frames, seed=1).batch(7).frames)


@pytest.mark.parametrize("workers", [1, 3])
def test_batches__are_the_same_for_any_number_of_workers_and_any_start(
    tiny: Tiny, frames: TrainingFrames, workers: int
) -> None:
    expected = [feed_of(tiny, frames).batch(step) for step in range(4, 11)]
    given = list(feed_of(tiny, frames, workers=workers).batches(4, 11))
    assert [batch.step for batch in given] == list(range(4, 11))
    for one, other in zip(given, expected, strict=True):
        assert torch.equal(one.frames, other.frames)
        assert torch.equal(one.target, other.target)


def test_batches__none_are_left_after_the_last_step(tiny: Tiny, frames: TrainingFrames) -> None:
    assert list(feed_of(tiny, frames).batches(5, 5)) == []


def test_batches__the_wait_is_counted(tiny: Tiny, frames: TrainingFrames) -> None:
    feed = feed_of(tiny, frames)
    assert feed.waited_seconds == 0
    list(feed.batches(0, 3))
    assert feed.waited_seconds > 0


def test_sample__is_the_frame_s_own_pixels_as_the_network_will_see_them(tiny: Tiny, frames: TrainingFrames) -> None:
    """Without augmentation a crop of the whole frame is what inference feeds: the same numbers, band by band."""
    side = 64
    feed = feed_of(tiny, frames, batch=1, crop=side, geometry=STILL, colour=ColourRanges(share=0.0), rare_share=0.0)
    sample = feed.batch(0).frames[0].numpy()
    fits = []
    for stem in tiny.split.parts["train"]:
        whole = tiny.plan.preprocessing.apply(tiny.dataset.read(tiny.dataset.frame(stem)).image)
        for top in range(72 - side + 1):
            for left in range(72 - side + 1):
                window = whole[:, top : top + side, left : left + side]
                fits.append(np.allclose(window, sample, atol=1e-5))
    assert sum(fits) == 1


@pytest.mark.parametrize("stored_as", ["grey", "RGB"])
def test_sample__a_grey_frame_is_never_tinted(tiny: Tiny, tmp_path: Path, stored_as: str) -> None:
    folder = write_frames(tmp_path / "frames")
    for path in (folder / "images").iterdir():
        grey = read_image(path).pixels[..., :1]
        write_image(path, Image(grey, GREY) if stored_as == "grey" else Image(np.repeat(grey, 3, axis=2)))
    dataset = open_dataset(folder, classes=CLASSES)
    bands = replace(tiny.plan.preprocessing, mean=(0.5,) * 3, std=(1.0,) * 3)
    frames = TrainingFrames(dataset, [frame.stem for frame in dataset.frames], bands, 1.0)
    frames.index(workers=1)
    sampling = replace(tiny.plan.sampling, colour=replace(ColourRanges(), share=1.0))
    batch = Feed(frames, tiny.plan.classes, sampling, bands, seed=0).batch(0).frames
    assert batch.shape[1] == 3
    assert torch.equal(batch[:, 0], batch[:, 1])
    assert torch.equal(batch[:, 0], batch[:, 2])


@pytest.mark.parametrize("name", ["blob", "line"])
def test_sample__crops_for_a_class_hold_it(tiny: Tiny, frames: TrainingFrames, name: str) -> None:
    feed = feed_of(
        tiny, frames, batch=1, crop=32, rare_share=1.0, class_shares={name: 1.0}, colour=ColourRanges(share=0.0)
    )
    channel = tiny.plan.classes.channel(name)
    held = [bool((feed.batch(step).target == channel).any()) for step in range(120)]
    assert all(held)


def test_sample__classes_are_drawn_by_their_shares(tiny: Tiny, frames: TrainingFrames) -> None:
    feed = feed_of(tiny, frames, rare_share=0.5, class_shares={"blob": 0.25, "line": 0.75})
    rng = np.random.default_rng(0)
    chosen = [feed._cropper.choose(None, rng) for _ in range(2000)]
    places = [(index, place) for index, place in chosen if place is not None]
    assert len(places) / len(chosen) == pytest.approx(0.5, abs=0.04)
    lines = [frames[index].channels[place] == 2 for index, place in places]
    assert np.mean(lines) == pytest.approx(0.75, abs=0.04)


def test_sample__a_class_without_pixels_is_never_asked_for(tiny: Tiny, frames: TrainingFrames) -> None:
    feed = feed_of(tiny, frames, rare_share=1.0, class_shares={"blob": 0.0})
    assert feed._cropper.choose(None, np.random.default_rng(0))[1] is None
