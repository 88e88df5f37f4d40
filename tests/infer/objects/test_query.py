"""From query answers to objects and segments: equal to transformers where it is right, without its known faults."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers.models.mask2former.image_processing_mask2former import Mask2FormerImageProcessor

from segwright.core import ClassSpec, ClassTable, ConfigError, Size
from segwright.infer.objects.query import Place, candidates, instances, panoptic

SIDE = 384  # transformers enlarges every mask to this first
CLASSES = ClassTable(tuple(ClassSpec(number, name, kind) for number, name, kind in (
    (3, "road", "stuff"), (5, "sky", "stuff"), (8, "car", "thing"))))  # fmt: skip
WHOLE = Place.whole(Size(SIDE, SIDE))
Floats = npt.NDArray[np.float32]


def blobs(rng: np.random.Generator, queries: int = 8, side: int = SIDE) -> tuple[Floats, Floats]:
    """Discs with sure insides and a steep edge: no pixel hangs on the last bit; one query is no object."""
    rows, columns = np.mgrid[:side, :side] / side
    centres, radii = rng.uniform(0.1, 0.9, (queries, 2)), rng.uniform(0.1, 0.35, queries)
    away = np.hypot(rows - centres[:, :1, None], columns - centres[:, 1:, None])
    masks = np.clip((radii[:, None, None] - away) * 60, -8, 8).astype(np.float32)
    said = rng.normal(0, 3, (queries, 4)).astype(np.float32)
    said[0, -1] = 20
    return said, masks


def outputs(said: Floats, masks: Floats) -> SimpleNamespace:
    return SimpleNamespace(
        class_queries_logits=torch.from_numpy(said)[None], masks_queries_logits=torch.from_numpy(masks)[None]
    )


@pytest.mark.parametrize("seed", range(3))
def test_instances__equal_transformers_at_its_own_size(seed: int) -> None:
    said, masks = blobs(np.random.default_rng(seed))
    theirs = Mask2FormerImageProcessor().post_process_instance_segmentation(
        outputs(said, masks), threshold=0.2, return_binary_maps=True
    )[0]
    ours = instances(candidates(said, masks, most=len(said)), WHOLE, CLASSES, score=0.2)
    found = sorted((one.score or 0, one.class_id, one.area_px) for one in ours)
    rows = zip(theirs["segments_info"], theirs["segmentation"], strict=True)
    expected = sorted((info["score"], CLASSES.ids[info["label_id"]], int(mask.sum())) for info, mask in rows)
    assert [row[1:] for row in found] == [row[1:] for row in expected]
    np.testing.assert_allclose([row[0] for row in found], [row[0] for row in expected], atol=2e-6)
    assert [one.score for one in ours] == sorted((one.score or 0 for one in ours), reverse=True)


@pytest.mark.parametrize("seed", range(3))
def test_panoptic__equals_transformers_where_every_pixel_of_a_winner_is_in_its_mask(seed: int) -> None:
    """Sure scores (0.9999): theirs cuts score times probability at 0.5, ours the probability, as the authors do."""
    said, masks = blobs(np.random.default_rng(seed))
    said = np.eye(4, dtype=np.float32)[said.argmax(1)] * 12
    masks[1] = np.maximum(masks[1], 0.5)  # one query everywhere, so that no pixel is left to a mask that is not there
    said[1] = (12, 0, 0, 0)
    theirs = Mask2FormerImageProcessor().post_process_panoptic_segmentation(
        outputs(said, masks.copy()), threshold=0.8, label_ids_to_fuse=set()
    )[0]
    things = ClassTable(tuple(ClassSpec(spec.class_id, spec.name, "thing") for spec in CLASSES))
    ours = panoptic(said, masks, WHOLE, things)
    assert np.array_equal(ours.segment_ids, theirs["segmentation"].numpy())
    assert [segment.class_id for segment in ours.segments] == [
        CLASSES.ids[info["label_id"]] for info in theirs["segments_info"]
    ]


def test_panoptic__segment_ids_are_unique_after_stuff_was_fused() -> None:
    """transformers goes on counting from the fused segment's id, and gives one id to two segments."""
    said = np.array([[9, 0, 0, 0], [0, 9, 0, 0], [9, 0, 0, 0], [0, 0, 9, 0]], np.float32)
    masks = np.full((4, 8, 8), -9, np.float32)
    for at in range(4):
        masks[at, :, 2 * at : 2 * at + 2] = 9
    theirs = Mask2FormerImageProcessor().post_process_panoptic_segmentation(
        outputs(said, masks.repeat(48, 1).repeat(48, 2)), label_ids_to_fuse={0, 1}
    )[0]
    assert len({info["id"] for info in theirs["segments_info"]}) < 3
    ours = panoptic(said, masks, Place.whole(Size(8, 8)), CLASSES)
    assert [(one.segment_id, one.class_id) for one in ours.segments] == [(1, 3), (2, 5), (3, 8)]
    assert ours.segment_ids[0].tolist() == [1, 1, 2, 2, 1, 1, 3, 3]


def test_panoptic__a_query_that_keeps_little_of_its_mask_is_dropped_whole() -> None:
    said = np.array([[0, 0, 9, 0], [0, 0, 7, 0]], np.float32)
    masks = np.full((2, 4, 10), -9, np.float32)
    masks[0, :, :6], masks[1, :, 2:10] = 9, 8
    ours = panoptic(said, masks, Place.whole(Size(4, 10)), CLASSES)
    assert ours.segment_ids[0].tolist() == [1] * 6 + [0] * 4
    assert len(panoptic(said, masks, Place.whole(Size(4, 10)), CLASSES, overlap=0.4).segments) == 2


