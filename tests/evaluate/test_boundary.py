from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from segwright.core import ClassTable, LabelMap
from segwright.evaluate import boundary, boundary_f_score, count_boundaries, score_frames
from tests.evaluate.maps import CLASSES, VOID, labels, map_pairs, pair, random_map

# `f_measure` of davisvideochallenge/davis2017-evaluation at commit ac7c43f, run on the real predictions kept with the
# shared data: object against background, bound_th = 3.
RECORDED = {
    "blackswan/00000": 0.9191875261056973,
    "blackswan/00006": 0.9494837244330543,
    "blackswan/00024": 0.9222977924609204,
    "blackswan/00048": 0.9004784983410438,
    "scooter-black/00004": 0.7102589366402249,
    "scooter-black/00010": 0.7126320087603705,
    "scooter-black/00028": 0.5302780492975162,
    "scooter-black/00034": 0.4247641140715236,
}


def slow_outline(mask: np.ndarray) -> set[tuple[int, int]]:
    """The definition, pixel by pixel: differs from its right, lower or lower-right neighbour."""
    height, width = mask.shape
    found = set()
    for row in range(height):
        for column in range(width):
            below, right = min(row + 1, height - 1), min(column + 1, width - 1)
            own = mask[row, column]
            if own != mask[row, right] or own != mask[below, column] or own != mask[below, right]:
                found.add((row, column))
    return found


def slow_f_score(prediction: np.ndarray, truth: np.ndarray, class_id: int, distance: int) -> float | None:
    """The definition over all pairs of outline pixels."""
    valid = truth != VOID
    predicted, true = (prediction == class_id) & valid, (truth == class_id) & valid
    if not predicted.any() and not true.any():
        return None
    mine, theirs = slow_outline(predicted), slow_outline(true)
    if not mine and not theirs:
        return 1.0
    if not mine or not theirs:
        return 0.0

    def share(asked, other):
        near = [any((r - a) ** 2 + (c - b) ** 2 <= distance**2 for a, b in other) for r, c in asked]
        return sum(near) / len(near)

    precision, recall = share(mine, theirs), share(theirs, mine)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


@settings(deadline=None, max_examples=40)
@given(map_pairs(), st.sampled_from([(1,), (3,), (1, 2, 4)]))
def test_count_boundaries__equals_the_definition(maps, distances):
    prediction, truth = maps
    counts = count_boundaries(labels(prediction), labels(truth), boundary_px=distances)
    for distance in distances:
        expected = [slow_f_score(prediction, truth, class_id, distance) for class_id in CLASSES.ids]
        assert counts.f_scores(distance) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("density", [0.0, 2.0])
def test_count_boundaries__dense_outlines_take_the_other_way_to_the_same_counts(density, monkeypatch):
    rng = np.random.default_rng(4)
    maps = [labels(rng.integers(0, 3, (40, 50))) for _ in range(2)]
    expected = count_boundaries(*maps, boundary_px=(1, 2, 5))
    monkeypatch.setattr(boundary, "DENSE_OUTLINE", density)
    assert count_boundaries(*maps, boundary_px=(1, 2, 5)) == expected


@pytest.mark.parametrize("stem", RECORDED)
def test_boundary_f_score__equals_the_recorded_davis_values(stem, shared_data):
    classes = ClassTable.of(["background", "object"])
    root = shared_data / "video_davis2016"
    truth = np.asarray(Image.open(root / "Annotations" / "480p" / f"{stem}.png")) > 127
    prediction = np.asarray(Image.open(root / "predictions_osvos2017" / f"{stem}.png")) > 0
    maps = (LabelMap(mask.astype(np.uint8), classes) for mask in (prediction, truth))
    assert boundary_f_score(*maps, "object", distance_px=3) == pytest.approx(RECORDED[stem], abs=1e-12)


@given(map_pairs(), st.integers(0, 2**31))
def test_count_boundaries__whatever_stands_at_void_changes_nothing(maps, seed):
    prediction, truth = maps
    other = prediction.copy()
    at_void = truth == VOID
    other[at_void] = np.random.default_rng(seed).choice([0, 1, 2, VOID], int(at_void.sum()))
    assert count_boundaries(labels(other), labels(truth)) == count_boundaries(labels(prediction), labels(truth))


