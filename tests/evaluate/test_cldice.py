"""clDice is the authors' formula on whole masks, and its counts add up."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from skimage.morphology import skeletonize

from segwright.core import ClassTable, ConfigError, DataError, LabelMap
from segwright.evaluate.cldice import CldiceCounts, cldice_score, count_cldice, count_volume_cldice
from tests.evaluate.maps import CLASSES, VOID, labels, map_pairs, random_map

NAMES = CLASSES.names
VESSEL = ClassTable.of(["background", "vessel"])


def by_formula(prediction: np.ndarray, truth: np.ndarray) -> float | None:
    """Tprec and Tsens of Shit et al. 2021 as `cl_score` computes them, and their harmonic mean."""
    lines = skeletonize(prediction), skeletonize(truth)
    if not any(line.any() for line in lines):
        return None
    if not all(line.any() for line in lines):
        return 0.0
    precision, sensitivity = (
        np.sum(lines[0] * truth) / np.sum(lines[0]),
        np.sum(lines[1] * prediction) / lines[1].sum(),
    )
    return 2 * precision * sensitivity / (precision + sensitivity) if precision + sensitivity else 0.0


@settings(max_examples=50)
@given(map_pairs())
def test_count_cldice__is_the_formula_for_each_class(maps) -> None:
    prediction, truth = maps
    scores = count_cldice(*map(labels, maps), names=NAMES).cldice()
    valid = truth != VOID
    expected = [by_formula((prediction == each) & valid, (truth == each) & valid) for each in CLASSES.ids]
    assert scores == pytest.approx(expected, abs=1e-12)


@settings(max_examples=8)
@given(st.integers(0, 2**32 - 1))
def test_count_volume_cldice__is_the_formula_for_each_class(seed) -> None:
    rng = np.random.default_rng(seed)
    field = cv2.GaussianBlur(rng.normal(size=(8, 8 * 9)), (0, 0), 1.2).reshape(8, 8, 9)
    prediction, truth = (np.digitize(field + shift, [0.0, 0.2]) for shift in (0.0, 0.05))
    truth[2, 3] = VOID
    counts = count_volume_cldice(prediction, truth, CLASSES, names=NAMES)
    valid = truth != VOID
    expected = [by_formula((prediction == each) & valid, (truth == each) & valid) for each in CLASSES.ids]
    assert counts.cldice() == pytest.approx(expected, abs=1e-12)


def compare_with_damaged(truth: np.ndarray) -> None:
    damaged = cv2.dilate(truth, np.ones((3, 3), np.uint8))
    damaged[:, 250:262] = 0
    expected = by_formula(damaged > 0, truth > 0)
    assert expected is not None
    assert 0.8 < expected < 1
    maps = (LabelMap(ids, VESSEL) for ids in (damaged, truth))
    assert cldice_score(*maps, "vessel") == pytest.approx(expected, abs=1e-12)


def test_cldice_score__of_real_vessels(shared_data) -> None:
    with Image.open(shared_data / "medical_drive" / "training" / "1st_manual" / "21_manual1.gif") as drawn:
        compare_with_damaged((np.asarray(drawn) > 127).astype(np.uint8))


def test_cldice_score__of_real_membranes(shared_data) -> None:
    with Image.open(shared_data / "medical_isbi2012" / "label" / "0.png") as drawn:
        compare_with_damaged((np.asarray(drawn) < 128).astype(np.uint8))


@settings(max_examples=40)
@given(map_pairs(void_truth=False, void_prediction=False))
def test_count_cldice__swapping_the_maps_swaps_precision_and_sensitivity(maps) -> None:
    there = count_cldice(*map(labels, maps), names=NAMES)
    back = count_cldice(*map(labels, reversed(maps)), names=NAMES)
    assert there.precision() == back.sensitivity()
    assert there.cldice() == back.cldice()


@settings(max_examples=40)
@given(map_pairs(void_prediction=False))
def test_count_cldice__perfect_is_one_and_absent_is_none(maps) -> None:
    _, truth = maps
    counts = count_cldice(labels(np.where(truth == VOID, 1, truth)), labels(truth), names=NAMES)
    assert counts.cldice() == [1.0 if (truth == class_id).any() else None for class_id in CLASSES.ids]


@settings(max_examples=40)
@given(map_pairs(), st.integers(0, 2**31))
def test_count_cldice__whatever_stands_at_void_changes_nothing(maps, seed) -> None:
    prediction, truth = maps
    at_void = truth == VOID
    other = prediction.copy()
    other[at_void] = np.random.default_rng(seed).choice([0, 1, 2, VOID], int(at_void.sum()))
    counts = (count_cldice(labels(each), labels(truth), names=NAMES) for each in (other, prediction))
    assert next(counts) == next(counts)


@settings(max_examples=20)
@given(st.lists(map_pairs(), min_size=2, max_size=4), st.randoms())
def test_cldice_counts__merge_in_any_order(frames, random) -> None:
    parts = [count_cldice(*map(labels, maps)) for maps in frames]
    whole = sum(parts, CldiceCounts.none(("scratch", "dent")))
    random.shuffle(parts)
    assert sum(parts[1:], parts[0]) == whole


def test_cldice_score__thickness_is_hardly_an_error_and_a_gap_is() -> None:
    line = np.zeros((21, 60), np.uint8)
    line[10, 5:55] = 1
    thick = cv2.dilate(line, np.ones((5, 1), np.uint8))
    broken = line.copy()
    broken[:, 30:35] = 0
    assert cldice_score(labels(thick), labels(line), "scratch") > 0.97  # the ends of a skeleton may bend
    assert cldice_score(labels(broken), labels(line), "scratch") == pytest.approx(2 * 0.9 / 1.9)


def test_count_cldice__in_one_map_only_is_zero_and_leaves_one_share_out() -> None:
    counts = count_cldice(labels([[1]]), labels([[0]]))
    assert counts.names == ("scratch", "dent")
    assert (counts.cldice(), counts.precision(), counts.sensitivity()) == ([0.0, None], [0.0, None], [None, None])
    assert count_cldice(labels([[1]]), labels([[1]])).cldice() == [1.0, None]


def test_count_cldice__arrays_need_not_be_contiguous() -> None:
    rng = np.random.default_rng(2)
    wide = [random_map(rng, (40, 60)) for _ in range(2)]
    cut, copied = ([LabelMap(make(ids[::2, ::3]), CLASSES) for ids in wide] for make in (np.asarray, np.array))
    assert count_cldice(*cut) == count_cldice(*copied)


def test_count_cldice__refuses_what_cannot_be_compared() -> None:
    with pytest.raises(DataError, match="is not of the truth's size"):
        count_cldice(labels([[0, 1]]), labels([[0], [1]]))
    with pytest.raises(ConfigError, match="is not in the class table"):
        count_cldice(labels([[0]]), labels([[0]]), names=("vessel",))
    with pytest.raises(DataError, match="is not of the truth's shape"):
        count_volume_cldice(np.zeros((1, 2, 3), int), np.zeros((1, 3, 2), int), CLASSES)
    with pytest.raises(ValueError, match="do not add up"):
        _ = CldiceCounts.none(("scratch",)) + CldiceCounts.none(("dent",))
