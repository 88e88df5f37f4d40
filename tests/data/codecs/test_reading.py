"""Images as they come: every format, depth and mode is read as the same picture, or refused with the four parts."""

from __future__ import annotations

import contextlib
import io
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from segwright.core import GREY, RGB, ConfigError, DataError, Size
from segwright.data import image_size, read_image, read_label_map
from segwright.data.codecs.header import LIMIT_VARIABLE
from tests.data.pictures import CLASSES, TOP_LEFT_RED, noise, save, smooth


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "webp", "gif"])
def test_read_image__exact_format_keeps_rgb_order(tmp_path: Path, suffix: str) -> None:
    path = save(tmp_path / f"a.{suffix}", TOP_LEFT_RED, **({"lossless": True} if suffix == "webp" else {}))
    image = read_image(path)
    assert image.bands == RGB
    assert np.array_equal(image.pixels, TOP_LEFT_RED)
    assert image_size(path) == Size(2, 3)


@pytest.mark.parametrize(("suffix", "options"), [("jpg", {"quality": 95}), ("webp", {"quality": 90})])
def test_read_image__lossy_format_is_near_and_in_rgb_order(tmp_path: Path, suffix: str, options: dict) -> None:
    pixels = smooth(40, 56)
    image = read_image(save(tmp_path / f"a.{suffix}", pixels, **options))
    assert image.bands == RGB
    assert np.abs(image.pixels.astype(int) - pixels).max() < 16


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "jpg"])
def test_read_image__grey_stays_one_band(tmp_path: Path, suffix: str) -> None:
    pixels = smooth(24, 30)[..., 0]
    image = read_image(save(tmp_path / f"a.{suffix}", pixels))
    assert image.bands == GREY
    assert np.abs(image.pixels[..., 0].astype(int) - pixels).max() < (4 if suffix == "jpg" else 1)


@pytest.mark.parametrize("suffix", ["png", "tif"])
@pytest.mark.parametrize("bands", [1, 3])
def test_read_image__sixteen_bits_stay(tmp_path: Path, suffix: str, bands: int) -> None:
    pixels = noise(5, 7, bands=bands, dtype=np.uint16)
    path = tmp_path / f"a.{suffix}"
    if suffix == "png":
        cv2.imwrite(str(path), pixels[..., ::-1] if bands == 3 else pixels)
    else:
        tifffile.imwrite(path, pixels, photometric="rgb" if bands == 3 else "minisblack")
    image = read_image(path)
    assert image.pixels.dtype == np.uint16
    assert np.array_equal(image.pixels.squeeze(), pixels)


@pytest.mark.parametrize("suffix", ["png", "tif", "webp", "bmp"])
def test_read_image__alpha_is_dropped_not_composited(tmp_path: Path, suffix: str) -> None:
    pixels = noise(5, 7, bands=4)
    pixels[..., 3] = np.maximum(pixels[..., 3], 1)
    options = {"lossless": True, "exact": True} if suffix == "webp" else {}
    image = read_image(save(tmp_path / f"a.{suffix}", pixels, **options))
    assert image.bands == RGB
    assert np.array_equal(image.pixels, pixels[..., :3])


def test_read_image__grey_with_alpha_is_grey(tmp_path: Path) -> None:
    pixels = noise(5, 7, bands=2)
    image = read_image(save(tmp_path / "a.png", pixels))
    assert image.bands == GREY
    assert np.array_equal(image.pixels[..., 0], pixels[..., 0])


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "gif"])
def test_read_image__palette_becomes_rgb(tmp_path: Path, suffix: str) -> None:
    picture = Pillow.fromarray(np.array([[0, 1], [2, 0]], np.uint8), mode=None).convert("P")
    picture.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255, *([7] * 759)])
    picture.save(tmp_path / f"a.{suffix}")
    red, green, blue = (255, 0, 0), (0, 255, 0), (0, 0, 255)
    assert read_image(tmp_path / f"a.{suffix}").pixels.tolist() == [[[*red], [*green]], [[*blue], [*red]]]


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif"])
def test_read_image__one_bit_is_black_and_white(tmp_path: Path, suffix: str) -> None:
    bits = noise(9, 13, bands=1) > 127
    image = read_image(save(tmp_path / f"a.{suffix}", bits))
    assert image.bands == GREY
    assert np.array_equal(image.pixels[..., 0], bits * 255)


