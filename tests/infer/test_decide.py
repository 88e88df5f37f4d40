from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segwright.core import ClassTable, ConfigError, Probabilities
from segwright.infer.decide import Decision, decide
from tests.infer.models import CLASSES

EQUAL = ClassTable.of(["road", "sky", "tree"])


def pixel(classes: ClassTable, *values: float) -> Probabilities:
    return Probabilities(np.array(values, np.float32).reshape(-1, 1, 1), classes)


@pytest.mark.parametrize(
    ("values", "thresholds", "name"),
    [
        ((0.45, 0.35, 0.20), None, "background"),
        ((0.45, 0.35, 0.20), {"scratch": 0.3, "dent": 0.5}, "scratch"),
        ((0.30, 0.35, 0.35), {"scratch": 0.3, "dent": 0.1}, "dent"),
        ((0.10, 0.45, 0.45), {"scratch": 0.5, "dent": 0.5}, "background"),
        ((0.10, 0.50, 0.40), {"scratch": 0.5, "dent": 0.5}, "scratch"),
        ((0.10, 0.45, 0.45), {"scratch": 0.9}, "background"),
        ((0.10, 0.30, 0.60), {"scratch": 0.9}, "dent"),
    ],
)
def test_decide__by_threshold(values, thresholds, name):
    labels = decide(pixel(CLASSES, *values), Decision(thresholds))
    assert labels.ids[0, 0] == CLASSES[name].class_id


def test_decide__without_background_the_closest_class_takes_the_pixel():
    labels = decide(pixel(EQUAL, 0.5, 0.3, 0.2), Decision({"road": 0.9, "sky": 0.5, "tree": 0.9}))
    assert labels.ids[0, 0] == EQUAL["sky"].class_id


def test_decide__first_class_wins_a_tie():
    assert decide(pixel(EQUAL, 0.4, 0.4, 0.2)).ids[0, 0] == EQUAL["road"].class_id


@given(st.lists(st.floats(0, 1, width=32), min_size=3, max_size=3), st.floats(0.01, 1))
def test_decide__a_class_at_its_threshold_passes_and_below_it_does_not(values, threshold):
    value = np.float32(threshold)
    at = decide(pixel(CLASSES, 0, value, 0), Decision({"scratch": threshold, "dent": 1.0}))
    below = decide(pixel(CLASSES, 0, np.nextafter(value, np.float32(0)), 0), Decision({"scratch": threshold}))
    assert at.ids[0, 0] == CLASSES["scratch"].class_id
    assert below.ids[0, 0] == CLASSES.background_id


def test_decide__ids_are_the_tables_not_the_channels():
    classes = ClassTable.from_json({"classes": [{"id": 7, "name": "a"}, {"id": 300, "name": "b"}], "void_id": 65535})
    labels = decide(pixel(classes, 0.2, 0.8))
    assert labels.ids.dtype == np.uint16
    assert labels.ids[0, 0] == 300


def test_decision__refuses_a_threshold_for_the_background():
    with pytest.raises(ConfigError, match=r"the background takes[\s\S]*scratch, dent[\s\S]*found:\s+background"):
        decide(pixel(CLASSES, 0.5, 0.3, 0.2), Decision({"background": 0.5}))


def test_decision__refuses_a_threshold_of_zero():
    with pytest.raises(ConfigError, match="outside their range"):
        Decision({"scratch": 0.0})
