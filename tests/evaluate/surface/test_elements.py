"""A neighbourhood's surface, found from its code, is the one the reference has in its tables."""

from __future__ import annotations

import math

import numpy as np
import pytest
from surface_distance import lookup_tables

from segwright.evaluate.surface import element_sizes


@pytest.mark.parametrize("spacing", [(1, 1, 1), (1, 2, 3), (3, 1, 1), (0.7, 1.3, 2.9), (5.0, 0.1, 0.33), (1, 1, 40)])
def test_element_sizes__of_all_256_codes_are_the_references(spacing) -> None:
    expected = lookup_tables.create_table_neighbour_code_to_surface_area(spacing)
    assert expected.shape == (256,)
    np.testing.assert_allclose(element_sizes(spacing), expected, rtol=1e-13, atol=0)


@pytest.mark.parametrize("spacing", [(1, 1), (1, 2), (0.7, 1.3), (40, 0.1)])
def test_element_sizes__of_all_16_codes_are_the_references(spacing) -> None:
    expected = lookup_tables.create_table_neighbour_code_to_contour_length(spacing)
    np.testing.assert_allclose(element_sizes(spacing), expected, rtol=1e-15, atol=0)


@pytest.mark.parametrize("spacing", [(1.0, 2.0), (1.0, 2.0, 3.0)])
def test_element_sizes__inside_and_outside_may_change_places(spacing) -> None:
    sizes = element_sizes(spacing)
    np.testing.assert_allclose(sizes, sizes[::-1], rtol=1e-15)
    assert sizes[0] == sizes[-1] == 0
    assert (sizes[1:-1] > 0).all()
    assert not sizes.flags.writeable


def test_element_sizes__by_eye() -> None:
    sizes = element_sizes((3.0, 4.0))
    assert (sizes[0b1100], sizes[0b1010], sizes[0b1000], sizes[0b1001]) == (4.0, 3.0, 2.5, 5.0)
    voxel = element_sizes((1.0, 1.0, 1.0))
    assert voxel[0b11110000] == 1.0
    assert voxel[0b10000000] == pytest.approx(math.sqrt(3) / 8)
