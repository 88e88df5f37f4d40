"""Sizes and half-open boxes."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segwright.core import Box, Size

edges = st.integers(-20, 40)
sizes = st.builds(Size, st.integers(1, 24), st.integers(1, 24))


@st.composite
def boxes(draw: st.DrawFn) -> Box:
    top, bottom = sorted((draw(edges), draw(edges)))
    left, right = sorted((draw(edges), draw(edges)))
    return Box(top, left, bottom, right)


def test_size__height_comes_before_width_and_text_is_width_by_height() -> None:
    size = Size(2, 3)
    assert (size.height, size.width, size.area_px, str(size)) == (2, 3, 6, "3x2")


@pytest.mark.parametrize(("height", "width"), [(0, 1), (1, 0), (-1, 4)])
def test_size__refuses_less_than_one_pixel(height: int, width: int) -> None:
    with pytest.raises(ValueError, match=rf"at least 1x1, got {height}x{width} \(height x width\)"):
        Size(height, width)


def test_box__one_pixel_has_area_one() -> None:
    assert Box(3, 4, 4, 5).area_px == 1
    assert Box(3, 4, 3, 9).area_px == 0


def test_box__refuses_an_end_before_its_start() -> None:
    with pytest.raises(ValueError, match="ends at or after its start"):
        Box(2, 0, 1, 5)


def test_box__is_frozen() -> None:
    with pytest.raises(FrozenInstanceError, match="top"):
        Box(0, 0, 1, 1).top = 4  # type: ignore[misc]


@given(boxes(), sizes)
def test_box__clipped_is_what_a_mask_of_the_frame_shows(box: Box, size: Size) -> None:
    everywhere = {(row, column) for row in range(box.top, box.bottom) for column in range(box.left, box.right)}
    inside = {(row, column) for row, column in everywhere if 0 <= row < size.height and 0 <= column < size.width}
    clipped = box.clipped(size)
    painted = np.zeros((size.height, size.width), bool)
    painted[clipped.slices] = True
    assert {tuple(place) for place in np.argwhere(painted)} == inside
    assert clipped.area_px == len(inside)
    assert clipped.clipped(size) == clipped


@given(sizes)
def test_box__of_a_size_is_the_whole_frame(size: Size) -> None:
    assert Box.of(size).area_px == size.area_px
    assert Box.of(size).clipped(size) == Box.of(size)
