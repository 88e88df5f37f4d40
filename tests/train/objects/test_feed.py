"""Crops with objects: what a network is told."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from segwright.core import GREY, Image, adopt, silent
from segwright.data import Dataset, open_dataset
from segwright.data.augment import ColourRanges, GeometryRanges
from segwright.data.codecs import write_image
from segwright.infer import Preprocessing
from segwright.train.objects.facts import object_facts
from segwright.train.objects.feed import ObjectFeed
from segwright.train.objects.frames import ObjectFrames
from segwright.train.objects.plan import ObjectPlan
from segwright.train.objects.task import start_weights
from segwright.train.sampling_plan import MixPlan, SamplingPlan
from segwright.train.weight_report import WeightReport
from tests.models.instance.networks import network as instance_network


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    """Three frames of 60x80 with bright squares: as many as the frame's number, and none in the first."""
    for number in range(3):
        pixels, masks = np.full((60, 80, 1), 20, np.uint8), tmp_path / f"f{number}" / "masks"
        masks.mkdir(parents=True)
        (tmp_path / f"f{number}" / "images").mkdir()
        for at in range(number):
            mask = np.zeros((60, 80, 1), np.uint8)
            mask[10 : 10 + 8 * (at + 1), 10 + 30 * at : 22 + 30 * at] = 255
            pixels[mask > 0] = 200
            write_image(masks / f"{at}.png", Image(adopt(mask), GREY))
        write_image(tmp_path / f"f{number}" / "images" / f"f{number}.png", Image(adopt(pixels), GREY))
    return open_dataset(str(tmp_path), format="object_files")


def feed_of(dataset: Dataset, *, copy_paste: float = 0.0, workers: int = 1) -> ObjectFeed:
    preprocessing = Preprocessing(("red", "green", "blue"), 1 / 255, (0.0,) * 3, (1.0,) * 3)
    stems = [frame.stem for frame in dataset.frames]
    frames = ObjectFrames(dataset, stems, preprocessing, 1.0)
    frames.index(1)
    shares = {spec.name: 1.0 for spec in dataset.classes.foreground}
    flips, plain = GeometryRanges(True, True, 0.0, (1.0, 1.0)), ColourRanges(share=0.0)
    plan = SamplingPlan(32, 4, 0.7, shares, flips, plain, workers, 1.0, mix=MixPlan(copy_paste=copy_paste))
    return ObjectFeed(frames, dataset.classes, plan, preprocessing, 5, ObjectPlan())


def test_start_weights__folded_batch_norm_gets_the_statistics_of_crops(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In training mode the encoder then computes nearly what the folded weights did, on the crops it starts with."""
    torch.manual_seed(0)
    network, feed = instance_network("yolact"), feed_of(dataset)
    report = WeightReport("folded.pt", 1, (), (), folded=True)
    monkeypatch.setattr("segwright.train.objects.task.load_weights_of", lambda *_: report)
    crops = torch.cat([feed.batch(step).frames for step in range(4)])
    backbone, fresh = network.backbone, deepcopy(network.backbone)
    with torch.no_grad():
        before = backbone.eval()(crops)[-1]
        plan = SimpleNamespace(sampling=SimpleNamespace(batch=4))
        start_weights(network, plan, feed, silent)  # type: ignore[arg-type]
        learning, answering = backbone.train()(crops)[-1], backbone.eval()(crops)[-1]
        learning_before = fresh.train()(crops)[-1]
    assert float((answering - before).norm() / before.norm()) < 0.01
    assert float((learning - before).norm() / before.norm()) < 0.05
    assert float((learning_before - before).norm() / before.norm()) > 0.5


def test_batch__masks_are_the_bright_pixels_but_for_what_is_ignored(dataset: Dataset) -> None:
    feed = feed_of(dataset)
    seen = 0
    for step in range(6):
        batch = feed.batch(step)
        assert batch.frames.shape == (4, 3, 32, 32)
        for frame, target in zip(batch.frames, batch.target, strict=True):
            bright = frame[0] > 0.5
            assert target.masks is not None
            objects = target.masks.any(dim=0) if len(target) else torch.zeros_like(bright)
            assert torch.equal(objects & ~target.ignored, bright & ~target.ignored)
            seen += len(target)
            for box, mask in zip(target.boxes.tolist(), target.masks, strict=True):
                left, top, right, bottom = (int(value) for value in box)
                assert mask[top:bottom, left:right].sum() == mask.sum()
    assert seen > 6


def test_batch__is_the_same_whatever_the_workers(dataset: Dataset) -> None:
    one, many = feed_of(dataset, copy_paste=0.5), feed_of(dataset, copy_paste=0.5, workers=3)
    for batch, other in zip(one.batches(0, 4), many.batches(0, 4), strict=True):
        assert torch.equal(batch.frames, other.frames)
        assert all(
            torch.equal(mine.masks, theirs.masks) for mine, theirs in zip(batch.target, other.target, strict=True)
        )


def test_batches__that_waited_are_those_of_their_steps(dataset: Dataset) -> None:
    feed = feed_of(dataset, workers=2)
    for step, batch in enumerate(feed.batches(0, 3)):
        own = feed.own_batch(step)
        assert torch.equal(batch.frames, own.frames)
        for mine, theirs in zip(batch.target, own.target, strict=True):
            assert mine.seed == theirs.seed
            for name in ("channels", "boxes", "masks", "ignored"):
                assert torch.equal(getattr(mine, name), getattr(theirs, name))


def test_batch__pasted_objects_bring_their_pixels(dataset: Dataset) -> None:
    feed = feed_of(dataset, copy_paste=1.0)
    for step in range(4):
        for frame, target in zip(*(feed.batch(step).frames, feed.batch(step).target), strict=True):
            assert target.masks is not None
            for mask in target.masks:
                assert (frame[0][mask] > 0.5).all()


def test_object_facts__of_frames_with_and_without_objects(dataset: Dataset) -> None:
    facts = object_facts(dataset, [frame.stem for frame in dataset.frames])
    assert (facts.frames, facts.objects, facts.most, facts.empty, facts.crowds) == (3, 3, 2, 1, 0)
    assert facts.sides_px[1] == pytest.approx((8 * 12) ** 0.5, abs=0.1)
    assert not facts.from_components


def test_object_facts__no_object_anywhere_is_an_error(dataset: Dataset) -> None:
    from segwright.core import DataError

    with pytest.raises(DataError, match="has no object in its training frames"):
        object_facts(
            dataset,
            ["f0/images/f0"] if "f0/images/f0" in {f.stem for f in dataset.frames} else [dataset.frames[0].stem],
        )
