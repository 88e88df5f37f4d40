from __future__ import annotations

import sys

import numpy as np
import pytest

from segwright.core import ClassSpec, ClassTable, DependencyMissing, Image, LabelMap
from segwright.infer.prediction import SemanticPrediction
from tests.infer.models import CLASSES


@pytest.fixture
def prediction() -> SemanticPrediction:
    ids = np.zeros((6, 8), np.uint8)
    ids[1:3, 2:5] = 1
    ids[5, 7] = 255
    confidence = np.full(ids.shape, 0.75, np.float32)
    return SemanticPrediction(Image(np.full((6, 8, 3), 100, np.uint8)), LabelMap(ids, CLASSES), confidence)


def test_areas__count_pixels_and_leave_void_out(prediction):
    assert prediction.areas_px() == {"background": 41, "scratch": 6, "dent": 0}


def test_areas__a_class_of_16_bits_that_is_absent_has_none():
    classes = ClassTable((ClassSpec(0, "background"), ClassSpec(1000, "dent")), 65535, "background")
    nothing = SemanticPrediction(Image(np.zeros((2, 3, 3), np.uint8)), LabelMap(np.zeros((2, 3), np.uint16), classes))
    assert nothing.areas_px() == {"background": 6, "dent": 0}


def test_plot__tints_classes_and_leaves_background(prediction):
    picture = prediction.plot()
    assert picture.shape == (6, 8, 3)
    assert picture.dtype == np.uint8
    assert picture[0, 0].tolist() == [100, 100, 100]
    assert picture[1, 2].tolist() == list(CLASSES.colour(1))


def test_to_supervision__one_detection_a_class_with_a_half_open_box(prediction):
    supervision = pytest.importorskip("supervision")
    detections = prediction.to_supervision()
    assert isinstance(detections, supervision.Detections)
    assert detections.xyxy.tolist() == [[2, 1, 5, 3]]
    assert detections.class_id.tolist() == [1]
    assert detections.data["class_name"].tolist() == ["scratch"]
    assert detections.confidence.tolist() == [0.75]
    np.testing.assert_array_equal(detections.mask[0], prediction.label_map.mask("scratch"))


def test_to_supervision__says_what_to_install(prediction, monkeypatch):
    monkeypatch.setitem(sys.modules, "supervision", None)
    with pytest.raises(DependencyMissing, match=r'pip install "segwright\[supervision\]"'):
        prediction.to_supervision()


def test_prediction__refuses_a_map_of_another_size(prediction):
    with pytest.raises(ValueError, match="the label map is 8x6, its frame 5x5"):
        SemanticPrediction(Image(np.zeros((5, 5, 3), np.uint8)), prediction.label_map)