@given(map_pairs(void_truth=False))
def test_count_boundaries__swapping_the_maps_keeps_f(maps):
    prediction, truth = (labels(np.where(ids == VOID, 0, ids)) for ids in maps)
    there, back = count_boundaries(prediction, truth), count_boundaries(truth, prediction)
    assert there.f_scores(3) == pytest.approx(back.f_scores(3), abs=1e-12)


@given(map_pairs(void_prediction=False))
def test_count_boundaries__perfect_is_one_and_absent_is_none(maps):
    _, truth = maps
    perfect = labels(np.where(truth == VOID, 1, truth))
    scores = count_boundaries(perfect, labels(truth)).f_scores(3)
    assert scores == [1.0 if (truth == class_id).any() else None for class_id in CLASSES.ids]


def test_count_boundaries__a_shift_of_k_pixels_is_matched_and_one_more_is_not():
    truth = np.zeros((60, 60), np.uint8)
    truth[20:40, 20:40] = 1
    scores = [
        count_boundaries(labels(np.roll(truth, shift, axis=1)), labels(truth), boundary_px=(3,)).f_scores(3)[1]
        for shift in (0, 3, 4)
    ]
    assert scores[:2] == [1.0, 1.0]
    assert scores[2] < 1.0


@given(map_pairs())
def test_count_boundaries__grows_with_the_distance(maps):
    counts = count_boundaries(labels(maps[0]), labels(maps[1]), boundary_px=(1, 2, 3, 7))
    assert (np.diff(counts.matched_px, axis=0) >= 0).all()


def test_count_boundaries__a_class_that_fills_both_frames_scores_one():
    full = labels(np.ones((4, 4)))
    assert count_boundaries(full, full).f_scores(3) == [None, 1.0, None]


def test_count_boundaries__an_outline_in_one_map_only_scores_zero():
    truth = np.zeros((9, 9), np.uint8)
    truth[3:6, 3:6] = 1
    assert count_boundaries(labels(np.zeros((9, 9))), labels(truth)).f_scores(3)[1] == 0.0


def test_count_boundaries__no_distance_looks_at_nothing():
    counts = count_boundaries(labels([[0, 1]]), labels([[1, 0]]), boundary_px=())
    assert counts.boundary_px == ()
    assert counts.outline_px.sum() == 0


def test_count_boundaries__a_distance_below_one_is_refused():
    with pytest.raises(ValueError, match="at least 1"):
        count_boundaries(labels([[0]]), labels([[0]]), boundary_px=(0,))


def test_count_boundaries__odd_shapes():
    rng = np.random.default_rng(0)
    for shape in ((1, 40), (40, 1), (1, 1), (2, 3)):
        prediction, truth = random_map(rng, shape), random_map(rng, shape)
        scores = count_boundaries(labels(prediction), labels(truth)).f_scores(3)
        assert scores == pytest.approx([slow_f_score(prediction, truth, class_id, 3) for class_id in CLASSES.ids])


def test_precision_recall__each_half_by_itself_and_the_davis_rules_for_empty_outlines():
    truth, longer = np.zeros((2, 9, 20), np.uint8)
    truth[4, 2:10], longer[4, 2:18] = 1, 1
    precision, recall = count_boundaries(labels(longer), labels(truth)).precision_recall(3)[1] or (0.0, 0.0)
    assert recall == 1.0
    assert 0.5 < precision < 0.8
    only_true = count_boundaries(labels(np.zeros_like(truth)), labels(truth)).precision_recall(3)
    assert only_true[1:] == [(1.0, 0.0), None]
    scores = score_frames([pair(longer, truth, "a"), pair(truth, truth, "b")], CLASSES).classes["scratch"]
    assert scores["boundary_precision@3"] == pytest.approx((precision + 1) / 2)
    assert scores["boundary_recall@3"] == 1.0