@pytest.mark.parametrize("suffix", ["jpg", "tif"])
def test_read_image__cmyk_becomes_rgb(tmp_path: Path, suffix: str) -> None:
    cyan = Pillow.new("CMYK", (16, 16), (255, 0, 0, 0))
    cyan.save(tmp_path / f"a.{suffix}")
    image = read_image(tmp_path / f"a.{suffix}")
    assert image.bands == RGB
    assert np.abs(image.pixels.astype(int) - (0, 255, 255)).max() <= 4


def test_read_image__float_tiff_becomes_float32(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).normal(size=(4, 5))
    tifffile.imwrite(tmp_path / "a.tif", pixels)
    image = read_image(tmp_path / "a.tif")
    assert image.pixels.dtype == np.float32
    assert np.array_equal(image.pixels[..., 0], pixels.astype(np.float32))


def test_read_image__tiff_of_many_bands_names_them(tmp_path: Path) -> None:
    pixels = noise(4, 5, bands=6, dtype=np.uint16)
    planes = np.moveaxis(pixels, 2, 0)
    tifffile.imwrite(tmp_path / "a.tif", planes, photometric="rgb", planarconfig="separate")
    image = read_image(tmp_path / "a.tif")
    assert image.bands == (*RGB, "band_4", "band_5", "band_6")
    assert np.array_equal(image.pixels, pixels)


def test_read_image__white_is_zero_tiff_is_inverted(tmp_path: Path) -> None:
    pixels = noise(4, 5, bands=1)
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="miniswhite")
    assert np.array_equal(read_image(tmp_path / "a.tif").pixels[..., 0], 255 - pixels)


@pytest.mark.parametrize("compression", ["zlib", "lzw", "jpeg"])
def test_read_image__compressed_tiff(tmp_path: Path, compression: str) -> None:
    pixels = smooth(32, 32)
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="rgb", compression=compression)
    assert np.abs(read_image(tmp_path / "a.tif").pixels.astype(int) - pixels).max() < 20


@pytest.mark.parametrize("size", [(1, 1), (1, 10_000), (10_000, 1)])
@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "bmp", "webp"])
def test_read_image__extreme_sizes(tmp_path: Path, suffix: str, size: tuple[int, int]) -> None:
    path = save(tmp_path / f"a.{suffix}", noise(*size))
    assert image_size(path) == Size(*size)
    assert read_image(path).size == Size(*size)


def test_read_image__ten_thousand_pixels_a_side(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    cv2.imwrite(str(path), np.zeros((10_000, 10_000), np.uint8), [cv2.IMWRITE_PNG_COMPRESSION, 1])
    assert read_image(path).size == Size(10_000, 10_000)


@pytest.mark.parametrize("name", ["with space.png", "blåbær 品質.png", "#?&%.png", "a.b.c.png", "emoji_🔩.png"])
def test_read_image__names_with_spaces_and_unicode(tmp_path: Path, name: str) -> None:
    assert read_image(save(tmp_path / name, TOP_LEFT_RED)).size == Size(2, 3)


def test_read_image__wrong_suffix_is_read_by_content(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", TOP_LEFT_RED)
    path.rename(tmp_path / "a.jpg")
    assert np.array_equal(read_image(tmp_path / "a.jpg").pixels, TOP_LEFT_RED)


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "bmp", "webp", "gif"])
@pytest.mark.parametrize("kept", [0.02, 0.3, 0.7, 0.98])
def test_read_image__truncated_file_is_refused(tmp_path: Path, suffix: str, kept: float) -> None:
    path = save(tmp_path / f"a.{suffix}", noise(60, 80))
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * kept)])
    with pytest.raises(DataError, match=r"(?s)a\.\w+: (is truncated|ends inside|is not|cannot be decoded).*fix:"):
        read_image(path)


def test_read_image__progressive_jpeg_and_trailing_bytes(tmp_path: Path) -> None:
    path = save(tmp_path / "a.jpg", smooth(64, 64), progressive=True)
    path.write_bytes(path.read_bytes() + b"appended by a camera")
    assert read_image(path).size == Size(64, 64)


def test_read_image__flipped_bit_in_png_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", noise(60, 80))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x55
    path.write_bytes(data)
    with pytest.raises(DataError, match="damaged pixel data"):
        read_image(path)


