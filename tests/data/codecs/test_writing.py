"""Written files read back as they were; a failed write leaves nothing behind."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segwright.core import GREY, RGB, DataError, Image, LabelMap
from segwright.data import read_image, write_image, write_label_map
from segwright.data.codecs import encode_image
from tests.data.pictures import CLASSES, noise, smooth


@pytest.mark.parametrize("suffix", ["png", "tif"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("bands", [GREY, RGB])
def test_write_image__exact_round_trip(tmp_path: Path, suffix: str, dtype: type, bands: tuple[str, ...]) -> None:
    image = Image(noise(7, 9, bands=3, dtype=dtype)[..., : len(bands)], bands)
    write_image(tmp_path / f"a.{suffix}", image)
    assert read_image(tmp_path / f"a.{suffix}") == image


@settings(max_examples=25)
@given(height=st.integers(1, 40), width=st.integers(1, 40), seed=st.integers(0, 99))
def test_write_image__png_round_trip_of_any_size(tmp_path_factory, height: int, width: int, seed: int) -> None:
    path = tmp_path_factory.mktemp("law") / "a.png"
    image = Image(noise(height, width, seed=seed))
    write_image(path, image)
    assert read_image(path) == image


def test_write_image__floats_need_tiff(tmp_path: Path) -> None:
    image = Image(np.random.default_rng(0).normal(size=(4, 5, 1)).astype(np.float32), GREY)
    write_image(tmp_path / "a.tif", image)
    assert read_image(tmp_path / "a.tif") == image
    with pytest.raises(DataError, match=r"(?s)a\.png: cannot hold float32 pixels.*write to a \.tif"):
        write_image(tmp_path / "a.png", image)


def test_write_image__jpeg_is_near_and_rgb(tmp_path: Path) -> None:
    image = Image(smooth(32, 32))
    write_image(tmp_path / "a.jpg", image, jpeg_quality=98)
    assert np.abs(read_image(tmp_path / "a.jpg").pixels.astype(int) - image.pixels).max() < 12


def test_write_image__a_thin_coloured_line_survives_jpeg(tmp_path: Path) -> None:
    pixels = np.full((32, 32, 3), 90, np.uint8)
    pixels[15:17] = (230, 20, 20)
    write_image(tmp_path / "a.jpg", Image(pixels))
    assert np.abs(read_image(tmp_path / "a.jpg").pixels.astype(int) - pixels).max() < 20  # 4:2:0 is off by over 60


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".webp"])
def test_encode_image__is_what_would_be_written(tmp_path: Path, suffix: str) -> None:
    image = Image(smooth(16, 20))
    write_image(tmp_path / f"a{suffix}", image, jpeg_quality=80)
    assert encode_image(image, suffix, jpeg_quality=80) == (tmp_path / f"a{suffix}").read_bytes()


@pytest.mark.parametrize("suffix", [".tif", "png", ".gif", ""])
def test_encode_image__other_suffixes_are_refused(suffix: str) -> None:
    with pytest.raises(DataError, match="picture: cannot hold uint8 pixels"):
        encode_image(Image(noise(4, 4)), suffix)


def test_write_image__sixteen_bits_do_not_fit_jpeg(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot hold uint16"):
        write_image(tmp_path / "a.jpg", Image(noise(4, 4, dtype=np.uint16)))


def test_write_image__no_way_to_write_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.png").mkdir()
    with pytest.raises(DataError, match="cannot be written"):
        write_image(tmp_path / "a.png", Image(noise(4, 4)))
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_write_label_map__only_png(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is not a name for a mask"):
        write_label_map(tmp_path / "m.jpg", LabelMap(np.zeros((2, 2), np.uint8), CLASSES))
