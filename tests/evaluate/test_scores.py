from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from sklearn.metrics import f1_score, jaccard_score, precision_score, recall_score

from segwright.evaluate import DEFINITIONS, count_frames, score_counts
from segwright.evaluate.scores import definitions_of
from tests.evaluate.maps import CLASSES, VOID, map_pairs, pair


def scored(*pairs, boundary_px=(3,)):
    return score_counts(count_frames(pairs, CLASSES, boundary_px=boundary_px).frames, CLASSES, boundary_px)


@settings(max_examples=25)  # scikit-learn's argument checks take most of the time
@given(map_pairs(void_prediction=False))
def test_score_counts__equals_scikit_learn(maps):
    prediction, truth = maps
    valid = truth != VOID
    scores = scored(pair(prediction, truth))
    for spec in CLASSES:
        true, predicted = truth[valid] == spec.class_id, prediction[valid] == spec.class_id
        row = scores.classes[spec.name]
        if not true.any() and not predicted.any():
            assert (row["iou"], row["dice"], row["precision"], row["recall"]) == (None, None, None, None)
            continue
        assert row["iou"] == pytest.approx(jaccard_score(true, predicted), abs=1e-12)
        assert row["dice"] == pytest.approx(f1_score(true, predicted), abs=1e-12)
        assert row["precision"] == (pytest.approx(precision_score(true, predicted)) if predicted.any() else None)
        assert row["recall"] == (pytest.approx(recall_score(true, predicted)) if true.any() else None)


def test_score_counts__pooled_and_image_means_are_two_names():
    big = pair(np.ones((10, 10)), np.ones((10, 10)), "big")
    small = pair([[1, 0]], [[0, 1]], "small")
    scores = scored(big, small)
    assert scores.classes["scratch"]["iou"] == pytest.approx(100 / 102)
    assert scores.classes["scratch"]["mean_image_iou"] == pytest.approx(0.5)
    assert scores.overall["pooled_miou"] == pytest.approx((100 / 102 + 0) / 2)
    assert scores.overall["mean_image_miou"] == pytest.approx((1 + 0) / 2)


def test_score_counts__a_class_in_neither_map_is_in_no_mean():
    scores = scored(pair([[0, 1]], [[0, 1]]))
    assert scores.classes["dent"]["iou"] is None
    assert scores.classes["dent"]["boundary_f@3"] is None
    assert scores.overall["pooled_miou"] == 1.0
    assert scores.overall["pooled_miou_foreground"] == 1.0


def test_score_counts__a_class_only_predicted_counts_as_zero():
    scores = scored(pair([[0, 2]], [[0, 0]]))
    assert scores.classes["dent"]["iou"] == 0.0
    assert scores.classes["dent"]["recall"] is None
    assert scores.overall["pooled_miou"] == pytest.approx((0.5 + 0) / 2)
    assert scores.overall["pooled_miou_foreground"] == 0.0


def test_score_counts__an_undecided_pixel_is_missed():
    row = scored(pair([[1, VOID]], [[1, 1]])).classes["scratch"]
    assert (row["iou"], row["recall"], row["precision"], row["predicted_px"]) == (0.5, 0.5, 1.0, 1)


def test_score_counts__all_void_has_no_score():
    scores = scored(pair([[0, 1]], [[VOID, VOID]]))
    assert set(scores.overall.values()) == {None}
    assert scores.images == 1


def test_score_counts__an_all_void_image_is_left_out_of_the_image_mean():
    scores = scored(pair([[0, 1]], [[0, 1]], "a"), pair([[0, 1]], [[VOID, VOID]], "b"))
    assert scores.overall["mean_image_miou"] == 1.0


def test_score_counts__boundary_f_is_a_mean_over_images_with_the_class():
    truth = np.zeros((20, 20))
    truth[5:15, 5:15] = 1
    hit, missed, empty = pair(truth, truth, "a"), pair(truth * 0, truth, "b"), pair(truth * 0, truth * 0, "c")
    scores = scored(hit, missed, empty)
    assert scores.classes["scratch"]["boundary_f@3"] == 0.5
    assert scores.overall["boundary_f@3"] == 0.5


@given(map_pairs(void_prediction=False))
def test_score_counts__bounds_and_swap(maps):
    prediction, truth = (np.where(ids == VOID, 0, ids) for ids in maps)
    there, back = scored(pair(prediction, truth)), scored(pair(truth, prediction))
    for name, row in there.classes.items():
        assert row["iou"] == back.classes[name]["iou"]
        assert row["precision"] == back.classes[name]["recall"]
        if row["iou"] is not None:
            assert 0 <= row["iou"] <= row["dice"] <= 1


def test_score_counts__pixel_accuracy_is_last():
    assert list(scored(pair([[0]], [[0]])).overall)[-1] == "pixel_accuracy"


def test_definitions__every_score_has_one():
    scores = scored(pair([[0, 1]], [[0, 1]]), boundary_px=(1, 3))
    names = [*scores.overall, *scores.classes["dent"]]
    found = definitions_of(names)
    assert set(names) <= set(found)
    assert "within 1 px" in found["boundary_f@1"]
    assert "MISLEADING" in DEFINITIONS["pixel_accuracy"]
