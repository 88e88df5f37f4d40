"""Segments as layers of objects, and the targets that crops of them become."""

from __future__ import annotations

import numpy as np
import torch

from segwright.core import PanopticMap, Segment, adopt
from segwright.train.objects.layers import IGNORED, CutObjects, cut_objects, pasted_objects
from segwright.train.objects.segment_task import told_segments
from segwright.train.objects.segments import panoptic_targets, segment_layers, segment_targets, table_channels
from tests.train.objects.panoptic_frames import CLASSES

# belt 1, floor 2 are stuff; bolt 3, plate 4 things: channels count bolt, plate, belt, floor
IDS = np.array([[7, 7, 2, 2], [7, 9, 2, 5], [0, 1, 2, 5]], np.uint32)
SEGMENTS = (Segment(7, 1), Segment(2, 2), Segment(9, 3), Segment(5, 4, crowd=True), Segment(1, 4))


def cut(least_share: float = 0.25, magnification: float = 1.0) -> CutObjects:
    layers = segment_layers(PanopticMap(adopt(IDS.copy()), SEGMENTS, CLASSES))
    return cut_objects(layers.layers, layers, magnification, least_share)


def test_layers__things_come_before_stuff_and_crowds_are_ignored() -> None:
    layers = segment_layers(PanopticMap(adopt(IDS.copy()), SEGMENTS, CLASSES))
    assert layers.channels.tolist() == [2, 3, 0, 1]
    assert layers.areas_px.tolist() == [0, 0, 1, 1]
    assert (layers.layers[..., 1] == IGNORED).sum() == 3


def test_layers__a_frame_of_void_alone() -> None:
    layers = segment_layers(PanopticMap(adopt(np.zeros((4, 4), np.uint32)), (), CLASSES))
    assert len(layers) == 0
    found = cut_objects(layers.layers, layers, 1.0, 0.25)
    assert found.ignored.all()
    assert len(segment_targets(found)) == 0


def test_cut__stuff_is_kept_however_little_of_it_is_seen_and_things_are_not() -> None:
    found = cut(least_share=0.5, magnification=2.0)  # a thing of one pixel should show four
    assert sorted(found.channels.tolist()) == [2, 3]
    assert found.ignored.sum() == 3 + 2


def test_cut__stuff_of_few_pixels_is_kept_where_a_thing_of_as_many_is_ignored() -> None:
    layers = segment_layers(PanopticMap(adopt(IDS.copy()), SEGMENTS, CLASSES))
    found = cut_objects(layers.layers, layers, 1.0, 0.0, least_px=10)
    assert sorted(found.channels.tolist()) == [2, 3]


def test_panoptic_targets__the_map_names_things_as_one_and_void_as_void() -> None:
    found = panoptic_targets(cut(), things=2, stuff=2)
    assert found.things.channels.tolist() == [0, 1]
    assert found.stuff.tolist() == [[0, 0, 1, 1], [0, 2, 1, -1], [-1, 2, 1, -1]]


def test_segment_targets__channels_are_those_of_the_table() -> None:
    found = segment_targets(cut(), table_channels(CLASSES))
    assert sorted(found.channels.tolist()) == [0, 1, 2, 3]  # belt, floor, bolt, plate
    assert torch.equal(found.valid, torch.from_numpy(~cut().ignored))
    for channel, place in zip(found.channels.tolist(), found.places, strict=True):
        assert IDS[place.numpy()].tolist().count(IDS[place.numpy()][0]) == int(place.sum()), channel


def test_told__names_are_counted_as_channels_are() -> None:
    assert told_segments(CLASSES, queries=False).names == ("bolt", "plate", "belt", "floor")
    assert told_segments(CLASSES, queries=True).things == 2


def test_pasted__stuff_that_is_nearly_covered_stays() -> None:
    below, whole = cut(), np.ones((3, 4), bool)
    whole[0, 0] = False
    above = CutObjects(np.array([0]), whole[None], np.zeros((3, 4), bool))
    least = np.where(below.channels < 2, 0.25, 0.0)
    found, cover = pasted_objects(below, above, [0], least)
    assert cover.sum() == 11
    assert found.channels.tolist() == [2, 0]  # the one pixel of belt that is left, and the pasted bolt
    assert not found.ignored.any()
