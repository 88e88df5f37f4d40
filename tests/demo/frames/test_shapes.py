import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segwright.core import Size
from segwright.demo.frames.shapes import Pose, circle, coverage, draw_bracket, place, polygon_area, rounded, slot

SIZE = Size(120, 160)


def test_polygon_area__of_a_rectangle_either_way_round():
    corners = np.array([(0, 0), (3, 0), (3, 2), (0, 2)], dtype=float)
    assert polygon_area(corners) == polygon_area(corners[::-1]) == 6


def test_coverage__sums_to_the_outlines_area():
    outline = circle((80.3, 60.7), 30.0)
    assert coverage([outline], SIZE).sum() == pytest.approx(polygon_area(outline), rel=0.02)


def test_coverage__ends_within_half_a_pixel_of_the_outline():
    box = np.array([(9.5, 9.5), (29.5, 9.5), (29.5, 20.0), (9.5, 20.0)])
    cover = coverage([box], SIZE)
    assert cover[15, 15] == 1
    assert cover[19, 15] == 1
    assert cover[20, 15] >= 0.5
    assert cover[21, 15] == 0


def test_rounded__takes_only_the_corners_off():
    square = rounded([(0, 0), (1, 0), (1, 1), (0, 1)], 0.2)
    assert 0.95 < polygon_area(square) < 1
    assert square.min() >= 0
    assert square.max() <= 1


def test_slot__is_a_rectangle_with_round_ends():
    assert polygon_area(slot((0, 0), 4, 2, upright=False)) == pytest.approx(4 + math.pi, rel=0.02)
    assert np.ptp(slot((0, 0), 4, 2, upright=True), axis=0) == pytest.approx([2, 4], rel=0.01)


def test_pose__without_distortion_is_affine_and_distortion_leaves_the_middle():
    points = np.array([(0.0, 0.0), (0.3, 0.2)])
    flat = Pose((79.5, 59.5), 90.0, 50.0, False, SIZE, 0.0)
    assert flat.to_pixels(points) == pytest.approx(np.array([(79.5, 59.5), (69.5, 74.5)]))
    bent = Pose((79.5, 59.5), 90.0, 50.0, False, SIZE, 0.05)
    assert bent.to_pixels(points)[0] == pytest.approx([79.5, 59.5])
    assert np.linalg.norm(bent.to_pixels(points)[1] - 59.5) != np.linalg.norm(flat.to_pixels(points)[1] - 59.5)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_place__keeps_the_whole_bracket_in_the_frame(seed):
    random = np.random.default_rng(seed)
    bracket = draw_bracket(random)
    size = Size(480, 640)
    outline = place(bracket, size, 0.45, 0.0, random).to_pixels(bracket.outline)
    assert outline.min() >= 0
    assert (outline.max(axis=0) <= (639, 479)).all()
