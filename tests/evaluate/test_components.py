"""Connected regions as objects: SpaceNet's F1, the splits and merges of nuclei, sizes, widths, and void."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from segwright.core import ClassTable, ConfigError, DataError, LabelMap
from segwright.evaluate.component_overlap import Matching
from segwright.evaluate.component_sizes import SizeCounts, count_by_size
from segwright.evaluate.components import ComponentCounts, count_components, score_components
from tests.evaluate.maps import CLASSES, VOID, labels, map_pairs

ONE = ClassTable.of(["background", "object"])


def one(rows) -> LabelMap:
    return labels(rows, ONE)


def blocks(*corners: tuple[int, int], side: int = 2, shape: tuple[int, int] = (12, 12)) -> np.ndarray:
    ids = np.zeros(shape, np.uint8)
    for row, column in corners:
        ids[row : row + side, column : column + side] = 1
    return ids


def spacenet(prediction: np.ndarray, truth: np.ndarray, threshold: float) -> tuple[int, int, int]:
    """`score` of SpaceNet's evalTools on pixels: each proposal in turn takes the best truth that is left."""
    (proposals, predicted), (targets, true) = (cv2.connectedComponents(ids) for ids in (prediction, truth))
    shared = np.histogram2d(predicted.ravel(), true.ravel(), [np.arange(proposals + 1), np.arange(targets + 1)])[0]
    union = shared.sum(axis=1, keepdims=True) + shared.sum(axis=0) - shared
    left, hits = set(range(1, targets)), 0
    for number in range(1, proposals):
        overlap = {each: shared[number, each] / union[number, each] for each in left}
        best = max(overlap, key=overlap.__getitem__, default=None)
        if best is not None and overlap[best] >= threshold:
            hits += 1
            left.remove(best)
    return hits, proposals - 1 - hits, targets - 1 - hits


def totals(counts: ComponentCounts) -> tuple[int, int, int]:
    return int(counts.tp.sum()), int(counts.fp.sum()), int(counts.fn.sum())


@settings(max_examples=60)
@given(map_pairs(void_truth=False, void_prediction=False), st.sampled_from([0.5, 0.6, 0.75, 1.0]))
def test_count_components__equals_spacenets_score_on_one_class(maps, iou) -> None:
    prediction, truth = ((ids == 1).astype(np.uint8) for ids in maps)
    assert totals(count_components(one(prediction), one(truth), iou=iou)) == spacenet(prediction, truth, iou)


@given(map_pairs(), st.integers(0, 2**31), st.sampled_from([0.1, 0.5]))
def test_count_components__what_stands_at_void_changes_nothing(maps, seed, iou) -> None:
    prediction, truth = maps
    at_void = truth == VOID
    other = prediction.copy()
    other[at_void] = np.random.default_rng(seed).choice([0, 1, 2, VOID], int(at_void.sum()))
    mine, theirs = (count_components(labels(each), labels(truth), iou=iou) for each in (prediction, other))
    assert mine == theirs
    sizes = [count_by_size(labels(each), labels(truth), iou=iou) for each in (prediction, other)]
    assert sizes[0] == sizes[1]


@given(map_pairs(void_prediction=False))
def test_count_components__perfect_finds_every_object_and_swapping_swaps_fp_and_fn(maps) -> None:
    prediction, truth = (np.where(ids == VOID, 0, ids).astype(np.uint8) for ids in maps)
    perfect = count_components(labels(truth), labels(truth))
    assert perfect.fp.sum() == perfect.fn.sum() == perfect.splits.sum() == perfect.merges.sum() == 0
    there = count_components(labels(prediction), labels(truth))
    back = count_components(labels(truth), labels(prediction))
    assert (there.tp.tolist(), there.fp.tolist()) == (back.tp.tolist(), back.fn.tolist())


@given(st.lists(map_pairs(), min_size=1, max_size=4))
def test_counts__add_up_in_any_order(frames) -> None:
    pairs = [(labels(prediction), labels(truth)) for prediction, truth in frames]
    for count, none in ((count_components, ComponentCounts.none(CLASSES)), (count_by_size, SizeCounts.none(CLASSES))):
        counted = [count(*pair) for pair in pairs]
        assert sum(counted, none) == sum(reversed(counted), none)
    assert sum((count_components(*pair) for pair in pairs), ComponentCounts.none(CLASSES)).images == len(frames)


@given(map_pairs())
def test_count_by_size__holds_every_true_object_once(maps) -> None:
    prediction, truth = (labels(ids) for ids in maps)
    components, sizes = count_components(prediction, truth), count_by_size(prediction, truth)
    for table in (sizes.by_area, sizes.by_width):
        objects, found, true_px, covered_px, _ = table.sum(axis=2)
        assert objects.tolist() == (components.tp + components.fn).tolist()
        assert found.tolist() == components.tp.tolist()
        assert true_px[1:].tolist() == [int((maps[1] == spec.class_id).sum()) for spec in CLASSES.foreground]
        assert covered_px[1:].tolist() == [
            int(((maps[0] == spec.class_id) & (maps[1] == spec.class_id)).sum()) for spec in CLASSES.foreground
        ]


