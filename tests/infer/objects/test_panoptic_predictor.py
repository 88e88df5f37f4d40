"""The panoptic pipeline: regions and queries, tiles, thresholds, one segment a pixel."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from segwright.core import ConfigError, Image, Size, adopt
from segwright.infer.objects import (
    Candidates,
    CandidatesOfQueries,
    PanopticPredictor,
    Queries,
    Regions,
    SegmentDecision,
)
from segwright.infer.objects.drawing import drawn_panoptic
from segwright.infer.preprocess import Preprocessing
from segwright.infer.tiles import TilePlan
from tests.train.objects.panoptic_frames import CLASSES

SURE = 8.0
Batch = npt.NDArray[np.float32]


class Reads:
    """A network that reads colours: red is a bolt a connected piece, blue a plate, green floor, black belt."""

    name = "by colour"
    stride_px = 8

    def __init__(self, answer: Callable[[Batch], Regions | Queries]) -> None:
        self.answer = answer

    def __call__(self, batch: Batch, /) -> list:
        return [self.answer(pixels) for pixels in batch]


def regions(pixels: Batch) -> Regions:
    """One bolt and one plate an input, where there are any."""
    size = pixels.shape[1:]
    masks = np.where(pixels[[0, 2]] > 0.5, SURE, -SURE).astype(np.float32)
    scores = (masks.max(axis=(1, 2)) > 0).astype(np.float32) * np.array([0.9, 0.6], np.float32)
    boxes = np.tile(np.array([0, 0, size[1], size[0]], np.float32), (2, 1))
    found = Candidates(scores, np.array([0, 1]), boxes, masks, "image", *size)
    thing = pixels[[0, 2]].max(axis=0) > 0.5
    floor = (pixels[1] > 0.5) & ~thing
    stuff = np.stack([~thing & ~floor, floor, thing]).astype(np.float32)
    return Regions(found.kept(scores > 0), stuff)


def queries(pixels: Batch) -> Queries:
    """A query each for belt, floor, bolt, plate; none is sure of what it does not see."""
    red, green, blue = (plane > 0.5 for plane in pixels)
    places = [~(red | green | blue), green & ~red & ~blue, red & ~blue, blue]
    masks = np.where(np.stack(places), SURE, -SURE).astype(np.float32)
    classes = np.full((4, 5), -SURE, np.float32)
    for number, place in enumerate(places):
        classes[number, number if place.any() else 4] = SURE
    return Queries(classes, masks, Size(*pixels.shape[1:]))


def predictor(answer: Callable[[Batch], Regions | Queries], tile: int = 64, **decided: float) -> PanopticPredictor:
    how = Preprocessing(mean=(0, 0, 0), std=(1, 1, 1))
    tiles = TilePlan(Size(tile, tile), 8, stretch=1.0)
    return PanopticPredictor(Reads(answer), CLASSES, how, tiles, SegmentDecision(**decided))


def frame(height: int = 64, width: int = 96) -> Image:
    """Floor on the right, a bolt over the middle, a plate at the left that the bolt does not touch."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[:, width // 2 :, 1] = 255
    pixels[20:40, 20:80] = (255, 0, 0)
    pixels[50:60, 2:12] = (0, 0, 255)
    return Image(adopt(pixels))


def class_map(found: PanopticPredictor, image: Image) -> npt.NDArray:
    panoptic = found.predict(image).panoptic
    kinds = {0: 0, **{segment.segment_id: segment.class_id for segment in panoptic.segments}}
    return np.vectorize(kinds.get)(panoptic.segment_ids)


def expected(image: Image) -> npt.NDArray:
    red, green, blue = (image.pixels[..., band] > 0 for band in range(3))
    return np.select([red, blue, green], [3, 4, 2], 1)


@pytest.mark.parametrize("answer", [regions, queries])
@pytest.mark.parametrize("tile", [32, 128])
def test_predict__every_pixel_has_its_one_segment_whatever_the_tiles(
    answer: Callable[[Batch], Regions | Queries], tile: int
) -> None:
    image = frame()
    found = predictor(answer, tile)
    assert np.array_equal(class_map(found, image), expected(image))
    panoptic = found.predict(image).panoptic
    assert sorted(segment.class_id for segment in panoptic.segments) == [1, 2, 3, 4]  # the bolt over tiles is one
    assert not panoptic.void.any()


@pytest.mark.parametrize("answer", [regions, queries])
def test_predict__a_frame_that_is_no_multiple_of_the_stride(answer: Callable[[Batch], Regions | Queries]) -> None:
    image = frame(61, 83)
    assert np.array_equal(class_map(predictor(answer), image), expected(image))


def test_decision__a_threshold_of_its_own_class_drops_a_thing_and_what_is_under_it_is_void() -> None:
    image = frame()
    found = class_map(predictor(regions, 128, thresholds={"plate": 0.7}), image)
    assert (found[52:58, 4:10] == 0).all()
    assert (found[25:35, 25:75] == 3).all()


def test_decision__small_stuff_is_void() -> None:
    pixels = np.zeros((64, 64, 3), np.uint8)
    pixels[:4, :4, 1] = 255
    found = class_map(predictor(regions, stuff_area_px=17), Image(adopt(pixels)))
    assert (found[:4, :4] == 0).all()
    assert (found[10:] == 1).all()


def test_things__are_those_of_the_map_with_their_scores() -> None:
    found = predictor(regions).things(frame())
    assert [(one.class_id, round(one.score or 0, 3)) for one in found] == [(3, 0.9), (4, 0.6)]


def test_prediction__has_its_things_with_scores_as_objects_and_on_the_picture() -> None:
    found = predictor(regions).predict(frame())
    assert [(one.class_id, round(one.score or 0, 3)) for one in found.objects] == [(3, 0.9), (4, 0.6)]
    assert found.scores.keys() == {segment.segment_id for segment in found.panoptic.segments if segment.class_id > 2}
    plain = drawn_panoptic(found.image, found.panoptic)
    changed = (found.plot() != plain).any(axis=2)
    assert changed.any(), "the score is written"
    assert not changed[45:].any(), "and nowhere but at the bolt: the plate is too small for words"


def test_queries_as_candidates__are_scored_by_class_and_mask_and_boxed() -> None:
    pixels = np.moveaxis(frame().pixels, 2, 0).astype(np.float32) / 255
    found = CandidatesOfQueries(Reads(queries))(pixels[None])[0]
    best = found.kept(found.scores > 0.9)
    assert sorted(best.channels.tolist()) == [0, 1, 2, 3]
    bolt = int(np.flatnonzero(best.channels == 2)[0])
    assert best.boxes[bolt].tolist() == [20, 20, 80, 40]
    assert best.between == "logits"


@pytest.mark.parametrize(
    ("decided", "text"),
    [
        ({"score": 1.5}, "segments: are decided by numbers outside their range"),
        ({"keep": -0.1}, "keep -0.1"),
        ({"mask": 0.0}, "mask 0.0"),
        ({"stuff_area_px": 0}, "stuff_area_px 0"),
        ({"thresholds": {"belt": 0.5}}, "segments.thresholds: name no thing"),
    ],
)
def test_decision__numbers_outside_their_range_are_refused(decided: dict, text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        predictor(regions, **decided)


def test_decision__json_round_trip() -> None:
    decision = SegmentDecision(0.3, {"bolt": 0.6}, 0.4, 0.7, 12)
    assert SegmentDecision.from_json(decision.to_json()) == decision