def test_panoptic__a_pixel_in_no_mask_is_void() -> None:
    """transformers gives it to whichever mask is least below 0."""
    masks = np.full((1, 4, 4), -3, np.float32)
    masks[0, 0] = 3
    ours = panoptic(np.array([[0, 0, 9, 0]], np.float32), masks, Place.whole(Size(4, 4)), CLASSES)
    assert ours.void.sum() == 12


def test_instances__are_at_the_size_that_was_asked_for_and_edges_stay_smooth() -> None:
    """huggingface/transformers#21313, #44900, #44901: target size ignored, 384 x 384 built in, blocks for edges."""
    side = 24
    rows, columns = (np.mgrid[:side, :side] + 0.5) / side
    masks = ((0.3 - np.hypot(rows - 0.5, columns - 0.5)) * 40).astype(np.float32)[None]
    said = np.array([[-9, -9, 9, -9]], np.float32)
    place = Place.whole(Size(700, 500))
    (one,) = instances(candidates(said, masks), place, CLASSES, score=0.1)
    rows, columns = (np.mgrid[:700, :500] + 0.5) / np.array([700, 500])[:, None, None]
    truth = np.hypot(rows - 0.5, columns - 0.5) < 0.3
    found = one.over(place.size)
    assert np.count_nonzero(found & truth) / np.count_nonzero(found | truth) > 0.98
    theirs = Mask2FormerImageProcessor().post_process_instance_segmentation(
        outputs(said, masks), target_sizes=[(700, 500)], return_binary_maps=True, threshold=0.1
    )[0]["segmentation"][0]
    outline = [int(np.count_nonzero(np.diff(mask.astype(int), axis=1))) for mask in (found, theirs.numpy())]
    assert outline[0] <= outline[1]


def test_place__padding_is_cut_off_and_the_native_size_comes_out() -> None:
    masks = np.full((1, 8, 8), -9, np.float32)
    masks[0, :4, :4] = 9
    place = Place(frame=Size(24, 16), input_px=Size(32, 32), native=Size(48, 32))
    said = np.array([[-9, -9, 9, -9]], np.float32)
    (one,) = instances(candidates(said, masks, most=1), place, CLASSES)
    assert (one.box.bottom, one.box.right) == (32, 32)
    assert place.size == Size(48, 32)


def test_candidates__a_query_may_stand_for_several_classes_and_only_for_those_asked_for() -> None:
    said = np.array([[2, 1, 0, -1], [0, 0, 3, 0]], np.float32)
    masks = np.arange(2, dtype=np.float32).reshape(2, 1, 1)
    found = candidates(said, masks, most=3)
    assert found.channels.tolist() == [2, 0, 1]
    assert found.mask_logits.ravel().tolist() == [1, 0, 0]
    assert candidates(said, masks, [1], most=5).channels.tolist() == [1, 1]
    np.testing.assert_allclose(found.scores[0], np.exp(3) / (3 + np.exp(3)), rtol=1e-6)


def test_nothing__is_a_valid_answer() -> None:
    """huggingface/transformers#25486: post-processing failed on it."""
    place = Place.whole(Size(6, 5))
    nothing = np.array([[0, 0, 0, 30]], np.float32)
    low = np.full((1, 3, 3), -9, np.float32)
    for said, masks in ((nothing, low), (nothing[:0], low[:0])):
        assert len(instances(candidates(said, masks), place, CLASSES)) == 0
        found = panoptic(said, masks, place, CLASSES)
        assert found.void.all()
        assert (found.size, found.segments) == (Size(6, 5), ())


def test_background__is_no_object() -> None:
    classes = ClassTable((ClassSpec(0, "background"), ClassSpec(1, "cell", "thing")), background="background")
    masks = np.full((1, 4, 4), 5, np.float32)
    assert len(instances(candidates(np.array([[9, 0, 0]], np.float32), masks), Place.whole(Size(4, 4)), classes)) == 1


@pytest.mark.parametrize("thresholds", [{"mask": 0.0}, {"mask": 1.0}, {"score": -0.1}, {"overlap": 1.5}])
def test_thresholds__outside_their_range_are_refused(thresholds: dict[str, float]) -> None:
    said, masks = np.zeros((1, 4), np.float32), np.zeros((1, 2, 2), np.float32)
    with pytest.raises(ConfigError, match="are decided by numbers outside their range"):
        panoptic(said, masks, Place.whole(Size(2, 2)), CLASSES, **thresholds)


@given(seed=st.integers(0, 10**6), queries=st.integers(0, 12), height=st.integers(1, 40), width=st.integers(1, 40))
@settings(max_examples=25)
def test_panoptic__every_segment_is_surely_one_query_and_no_two_overlap(
    seed: int, queries: int, height: int, width: int
) -> None:
    rng = np.random.default_rng(seed)
    said = rng.normal(0, 4, (queries, 4)).astype(np.float32)
    masks = rng.normal(0, 4, (queries, 5, 6)).astype(np.float32)
    found = panoptic(said, masks, Place.whole(Size(height, width)), CLASSES, score=0.3)
    stuff = [one.class_id for one in found.segments if one.class_id != 8]
    assert len(stuff) == len(set(stuff))
    assert len(found.segments) <= queries
