from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix

from segwright.core import ClassSpec, ClassTable, DataError, LabelMap
from segwright.evaluate import Counts, FramePair, PixelCounts, count_frame, count_frames, count_pixels
from tests.evaluate.maps import CLASSES, VOID, labels, map_pairs, pair, random_map


def test_count_pixels__by_eye():
    truth = labels([[0, 1, 1, VOID], [0, 2, 2, VOID]])
    prediction = labels([[0, 1, 0, 1], [2, 2, VOID, VOID]])
    counts = count_pixels(prediction, truth)
    assert counts.confusion.tolist() == [[1, 0, 1, 0], [1, 1, 0, 0], [0, 0, 1, 1]]
    assert counts.void_px == 2
    assert counts.truth_px.tolist() == [2, 2, 2]
    assert counts.predicted_px.tolist() == [2, 1, 2]
    assert counts.correct_px.tolist() == [1, 1, 1]


@pytest.mark.parametrize("ids", [(0, 1), (0, 1, 1000)])
def test_count_pixels__masks_of_8_bits_under_a_table_of_16(ids):
    classes = ClassTable(tuple(ClassSpec(number, f"class {number}") for number in ids), 65535)
    masks = [LabelMap(np.array([row], np.uint8), classes) for row in ([0, 1, 1], [0, 0, 1])]
    counts = count_pixels(*masks)
    assert counts.confusion[:2, :2].tolist() == [[1, 1], [0, 1]]
    assert (counts.valid_px, counts.void_px) == (3, 0)


@given(map_pairs(void_prediction=False))
def test_count_pixels__equals_scikit_learn(maps):
    prediction, truth = maps
    valid = truth != VOID
    counts = count_pixels(labels(prediction), labels(truth))
    if valid.any():
        reference = confusion_matrix(truth[valid], prediction[valid], labels=list(CLASSES.ids))
        assert counts.confusion[:, :-1].tolist() == reference.tolist()
    else:
        assert counts.valid_px == 0


@given(map_pairs(), st.integers(0, 2**31))
def test_count_pixels__whatever_stands_at_void_changes_nothing(maps, seed):
    prediction, truth = maps
    other = prediction.copy()
    at_void = truth == VOID
    other[at_void] = np.random.default_rng(seed).choice([0, 1, 2, VOID], int(at_void.sum()))
    assert count_pixels(labels(other), labels(truth)) == count_pixels(labels(prediction), labels(truth))


@given(map_pairs(void_truth=False, void_prediction=False))
def test_count_pixels__swapping_the_maps_transposes(maps):
    prediction, truth = maps
    there, back = count_pixels(labels(prediction), labels(truth)), count_pixels(labels(truth), labels(prediction))
    assert there.confusion[:, :-1].tolist() == back.confusion[:, :-1].T.tolist()


@given(map_pairs())
def test_count_pixels__wide_ids_count_the_same(maps):
    prediction, truth = maps
    wide = ClassTable(CLASSES.classes, void_id=65535, background="background")

    def widened(ids):
        return LabelMap(np.where(ids == VOID, np.uint16(65535), ids.astype(np.uint16)), wide)

    assert count_pixels(widened(prediction), widened(truth)) == count_pixels(labels(prediction), labels(truth))


def test_count_pixels__ids_far_apart():
    table = ClassTable((ClassSpec(7, "a"), ClassSpec(60000, "b")), void_id=65535)
    truth = LabelMap(np.array([[7, 60000, 60000, 65535]], np.uint16), table)
    prediction = LabelMap(np.array([[60000, 60000, 65535, 7]], np.uint16), table)
    assert count_pixels(prediction, truth).confusion.tolist() == [[0, 1, 0], [0, 1, 1]]


def test_count_pixels__arrays_that_are_not_contiguous():
    ids = np.zeros((8, 8), np.uint8)
    ids[::2] = 1
    turned = labels(ids.T)
    assert count_pixels(turned, turned).correct_px.tolist() == [32, 32, 0]


def test_count_pixels__another_size_is_refused():
    with pytest.raises(DataError, match="not of the truth's size") as caught:
        count_pixels(labels([[0, 0]]), labels([[0], [0]]))
    assert "nothing is resized silently" in str(caught.value)


def test_count_pixels__another_class_table_is_refused():
    other = ClassTable.of(["background", "dent", "scratch"])
    with pytest.raises(DataError, match="of another class table"):
        count_pixels(labels([[1]], other), labels([[1]]))


def test_pixel_counts__other_numbers_of_classes_do_not_add_up():
    with pytest.raises(ValueError, match="of 3 and 2 classes do not add up"):
        PixelCounts.none(CLASSES) + PixelCounts.none(ClassTable.of(["a", "b"]))


@given(st.integers(0, 2**31), st.integers(1, 6))
def test_counts__any_order_and_sharding_gives_the_same(seed, shards):
    rng = np.random.default_rng(seed)
    pairs = [
        FramePair(
            f"f{index}",
            labels(random_map(rng, (7, 9))),
            labels(random_map(rng, (7, 9), void=0.1)),
            {"line": "ab"[index % 2]},
        )
        for index in range(6)
    ]
    whole = count_frames(pairs, CLASSES, boundary_px=(1, 3))
    shuffled = [pairs[index] for index in rng.permutation(len(pairs))]
    parts = [count_frames(shuffled[start::shards], CLASSES, boundary_px=(3, 1)) for start in range(shards)]
    total = parts[0]
    for part in parts[1:]:
        total = part + total
    assert total == whole


def test_counts__a_frame_counted_twice_is_refused():
    counts = count_frames([pair([[0]], [[0]], "a")], CLASSES)
    with pytest.raises(DataError, match="a: is counted twice"):
        counts + counts


def test_counts__other_distances_do_not_add_up():
    three, one = (Counts(CLASSES, distances, PixelCounts.none(CLASSES)) for distances in ((3,), (1,)))
    with pytest.raises(ValueError, match="same classes, boundary distances"):
        three + one


def test_count_frame__keeps_stem_and_columns():
    pixels, row = count_frame(pair([[0, 1]], [[0, VOID]], "a/b", line="C"))
    assert (row.stem, dict(row.columns), row.void_px, pixels.valid_px) == ("a/b", {"line": "C"}, 1, 1)