@pytest.mark.parametrize(
    ("content", "rule"),
    [(b"", "is empty"), (b"hello, I am a text", "is not an image"), (b"\x89PNG\r\n\x1a\n", "ends inside its header")],
)
def test_read_image__no_image_is_refused(tmp_path: Path, content: bytes, rule: str) -> None:
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(DataError, match=rule):
        read_image(tmp_path / "a.png")
    with pytest.raises(DataError, match=rule):
        image_size(tmp_path / "a.png")


def test_read_image__missing_file_and_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        read_image(tmp_path / "a.png")
    with pytest.raises(DataError, match="cannot be opened"):
        read_image(tmp_path)


def test_read_image__link_to_itself_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").symlink_to(tmp_path / "a.png")
    with pytest.raises(DataError, match="cannot be opened"):
        read_image(tmp_path / "a.png")


def _png_claiming(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 99)) + chunk(b"IEND", b"")


def test_read_image__decompression_bomb_is_refused_before_decoding(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(_png_claiming(50_000, 50_000))
    with pytest.raises(DataError, match=rf"(?s)would decode to 2,500,000,000 pixels.*{LIMIT_VARIABLE}="):
        read_image(tmp_path / "a.png")
    with pytest.raises(DataError, match="would decode"):
        image_size(tmp_path / "a.png")


def test_read_image__pixel_limit_can_be_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(tmp_path / "a.png", noise(20, 20))
    monkeypatch.setenv(LIMIT_VARIABLE, "399")
    with pytest.raises(DataError, match="would decode to 400 pixels"):
        read_image(path)
    monkeypatch.setenv(LIMIT_VARIABLE, "400")
    assert read_image(path).size == Size(20, 20)


def test_read_image__several_pictures_in_one_file_are_refused(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", noise(4, 5, bands=3).transpose(2, 0, 1), photometric="minisblack")
    frames = [Pillow.fromarray(noise(4, 5, seed=at)) for at in range(3)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    frames[0].save(tmp_path / "a.webp", save_all=True, append_images=frames[1:])
    for name in ("a.tif", "a.gif", "a.webp"):
        with pytest.raises(DataError, match="holds 3 pictures"):
            read_image(tmp_path / name)


def test_read_image__tiff_thumbnail_pages_are_not_pictures(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(noise(32, 32), photometric="rgb")
        file.write(noise(8, 8), photometric="rgb", subfiletype=1)
    assert read_image(tmp_path / "a.tif").size == Size(32, 32)


def test_read_image__unusual_tiffs_are_refused(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "int.tif", np.zeros((4, 5), np.int16))
    tifffile.imwrite(tmp_path / "nan.tif", np.full((4, 5), np.nan, np.float32))
    with pytest.raises(DataError, match=r"(?s)unusual pixel type.*int16.*convert it"):
        read_image(tmp_path / "int.tif")
    with pytest.raises(DataError, match="20 values are not numbers"):
        read_image(tmp_path / "nan.tif")


def test_read_image__twelve_bit_jpeg_is_refused(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    Pillow.fromarray(smooth(16, 16)).save(buffer, "JPEG")
    data = bytearray(buffer.getvalue())
    data[data.index(b"\xff\xc0") + 4] = 12
    (tmp_path / "a.jpg").write_bytes(data)
    with pytest.raises(DataError, match=r"(?s)cannot be decoded.*12 bits a sample"):
        read_image(tmp_path / "a.jpg")


def test_read_image__result_is_read_only(tmp_path: Path) -> None:
    image = read_image(save(tmp_path / "a.png", TOP_LEFT_RED))
    with pytest.raises(ValueError, match="read-only"):
        image.pixels[0, 0] = 1


def test_read_image__pixel_limit_that_is_no_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LIMIT_VARIABLE, "many")
    with pytest.raises(ConfigError, match=r"(?s)SEGWRIGHT_MAX_PIXELS: is not a number of pixels.*many"):
        read_image(save(tmp_path / "a.png", TOP_LEFT_RED))


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "bmp", "webp", "gif"])
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(places=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=4), header=st.booleans())
def test_read_image__any_damage_is_read_or_refused(
    tmp_path: Path, suffix: str, places: list[tuple[float, int]], header: bool
) -> None:
    path = save(tmp_path / f"a.{suffix}", noise(12, 17))
    data = bytearray(path.read_bytes())
    for place, value in places:
        data[int(place * (min(80, len(data)) if header else len(data)) * 0.999)] = value
    path.write_bytes(data)
    for read in (read_image, image_size, lambda path: read_label_map(path, CLASSES)):
        with contextlib.suppress(DataError):
            read(path)