def test_count_components__a_split_is_a_true_object_under_two_predictions() -> None:
    truth = np.array([[1] * 10], np.uint8)
    halves = np.array([[1, 1, 1, 1, 0, 1, 1, 1, 1, 1]], np.uint8)
    counts = count_components(one(halves), one(truth))
    assert (totals(counts), counts.splits.tolist(), counts.merges.tolist()) == ((1, 1, 0), [0, 1], [0, 0])
    crumb = np.array([[1] * 8 + [0, 1]], np.uint8)
    assert count_components(one(crumb), one(truth)).splits.tolist() == [0, 1]  # 1 px of 10 is the tenth it takes
    longer = np.array([[1] * 11], np.uint8)
    crumb = np.array([[1] * 9 + [0, 1]], np.uint8)
    assert count_components(one(crumb), one(longer)).splits.tolist() == [0, 0]


def test_count_components__a_merge_is_a_prediction_over_two_true_objects_however_many() -> None:
    truth = np.array([[1, 0] * 20], np.uint8)
    bridge = np.ones_like(truth)
    counts = count_components(one(bridge), one(truth))
    assert totals(counts) == (0, 1, 20)
    assert counts.merges.tolist() == [0, 1]  # each of the twenty has an IoU of 0.025 with it


def test_count_components__swapping_the_maps_swaps_splits_of_whole_objects_and_merges() -> None:
    truth, bridge = np.array([[1, 0, 1]], np.uint8), np.array([[1, 1, 1]], np.uint8)
    assert count_components(one(bridge), one(truth)).merges.sum() == 1
    assert count_components(one(truth), one(bridge)).splits.sum() == 1


def test_count_components__connectivity_and_smallest_area() -> None:
    corner = np.array([[1, 0], [0, 1]], np.uint8)
    assert totals(count_components(one(corner), one(corner))) == (1, 0, 0)
    assert totals(count_components(one(corner), one(corner), connectivity=4)) == (2, 0, 0)
    truth = blocks((0, 0), (5, 5))
    speck = truth.copy()
    speck[11, 11] = 1
    assert totals(count_components(one(speck), one(truth))) == (2, 1, 0)
    assert totals(count_components(one(speck), one(truth), min_area_px=2)) == (2, 0, 0)
    assert totals(count_components(one(speck), one(truth), min_area_px=5)) == (0, 0, 0)


def test_count_components__the_best_pair_goes_first() -> None:
    truth = np.array([[1, 1, 1, 1, 1, 1, 0, 1]], np.uint8)
    prediction = np.array([[1, 0, 1, 1, 1, 1, 1, 1]], np.uint8)
    assert totals(count_components(one(prediction), one(truth), iou=0.1)) == (1, 1, 1)


def test_count_components__what_is_left_of_a_region_on_void_is_judged_by_itself() -> None:
    truth = np.zeros((3, 9), np.uint8)
    truth[:, 5:] = VOID
    prediction = np.zeros_like(truth)
    prediction[1, 3:8] = 1  # 2 px on valid ground, 3 on void
    assert totals(count_components(one(prediction), one(truth))) == (0, 1, 0)
    prediction[1, :5] = 0  # wholly on void: nobody is asked to get it right
    assert totals(count_components(one(prediction), one(truth))) == (0, 0, 0)


def test_count_components__void_cuts_objects_and_a_match_may_lie_mostly_on_void() -> None:
    truth = np.array([[1, 1, VOID, VOID, VOID, VOID, 0, 0]], np.uint8)
    prediction = np.array([[1, 1, 1, 1, 1, 1, 0, 0]], np.uint8)
    assert totals(count_components(one(prediction), one(truth))) == (1, 0, 0)
    bridged = np.array([[1, 1, VOID, 1, 1]], np.uint8)
    counts = count_components(one(np.ones_like(bridged)), one(bridged))
    assert (totals(counts), counts.merges.sum()) == ((2, 0, 0), 0)


def test_score_components__absent_is_none_and_one_sided_is_zero() -> None:
    counts = count_components(labels([[0, 1], [0, 0]]), labels([[0, 0], [2, 0]]))
    scores = score_components(counts + count_components(labels([[0]]), labels([[0]])))
    assert scores.images == 2
    assert list(scores.classes) == ["scratch", "dent"]
    assert scores.classes["scratch"]["component_recall@0.5"] is None
    assert scores.classes["scratch"]["component_precision@0.5"] == 0.0
    assert scores.classes["dent"]["component_precision@0.5"] is None
    assert scores.classes["dent"]["component_f1@0.5"] == 0.0
    assert scores.overall["component_f1@0.5"] == 0.0
    assert score_components(ComponentCounts.none(CLASSES)).overall["component_f1@0.5"] is None


