from __future__ import annotations

import cv2
import numpy as np
import pytest

from segwright.core import Image
from segwright.demo.frames import FrameSpec, make_frame
from segwright.line import PartFromBackground
from tests.line.brackets import bracket, overlap


@pytest.mark.parametrize(("belt", "metal"), [(60, 170), (40, 90), (200, 90)])
def test_background__finds_a_part_brighter_or_darker_than_the_belt(belt, metal):
    image, part = bracket(belt=belt, metal=metal)
    assert overlap(PartFromBackground().find(image), part) > 0.97


def test_background__keeps_holes_open_and_marks_closed():
    image, _ = bracket()
    found = PartFromBackground().find(image)
    assert not found[80, 106]
    assert found[150:165, 110:125].all()


def test_background__works_at_any_size():
    for size in ((480, 640), (1200, 1600), (120, 160)):
        image, part = bracket(size=size)
        found = PartFromBackground().find(image)
        assert found.shape == size
        assert overlap(found, part) > 0.96


def test_background__a_reference_of_the_empty_belt_replaces_the_estimate():
    image, part = bracket()
    empty, _ = bracket(metal=60)
    empty = Image(cv2.GaussianBlur(np.where(part[..., None], 60, empty.pixels).astype(np.uint8), (0, 0), 9))
    source = PartFromBackground(empty)
    assert overlap(source.find(image), part) > 0.95
    assert source.name != PartFromBackground().name


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (63, 63)])
def test_background__a_frame_too_small_to_model_has_no_part(size):
    assert not PartFromBackground().find(Image(np.zeros((*size, 3), np.uint8))).any()


@pytest.mark.parametrize("noise", [0.0, 4.0])
def test_background__an_empty_belt_has_no_part(noise):
    pixels = np.random.default_rng(1).normal(70, noise + 1e-9, (240, 320, 3)) + np.linspace(0, 20, 320)[:, None]
    assert not PartFromBackground().find(Image(np.clip(pixels, 0, 255).astype(np.uint8))).any()


def test_background__the_same_frame_gives_the_same_part():
    image, _ = bracket()
    np.testing.assert_array_equal(PartFromBackground().find(image), PartFromBackground().find(image))


@pytest.mark.parametrize("line", ["press-1", "press-2", "press-3"])
def test_background__finds_the_brackets_of_every_press_line_under_every_light(line):
    spec = FrameSpec(frames_per_line=24, seed=11)
    for index in (0, 3, 7, 10):  # sessions 0 and 1: both lightings
        frame = make_frame(spec, line, index)
        assert overlap(PartFromBackground().find(Image(frame.image)), frame.part) > 0.96, frame.stem
