from __future__ import annotations

import numpy as np
import pytest

from segwright.core import GREY, ConfigError, DataError, Image
from segwright.infer.preprocess import Preprocessing


def test_preprocessing__scales_then_centres_each_band():
    image = Image(np.full((2, 3, 3), (255, 0, 51), np.uint8))
    pixels = Preprocessing(mean=(0.5, 0.5, 0.2), std=(0.5, 0.25, 1.0)).apply(image)
    assert pixels.shape == (3, 2, 3)
    assert pixels.dtype == np.float32
    np.testing.assert_allclose(pixels[:, 0, 0], (1.0, -2.0, 0.0), atol=1e-6)


def test_preprocessing__grey_frame_fills_all_bands_of_an_rgb_network():
    grey = Image(np.arange(6, dtype=np.uint8).reshape(2, 3, 1), GREY)
    settings = Preprocessing()
    np.testing.assert_array_equal(settings.apply(grey), settings.apply(grey.as_rgb()))


def test_preprocessing__refuses_other_bands():
    image = Image(np.zeros((2, 2, 4), np.uint8), ("red", "green", "blue", "infrared"))
    with pytest.raises(DataError, match=r"other bands[\s\S]*found:\s+red, green, blue, infrared"):
        Preprocessing().apply(image)


def test_preprocessing__refuses_sixteen_bits_where_it_was_trained_on_eight():
    with pytest.raises(DataError, match=r"another pixel type[\s\S]*allowed: uint8[\s\S]*found:\s+uint16"):
        Preprocessing().apply(Image(np.zeros((2, 2, 3), np.uint16)))


def test_preprocessing__refuses_a_standard_deviation_of_zero():
    with pytest.raises(ConfigError, match="does not fit its bands"):
        Preprocessing(std=(1, 0, 1))


def test_preprocessing__survives_json():
    settings = Preprocessing(("grey",), 1 / 65535, (0.1,), (0.2,), "uint16")
    assert Preprocessing.from_json(settings.to_json()) == settings