def test_count_by_size__bins_by_area_and_width() -> None:
    truth = np.zeros((20, 30), np.uint8)
    truth[1, 1:21] = 1  # 20 px, width 2
    truth[4:7, 1:11] = 1  # 30 px, width 4
    truth[10:18, 1:9] = 1  # 64 px, width 8
    prediction = truth.copy()
    prediction[1, 1:12] = 0  # 9 of 20 left
    sizes = count_by_size(one(prediction), one(truth))
    areas = {row.up_to_px: row for row in sizes.area_rows("object") if row.objects}
    assert {edge: row.objects for edge, row in areas.items()} == {64: 3}
    widths = {row.up_to_px: row for row in sizes.width_rows() if row.objects}
    assert {edge: (row.objects, row.found_share) for edge, row in widths.items()} == {
        2: (1, 0.0), 4: (1, 1.0), 8: (1, 1.0),
    }  # fmt: skip
    assert widths[2].recall == 0.45
    assert widths[2].mean_iou == pytest.approx(0.45, abs=2e-10)
    assert areas[64].recall == pytest.approx((9 + 30 + 64) / 114)
    assert sizes.width_rows()[-1].mean_iou is None


@given(map_pairs(), st.sampled_from([4, 8]))
def test_count_by_size__the_width_is_twice_the_farthest_pixel_from_the_outside(maps, connectivity) -> None:
    truth = (maps[1] == 1).astype(np.uint8)
    sizes = count_by_size(one(truth), one(truth), connectivity=connectivity, width_edges_px=(2, 3, 4, 5, 6, 8))
    count, regions = cv2.connectedComponents(truth, connectivity=connectivity)
    expected = [0] * 7
    for number in range(1, count):
        inside = np.argwhere(np.pad(regions == number, 1))
        outside = np.argwhere(~np.pad(regions == number, 1))
        width = 2 * np.sqrt(((inside[:, None] - outside[None]) ** 2).sum(axis=2).min(axis=1).max())
        expected[int(np.searchsorted((2, 3, 4, 5, 6, 8), width))] += 1
    assert [row.objects for row in sizes.width_rows()] == expected


def test_counts__what_cannot_be_meant_is_refused() -> None:
    frame = one([[0, 1]])
    with pytest.raises(ConfigError, match="no such IoU") as refused:
        count_components(frame, frame, iou=0, connectivity=6, min_area_px=0)
    assert len(refused.value.problems) == 3
    with pytest.raises(ConfigError, match="do not ascend") as refused:
        count_by_size(frame, frame, area_edges_px=(4, 4), width_edges_px=(0, 2))
    assert len(refused.value.problems) == 2
    with pytest.raises(DataError, match="is not of the truth's size"):
        count_components(one([[0]]), frame)
    with pytest.raises(ValueError, match="same rules"):
        _ = ComponentCounts.none(ONE) + ComponentCounts.none(ONE, iou=0.6)
    with pytest.raises(ValueError, match="add up"):
        _ = SizeCounts.none(ONE) + SizeCounts.none(ONE, Matching(0.6))


def test_count_components__buildings_of_a_real_spacenet_tile(shared_data) -> None:
    path = shared_data / "remote_spacenet_sample" / "sample_fp_mask.tif"
    truth = (np.asarray(Image.open(path)) > 0).astype(np.uint8)
    regions = cv2.connectedComponents(truth)[0] - 1
    eroded = cv2.erode(truth, np.ones((9, 9), np.uint8))
    assert totals(count_components(one(truth), one(truth))) == (regions, 0, 0)
    counts = count_components(one(eroded), one(truth))
    assert totals(counts) == spacenet(eroded, truth, 0.5)
    assert 0 < counts.tp.sum() < regions
    sizes = count_by_size(one(eroded), one(truth))
    found = [row.found_share for row in sizes.area_rows() if row.found_share is not None]
    assert found == sorted(found)  # the smaller the building, the more of it an erosion takes


def test_count_components__nuclei_that_touch_are_merged(shared_data) -> None:
    for folder in sorted((shared_data / "instance_dsb2018" / "stage1_train").iterdir())[:4]:
        masks = [np.asarray(Image.open(path)) > 0 for path in sorted((folder / "masks").iterdir())]
        truth = np.any(masks, axis=0).astype(np.uint8)
        grown = cv2.dilate(truth, np.ones((5, 5), np.uint8))
        counts = count_components(one(grown), one(truth))
        assert totals(counts) == spacenet(grown, truth, 0.5)
        regions = [cv2.connectedComponents(ids)[1] for ids in (grown, truth)]
        under = [np.unique(regions[1][(regions[0] == number) & (truth > 0)]).size
                 for number in range(1, int(regions[0].max()) + 1)]  # fmt: skip
        assert counts.merges[1] == sum(each > 1 for each in under)  # growing covers every nucleus whole
        assert counts.splits.sum() == 0
