from __future__ import annotations

import numpy as np
import pytest

from segwright.core import ArtefactError, ClassTable, DataError, Image, Size
from segwright.infer import Cleanup, Decision, Predictor, Preprocessing, TilePlan
from tests.infer.models import CLASSES, Colours, Identity

PLAIN = Preprocessing(mean=(0, 0, 0), std=(1, 1, 1))


def predictor(**changes) -> Predictor:
    return Predictor(**{"runtime": Colours(), "classes": CLASSES, "preprocessing": PLAIN, **changes})


def frame(height: int = 50, width: int = 70) -> np.ndarray:
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[10:20, 10:30, 0] = 255
    pixels[30:40, 40:60, 1] = 255
    pixels[2, 2, 0] = 255
    return pixels


def test_predict__labels_the_frame_at_its_own_size():
    prediction = predictor(cleanup=Cleanup(min_area_px=4)).predict(frame())
    assert prediction.label_map.size == Size(50, 70)
    assert prediction.areas_px() == {"background": 3100, "scratch": 200, "dent": 200}
    assert prediction.confidence.shape == (50, 70)
    assert prediction.probabilities is None


def test_predict__tiles_change_nothing_where_the_network_sees_single_pixels():
    whole = predictor().predict(frame(), probabilities=True)
    tiled = predictor(tiles=TilePlan(Size(16, 24), 5, stretch=1)).predict(frame(), probabilities=True)
    assert tiled.label_map == whole.label_map
    np.testing.assert_allclose(tiled.probabilities.values, whole.probabilities.values, atol=1e-6)


def test_predict__a_region_across_tiles_is_measured_whole():
    pixels = np.zeros((16, 64, 3), np.uint8)
    pixels[8, 4:60, 0] = 255
    tiles = TilePlan(Size(16, 16), 4, stretch=1)
    assert predictor(tiles=tiles, cleanup=Cleanup(min_area_px=50)).predict(pixels).areas_px()["scratch"] == 56


def test_predict__thresholds_decide():
    pixels = np.full((8, 8, 3), (100, 0, 0), np.uint8)
    assert predictor().predict(pixels).areas_px()["scratch"] == 0
    assert predictor(decision=Decision({"scratch": 0.3})).predict(pixels).areas_px()["scratch"] == 64


def test_predict__takes_images_grey_arrays_and_rgb_arrays():
    model = predictor()
    assert model.predict(Image(frame())).label_map == model.predict(frame()).label_map
    assert model.predict(np.zeros((9, 5), np.uint8)).areas_px()["background"] == 45
    assert model.predict(np.zeros((9, 5, 1), np.uint8)).areas_px()["background"] == 45


def test_probabilities__are_those_before_the_decision():
    model = predictor()
    assert model.probabilities(frame()) == model.predict(frame(), probabilities=True).probabilities


def test_predict__refuses_a_frame_of_another_type():
    with pytest.raises(DataError, match="another pixel type"):
        predictor().predict(np.zeros((8, 8, 3), np.uint16))


def test_predictor__refuses_a_network_for_other_classes():
    with pytest.raises(ArtefactError, match=r"3 channels: background, scratch, dent[\s\S]*found:\s+5 channels"):
        predictor(runtime=Identity(channels=5))


def test_predictor__wide_ids_survive():
    classes = ClassTable.from_json(
        {"classes": [{"id": 0, "name": "background"}, {"id": 500, "name": "a"}, {"id": 501, "name": "b"}],
         "void_id": 65535, "background": "background"}
    )  # fmt: skip
    labels = predictor(classes=classes).predict(frame()).label_map
    assert sorted(np.unique(labels.ids)) == [0, 500, 501]
