"""Outlines of masks: exact under our own rasteriser, COCO's, and an even-odd fill."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from pycocotools import mask as coco

from segwright.core import Size
from segwright.data.outlines import regions_of, single_ring
from segwright.data.rasterise import merged, polygon_patch

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

masks = arrays.arrays(np.bool_, st.tuples(st.integers(1, 12), st.integers(1, 12)))


def painted(mask):
    """The mask painted again from its regions, holes taken away."""
    size = Size(*mask.shape)
    patches = [
        merged([polygon_patch(region.outer, size)], [polygon_patch(hole, size) for hole in region.holes])
        for region in regions_of(mask)
    ]
    return merged(patches, ()).over(size)


@given(masks)
@settings(max_examples=300)
def test_regions_of__painted_again_gives_the_mask_back(mask):
    assert np.array_equal(painted(mask), mask)


@given(masks)
@settings(max_examples=300)
def test_single_ring__equals_the_mask_for_us_and_for_coco(mask):
    size = Size(*mask.shape)
    again, theirs = np.zeros_like(mask), np.zeros_like(mask)
    for region in regions_of(mask):
        ring = single_ring(region)
        again |= polygon_patch(ring, size).over(size)
        runs = coco.frPyObjects([ring.ravel().tolist()], *mask.shape)
        theirs |= coco.decode(coco.merge(runs)).astype(bool)
    assert np.array_equal(again, mask)
    assert np.array_equal(theirs, mask)


def test_regions_of__a_ring_has_one_hole():
    mask = np.ones((3, 3), bool)
    mask[1, 1] = False
    (region,) = regions_of(mask)
    assert region.outer.tolist() == [[0, 0], [3, 0], [3, 3], [0, 3]]
    assert [hole.tolist() for hole in region.holes] == [[[1, 1], [1, 2], [2, 2], [2, 1]]]


def test_regions_of__pixels_that_touch_in_a_corner_are_two_regions():
    assert len(regions_of(np.eye(2, dtype=bool))) == 2


def test_regions_of__nothing_painted_has_no_region():
    assert regions_of(np.zeros((4, 4), bool)) == ()


@given(masks)
def test_regions_of__one_region_a_4_connected_component(mask):
    from scipy.ndimage import label

    assert len(regions_of(mask)) == label(mask)[1]
