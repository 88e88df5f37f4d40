"""EXIF orientation: all eight, in every format that carries it, against Pillow; and the mask that must follow."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Pillow
from PIL import ImageOps

from segwright.core import DataError, Size
from segwright.data import Dataset, Frame, ImageFile, IndexMask, image_size, read_image
from segwright.data.codecs.orientation import exif_orientation, turned_upright
from tests.data.pictures import CLASSES, noise, save

ORIENTATIONS = range(1, 9)
TURNING = (5, 6, 7, 8)
KEEPING = (2, 3, 4)


def exif(orientation: int) -> Pillow.Exif:
    block = Pillow.Exif()
    block[0x0112] = orientation
    return block


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "webp"])
def test_read_image__is_upright_as_in_pillow(tmp_path: Path, suffix: str, orientation: int) -> None:
    options = {"lossless": True} if suffix == "webp" else {"quality": 100} if suffix == "jpg" else {}
    path = save(tmp_path / f"a.{suffix}", noise(5, 8), exif=exif(orientation), **options)
    with Pillow.open(path) as picture:
        upright = np.array(ImageOps.exif_transpose(picture).convert("RGB"))
    image = read_image(path)
    assert image.size == image_size(path) == Size(*upright.shape[:2])
    assert np.abs(image.pixels.astype(int) - upright).max() <= (2 if suffix == "jpg" else 0)


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_turned_upright__many_bands_as_one(orientation: int) -> None:
    pixels = noise(3, 5, bands=6)
    turned = turned_upright(pixels, orientation)
    for band in range(6):
        assert np.array_equal(turned[..., band], turned_upright(pixels[..., band].copy(), orientation))


@given(st.binary(max_size=80))
def test_exif_orientation__damaged_blocks_say_nothing(block: bytes) -> None:
    for start in (b"", b"Exif\0\0", b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08"):
        assert exif_orientation(start + block) in ORIENTATIONS


def _pair(tmp_path: Path, orientation: int, height: int, width: int, ids: np.ndarray, told: str = "auto") -> Dataset:
    image = save(tmp_path / "a.jpg", noise(height, width), exif=exif(orientation))
    mask = save(tmp_path / "a.png", ids)
    return Dataset(tmp_path, CLASSES, (Frame("a", ImageFile(image), IndexMask(mask, orientation=told)),), "index_png")


def _ids(height: int, width: int) -> np.ndarray:
    ids = np.zeros((height, width), np.uint8)
    ids[0, 0], ids[0, -1] = 1, 2
    return ids


@pytest.mark.parametrize("orientation", TURNING)
def test_mask__of_the_stored_size_is_turned_with_its_image(tmp_path: Path, orientation: int) -> None:
    stored = _ids(4, 6)
    dataset = _pair(tmp_path, orientation, 4, 6, stored)
    labelled = dataset.read(dataset.frames[0])
    assert labelled.image.size == labelled.labels.size == Size(6, 4)
    assert np.array_equal(labelled.labels.ids, turned_upright(stored, orientation))


@pytest.mark.parametrize("orientation", TURNING)
@pytest.mark.parametrize("told", ["auto", "stored"])
def test_mask__of_the_upright_size_is_taken_as_it_is(tmp_path: Path, orientation: int, told: str) -> None:
    dataset = _pair(tmp_path, orientation, 4, 6, _ids(6, 4), told)
    assert np.array_equal(dataset.read(dataset.frames[0]).labels.ids, _ids(6, 4))


@pytest.mark.parametrize(
    ("orientation", "size"), [*((at, (4, 6)) for at in KEEPING), *((at, (5, 5)) for at in TURNING)]
)
def test_mask__of_ambiguous_size_is_refused_until_told(tmp_path: Path, orientation: int, size: tuple[int, int]) -> None:
    ids = _ids(*size)
    dataset = _pair(tmp_path, orientation, *size, ids)
    with pytest.raises(DataError, match=rf"(?s)EXIF orientation {orientation}.*mask_orientation: upright"):
        dataset.read(dataset.frames[0])
    upright = _pair(tmp_path, orientation, *size, ids, "upright")
    assert np.array_equal(upright.read(upright.frames[0]).labels.ids, ids)
    stored = _pair(tmp_path, orientation, *size, ids, "stored")
    assert np.array_equal(stored.read(stored.frames[0]).labels.ids, turned_upright(ids, orientation))


def test_mask__with_an_orientation_of_its_own_is_turned_by_that(tmp_path: Path) -> None:
    stored = _ids(4, 6)
    image = save(tmp_path / "a.jpg", noise(4, 6), exif=exif(3))
    mask = save(tmp_path / "a.png", stored, exif=exif(3))
    dataset = Dataset(tmp_path, CLASSES, (Frame("a", ImageFile(image), IndexMask(mask)),), "index_png")
    assert np.array_equal(dataset.read(dataset.frames[0]).labels.ids, turned_upright(stored, 3))
