"""Regions of a mask: areas, widths, elongations and boxes on shapes a reader can count."""

from __future__ import annotations

import numpy as np
import pytest

from segwright.data import measured_regions


def test_regions__of_lines_and_squares() -> None:
    mask = np.zeros((40, 60), bool)
    mask[5, 10:30] = True  # a line of 20
    mask[10:20, 10:20] = True  # a square of 10
    mask[30, 50], mask[31, 51] = True, True  # diagonal neighbours are one region
    found = measured_regions(mask)
    assert found.areas.tolist() == [20, 100, 2]
    assert found.widths.tolist() == [1, 9, 1]
    assert found.band_widths[0] == 1
    assert 5 < found.band_widths[1] < 10  # a square is less deep than a band of its side
    assert found.boxes.tolist() == [[5, 10, 6, 30], [10, 10, 20, 20], [30, 50, 32, 52]]
    assert found.elongations()[:2] == pytest.approx([20, 1])


def test_regions__a_single_pixel_in_the_corner() -> None:
    mask = np.zeros((3, 4), bool)
    mask[2, 3] = True
    found = measured_regions(mask)
    assert (found.areas.tolist(), found.boxes.tolist()) == ([1], [[2, 3, 3, 4]])
    assert found.elongations() == pytest.approx([1])


@pytest.mark.parametrize("width", [1, 3, 5, 9])
def test_regions__a_band_has_its_width_and_so_have_two_that_cross(width: int) -> None:
    mask = np.zeros((800, 800), bool)
    mask[300 : 300 + width, 1:-1] = True
    assert measured_regions(mask).band_widths == pytest.approx([width], rel=0.02)
    mask[1:-1, 300 : 300 + width] = True
    assert measured_regions(mask).band_widths == pytest.approx([width], rel=0.05)


def test_regions__of_an_empty_mask() -> None:
    found = measured_regions(np.zeros((5, 5), bool))
    assert len(found.areas) == len(found.boxes) == len(found.elongations()) == 0


@pytest.mark.parametrize("turned", [False, True])
def test_regions__elongation_of_a_rectangle_is_its_aspect(turned: bool) -> None:
    mask = np.zeros((30, 30), bool)
    mask[2:6, 3:23] = True
    assert measured_regions(mask.T if turned else mask).elongations() == pytest.approx([5])
