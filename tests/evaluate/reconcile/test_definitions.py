"""The conventions of libraries that are not installed here, in figures computed by hand from their sources.

Once, all of them were compared with the libraries themselves (mmsegmentation 1.2.2, Ultralytics 8.4.190,
cityscapesScripts 2.3.0, MONAI 1.6.1, torchmetrics 1.7.0) on 80 sets of frames as `test_installed.drawn` makes them:
equal within 1e-7, the precision of their float32.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segwright.core import ClassTable, DataError
from segwright.evaluate import Evaluation, count_frames, score_frames
from segwright.evaluate.reconcile import LIBRARIES, Convention, reconcile, reconcile_counts, reconcile_evaluation
from tests.evaluate.maps import CLASSES, VOID, labels, map_pairs, pair

# Two frames of 8 px, prediction and truth: 0 background, 1 scratch, 2 dent, which is nowhere true; one void pixel.
FRAMES = [
    ([[0, 0, 0, 1, 1, 1, 0, 2]], [[0, 0, 0, 0, 1, 1, 1, 1]]),
    ([[0, 0, 0, 0, 1, 1, 0, 2]], [[0, 0, 0, 0, 0, 0, 0, VOID]]),
]
# by frame and class: right px, true px, predicted px
#   first:  background 3, 4, 4   scratch 2, 4, 3   dent 0, 0, 1
#   second: background 5, 7, 5   scratch 0, 0, 2   dent 0, 0, 0
# pooled:   background 8, 11, 9  scratch 2, 4, 5   dent 0, 0, 1
IOU = {"background": 8 / 12, "scratch": 2 / 7, "dent": 0.0}
POOLED = sum(IOU.values()) / 3


def frames() -> list:
    return [pair(prediction, truth, f"f{index}") for index, (prediction, truth) in enumerate(FRAMES)]


@pytest.fixture(scope="module")
def found() -> dict[tuple[str, str], Convention]:
    return {(row.library, row.name): row for row in reconcile(frames(), CLASSES)}


@pytest.mark.parametrize(
    ("library", "name", "value"),
    [
        ("mmsegmentation", "mIoU", POOLED),
        ("mmsegmentation", "mAcc", (8 / 11 + 2 / 4) / 2),  # the dent: 0 by 0, left out
        ("mmsegmentation", "aAcc", 10 / 15),
        ("mmsegmentation", "mDice", (16 / 20 + 4 / 9 + 0 / 1) / 3),
        # only the first frame has true scratches (4): 2 right, 1 called background, 1 called dent; scratches invented
        # on true background cost nothing; the dent's one pixel is on a true scratch
        ("mmsegmentation", "mIoU with reduce_zero_label=True", (2 / 4 + 0 / 1) / 2),
        ("ultralytics", "metrics/mIoU", (8 / 12 + 2 / 7) / 2),  # without the dent, which is nowhere true
        ("ultralytics", "metrics/pixel_acc", 10 / 15),
        ("cityscapesScripts", "Score Average, IoU", POOLED),
        ("cityscapesScripts", "Score Average, IoU, background with ignoreInEval", (2 / 4 + 0 / 1) / 2),
        ("cityscapesScripts", "Score Average, nIoU", None),
        # first frame: background 6/8, scratch 4/7, mean 37/56; second: background 10/12; the invented scratch is free
        ("monai", "DiceMetric()", ((6 / 8 + 4 / 7) / 2 + 10 / 12) / 2),
        ("monai", "DiceMetric(include_background=False)", 4 / 7),  # of one image: the second has no true foreground
        # first frame: scratch 4/7, dent invented 0; second: scratch invented 0, dent in neither map 1
        ("monai", "DiceMetric(include_background=False, ignore_empty=False)", ((4 / 7 + 0) / 2 + (0 + 1) / 2) / 2),
        ("monai", "MeanIoU()", ((3 / 5 + 2 / 5) / 2 + 5 / 7) / 2),
        ("monai", "MeanIoU(include_background=False)", 2 / 5),
        ("monai", "MeanIoU(include_background=False, ignore_empty=False)", ((2 / 5 + 0) / 2 + (0 + 1) / 2) / 2),
        # the older MeanIoU: all three classes in each image, an absent one 0
        ("torchmetrics", "MeanIoU(), one image an update", ((3 / 5 + 2 / 5 + 0) / 3 + (5 / 7 + 0 + 0) / 3) / 2),
    ],
)
def test_reconcile__figures_by_hand(found, library, name, value) -> None:
    row = found[library, name]
    assert row.value == (None if value is None else pytest.approx(value, abs=1e-12))
    assert row.source[0].isdigit()
    assert "\n" not in row.why


def test_reconcile__says_what_is_the_same_and_what_only_happens_to_be(found) -> None:
    assert found["mmsegmentation", "mIoU"].why == "equal to pooled_miou"
    same = [row for row in found.values() if row.why == "equal to pooled_miou"]
    assert [row.value for row in same] == [pytest.approx(POOLED)] * len(same)
    assert {row.library for row in same} == {"torchmetrics", "mmsegmentation", "cityscapesScripts", "scikit-learn"}
    macro = found["segmentation-models-pytorch", 'iou_score(reduction="macro")']
    assert macro.why == "equal to pooled_miou: no class is absent"
    assert "1 of 2 images" in found["monai", "DiceMetric(include_background=False)"].why
    perfect = {(row.library, row.name): row for row in reconcile([pair(FRAMES[0][1], FRAMES[0][1])], CLASSES)}
    assert perfect["monai", "MeanIoU()"].why.startswith("on these frames the same as pooled_miou; in general ")
    assert perfect["torchmetrics", "DiceScore()"].value == 1.0


def test_reconcile__undecided_pixels_are_missed_left_out_or_refused() -> None:
    rows = {(row.library, row.name): row for row in reconcile([pair([[0, 0, VOID, 1]], [[0, 0, 1, 1]])], CLASSES)}
    assert rows["mmsegmentation", "mIoU"].value == pytest.approx((1 + 1 / 2) / 2)
    assert rows["ultralytics", "metrics/mIoU"].value == 1.0
    assert "1 undecided pixels are left out" in rows["ultralytics", "metrics/pixel_acc"].why
    assert rows["torchmetrics", 'JaccardIndex(average="macro")'].value is None
    assert rows["scikit-learn", 'jaccard_score(average="macro")'].value == pytest.approx((1 + 1 / 2 + 0) / 3)


def test_reconcile__without_a_background_no_first_class_is_dropped() -> None:
    classes = ClassTable.of(["road", "kerb"])
    assert classes.background is None
    names = {row.name for row in reconcile([pair_of(classes)], classes)}
    assert not [name for name in names if "include_background" in name or "zero_label" in name or "binary" in name]
    binary = ClassTable.of(["background", "kerb"])
    rows = {(row.library, row.name): row.value for row in reconcile([pair_of(binary)], binary)}
    assert rows["ultralytics", "metrics/mIoU, one class name"] == pytest.approx(1 / 2)
    assert rows["torchmetrics", 'JaccardIndex(task="binary")'] == pytest.approx(1 / 2)


def pair_of(classes: ClassTable):
    from segwright.evaluate import FramePair

    return FramePair("frame", labels([[0, 1, 1]], classes), labels([[0, 0, 1]], classes))


@settings(max_examples=30)
@given(st.lists(map_pairs(), min_size=1, max_size=4), st.integers(0, 2**31))
def test_reconcile__void_changes_nothing_and_neither_does_the_order_or_the_way(frames_drawn, seed) -> None:
    rng = np.random.default_rng(seed)
    pairs, others = [], []
    for index, (prediction, truth) in enumerate(frames_drawn):
        other = prediction.copy()
        at_void = truth == VOID
        other[at_void] = rng.choice([0, 1, 2, VOID], int(at_void.sum()))
        pairs.append(pair(prediction, truth, f"f{index}"))
        others.append(pair(other, truth, f"f{index}"))
    rows = reconcile(pairs, CLASSES)
    assert reconcile(reversed(others), CLASSES) == rows
    parts = count_frames(pairs[:1], CLASSES, boundary_px=()) + count_frames(pairs[1:], CLASSES, boundary_px=())
    assert reconcile_counts(parts) == rows
    evaluation = score_frames(pairs, CLASSES, boundary_px=())
    assert reconcile_evaluation(Evaluation.from_json(evaluation.to_json())) == rows
    assert {row.library for row in rows} == set(LIBRARIES)
    assert all(row.value is None or -1 <= row.value <= 1 for row in rows)


def test_reconcile__no_frame_is_an_error() -> None:
    with pytest.raises(DataError, match="has no frame to score"):
        reconcile([], CLASSES)
