"""From one kind of pixel answer to another: what is kept, and what is lost."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from segwright.core import (
    Box,
    ClassSpec,
    ClassTable,
    DataError,
    Instance,
    InstanceSet,
    LabelMap,
    PanopticMap,
    Segment,
    Size,
    adopt,
    instance_from_mask,
    instances_from_panoptic,
    label_map_from_instances,
    label_map_from_panoptic,
    panoptic_from_instances,
)
from segwright.data import instances_from_label_map, panoptic_from_label_map

CLASSES = ClassTable(
    (ClassSpec(0, "background"), ClassSpec(1, "bolt", "thing"), ClassSpec(4, "belt")), background="background"
)
label_maps = arrays.arrays(
    np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.sampled_from([0, 1, 4, 255])
).map(lambda ids: LabelMap(adopt(ids), CLASSES))


@given(label_maps)
def test_instances_from_label_map__loses_nothing(labels):
    assert label_map_from_instances(instances_from_label_map(labels)) == labels


@given(label_maps)
def test_panoptic_from_label_map__loses_nothing(labels):
    assert label_map_from_panoptic(panoptic_from_label_map(labels)) == labels


@given(label_maps)
def test_panoptic_from_instances__has_the_same_class_everywhere(labels):
    assert label_map_from_panoptic(panoptic_from_instances(instances_from_label_map(labels))) == labels


def test_instances_from_panoptic__things_alone():
    ids = np.array([[1, 2, 2, 0]], np.uint32)
    found = instances_from_panoptic(PanopticMap(ids, (Segment(1, 4), Segment(2, 1)), CLASSES))
    assert [(one.class_id, one.box) for one in found] == [(1, Box(0, 1, 1, 3))]
    assert found.void is not None
    assert found.void.tolist() == [[False, False, False, True]]


def test_label_map_from_instances__smaller_lies_above_larger_and_crowds_are_void():
    whole, dot = np.ones((2, 3), bool), np.ones((1, 1), bool)
    objects = InstanceSet(
        Size(2, 3),
        (
            Instance(1, Box(0, 0, 1, 1), dot),
            Instance(4, Box(0, 0, 2, 3), whole),
            Instance(1, Box(1, 2, 2, 3), dot, crowd=True),
        ),
        CLASSES,
    )
    assert label_map_from_instances(objects).ids.tolist() == [[1, 4, 4], [4, 4, 4]]
    lone = InstanceSet(Size(2, 3), objects.instances[2:], CLASSES)
    assert label_map_from_instances(lone).ids.tolist() == [[0, 0, 0], [0, 0, 255]]


def test_instance__has_a_tight_box():
    with pytest.raises(ValueError, match="first and last row and column"):
        Instance(1, Box(0, 0, 2, 2), np.array([[True, False], [False, False]]))
    assert instance_from_mask(np.zeros((3, 3), bool), 1) is None
    one = instance_from_mask(np.eye(3, dtype=bool)[:, :2], 1, at=(5, 7))
    assert one is not None
    assert (one.box, one.area_px) == (Box(5, 7, 7, 9), 2)
    assert np.array_equal(one.over(Size(9, 9))[5:7, 7:9], np.eye(2, dtype=bool))


def test_instance_set__says_everything_that_does_not_fit():
    dot = np.ones((1, 1), bool)
    rows = (Instance(0, Box(0, 0, 1, 1), dot), Instance(1, Box(9, 0, 10, 1), dot), Instance(255, Box(0, 0, 1, 1), dot))
    with pytest.raises(DataError) as caught:
        InstanceSet(Size(4, 4), rows, CLASSES)
    assert [problem.place for problem in caught.value.problems] == ["instance 0", "instance 1", "instance 2"]


def test_panoptic_map__says_everything_that_does_not_fit():
    with pytest.raises(DataError) as caught:
        PanopticMap(np.array([[1, 3]], np.uint32), (Segment(1, 9), Segment(2, 1), Segment(2, 1)), CLASSES)
    text = str(caught.value)
    for part in ("of one id", "nobody names", "without a pixel", "of no class"):
        assert part in text
