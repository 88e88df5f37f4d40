"""Objects and segments on disk."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pycocotools.mask
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segwright.core import (
    GREY,
    ClassSpec,
    ClassTable,
    DependencyMissing,
    Image,
    InstanceSet,
    LabelMap,
    Size,
    adopt,
    instance_from_mask,
)
from segwright.data.object_runs import frame_runs
from segwright.infer.objects import InstancePrediction, MergeRule, PanopticPrediction, merged
from segwright.infer.objects.drawing import drawn
from segwright.infer.objects.results import coco_results

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # pycocotools' own

CLASSES = ClassTable(
    (ClassSpec(0, "belt"), ClassSpec(1, "floor"), ClassSpec(2, "bolt", "thing"), ClassSpec(3, "nut", "thing"))
)


def objects(*masks: tuple[np.ndarray, int, float], size: Size) -> InstanceSet:
    made = [instance_from_mask(mask, class_id, score=score) for mask, class_id, score in masks]
    return InstanceSet(size, tuple(one for one in made if one is not None), CLASSES)


@given(st.integers(0, 2**32 - 1))
def test_frame_runs__are_what_pycocotools_reads_back(seed: int) -> None:
    rng = np.random.default_rng(seed)
    height, width = (int(value) for value in rng.integers(1, 9, 2))
    mask = rng.random((height, width)) < rng.choice([0.2, 0.5, 0.95, 1.0])
    one = instance_from_mask(mask, 2)
    if one is None:
        return
    runs = frame_runs(one, Size(height, width))
    packed = pycocotools.mask.frPyObjects({"size": [height, width], "counts": runs}, height, width)
    assert np.array_equal(pycocotools.mask.decode(packed).astype(bool), mask)
    assert all(run > 0 for run in runs[1:])


def test_coco_results__decode_to_the_masks() -> None:
    mask = np.zeros((6, 8), bool)
    mask[1:4, 2:7] = True
    rows = coco_results(objects((mask, 3, 0.75), size=Size(6, 8)), "frame 1")
    assert rows[0]["bbox"] == [2, 1, 5, 3]
    assert (rows[0]["score"], rows[0]["category_id"], rows[0]["image_id"]) == (0.75, 3, "frame 1")
    assert np.array_equal(pycocotools.mask.decode(rows[0]["segmentation"]).astype(bool), mask)


def test_merged__the_surer_object_takes_the_pixels_then_stuff_fills_and_the_rest_is_void() -> None:
    size = Size(10, 10)
    sure, doubted, hidden = (np.zeros((10, 10), bool) for _ in range(3))
    sure[0:4, 0:4] = doubted[2:6, 0:4] = hidden[0:3, 0:3] = True
    ids = np.zeros((10, 10), np.uint8)
    ids[:, 8:] = 1
    ids[9, :8] = 2  # a thing in the semantic answer claims nothing
    found = objects((hidden, 3, 0.5), (doubted, 2, 0.6), (sure, 2, 0.9), size=size)
    panoptic = merged(found, LabelMap(adopt(ids), CLASSES), MergeRule(stuff_area_px=30))
    assert [(segment.segment_id, segment.class_id) for segment in panoptic.segments] == [(1, 2), (2, 2), (3, 0)]
    assert (panoptic.segment_ids == 1).sum() == 16
    assert (panoptic.segment_ids == 2).sum() == 8
    assert panoptic.void[9, :8].all()
    assert panoptic.void[:, 8:].all(), "20 px of floor are fewer than the rule asks for"


def test_predictions__save_plot_and_count(tmp_path: Path) -> None:
    size = Size(20, 30)
    mask = np.zeros((20, 30), bool)
    mask[5:15, 5:15] = True
    image = Image(adopt(np.full((20, 30, 1), 90, np.uint8)), GREY)
    found = InstancePrediction(image, objects((mask, 2, 0.9), size=size))
    assert found.counts() == {"belt": 0, "floor": 0, "bolt": 1, "nut": 0}
    found.save(tmp_path / "results.json", image_id=7)
    assert json.loads((tmp_path / "results.json").read_text())[0]["image_id"] == 7
    painted = found.plot()
    assert (painted[16:] == 90).all()
    assert (painted[7, 7] != 90).any()
    labels = LabelMap(adopt(np.zeros((20, 30), np.uint8)), CLASSES)
    whole = PanopticPrediction(image, merged(found.objects, labels, MergeRule(stuff_area_px=1)))
    whole.save(tmp_path / "frame.png")
    row = json.loads((tmp_path / "frame.json").read_text())
    assert [segment["category_id"] for segment in row["annotations"][0]["segments_info"]] == [2, 0]
    assert whole.counts()["bolt"] == 1
    assert whole.plot().shape == (20, 30, 3)


def two_objects() -> InstancePrediction:
    size = Size(20, 30)
    nut, bolt = np.zeros((20, 30), bool), np.zeros((20, 30), bool)
    nut[5:15, 5:15] = bolt[0:4, 20:30] = True
    image = Image(adopt(np.full((20, 30, 1), 90, np.uint8)), GREY)
    return InstancePrediction(image, objects((nut, 3, 0.9), (bolt, 2, 0.5), size=size))


def test_to_supervision__one_detection_an_object_that_its_annotators_draw() -> None:
    supervision = pytest.importorskip("supervision")
    found = two_objects()
    detections = found.to_supervision()
    assert detections.xyxy.tolist() == [[5, 5, 15, 15], [20, 0, 30, 4]]
    assert detections.class_id.tolist() == [3, 2]
    assert detections.data["class_name"].tolist() == ["nut", "bolt"]
    np.testing.assert_allclose(detections.confidence, [0.9, 0.5])
    for mask, one in zip(detections.mask, found.objects, strict=True):
        assert np.array_equal(mask, one.over(found.image.size))
    drawn = supervision.MaskAnnotator().annotate(np.zeros((20, 30, 3), np.uint8), detections)
    assert drawn[7, 7].any()
    assert not drawn[18, 2].any()


def test_to_supervision__of_segments_has_things_alone() -> None:
    pytest.importorskip("supervision")
    found = two_objects()
    labels = LabelMap(adopt(np.zeros((20, 30), np.uint8)), CLASSES)
    whole = PanopticPrediction(found.image, merged(found.objects, labels, MergeRule(stuff_area_px=1)))
    detections = whole.to_supervision()
    assert sorted(detections.data["class_name"].tolist()) == ["bolt", "nut"]
    assert detections.confidence is None


def test_to_supervision__says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "supervision", None)
    with pytest.raises(DependencyMissing, match=r'pip install "segwright\[supervision\]"'):
        two_objects().to_supervision()


def test_drawn__a_large_object_says_class_and_score_a_small_one_its_number_and_a_tiny_one_nothing() -> None:
    size = Size(200, 300)
    masks = []
    for top, left, side in ((40, 40, 100), (40, 180, 14), (150, 250, 3)):
        mask = np.zeros((size.height, size.width), bool)
        mask[top : top + side, left : left + side] = True
        masks.append((mask, 2, 0.9))
    image = Image(adopt(np.full((size.height, size.width, 3), 90, np.uint8)))
    picture = drawn(image, objects(*masks, size=size))
    black = (picture == 0).all(axis=2)
    assert black[20:40, 40:100].any(), "the label of the large one stands above it"
    assert 0 < black[20:40, 170:210].any(axis=0).sum() < 20, "that of the small one is a number"
    assert not black[130:, 240:].any()
