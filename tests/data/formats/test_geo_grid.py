"""World coordinates to pixels and back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segwright.core import Size
from segwright.data.formats.geo_grid import Grid

NORTH_UP = Grid((0.5, 0, 733601, 0, -0.5, 3725139), Size(900, 900), "EPSG:32616")
STEP = st.floats(0.1, 50)


def test_grid__corners_and_centres() -> None:
    world = np.array([[733601.0, 3725139.0], [733601.25, 3725138.75], [734051.0, 3724689.0]])
    assert NORTH_UP.to_pixels(world).tolist() == [[0, 0], [0.5, 0.5], [900, 900]]


@given(STEP, st.floats(-0.05, 0.05), st.floats(-0.05, 0.05), STEP)
def test_grid__there_and_back(a: float, b: float, d: float, e: float) -> None:
    grid = Grid((a, b, 1000, d, -e, 2000), Size(10, 10))
    pixels = np.array([[0.0, 0.0], [3.5, 7.25], [10, 10]])
    assert np.allclose(grid.to_pixels(grid.to_world(pixels)), pixels, atol=1e-6)


def test_grid__without_area() -> None:
    with pytest.raises(ValueError, match="have no area"):
        Grid((1, 1, 0, 1, 1, 0), Size(1, 1)).to_pixels(np.zeros((1, 2)))
