"""The quick reading of one-byte PNG gives what Pillow gives, or leaves the file to it."""

from __future__ import annotations

import io
import struct
import zlib
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from segwright.core import ClassTable, DataError
from segwright.data.codecs import png_rows
from segwright.data.codecs.labels import read_label_map

SHAPES = st.tuples(st.integers(1, 40), st.integers(1, 70))
VALUES = st.sampled_from([0, 1, 3, 255])


def png_of(values: np.ndarray, kinds: list[int], *, colour: int = 0, chunks: int = 1) -> bytes:
    """A grey PNG whose rows are filtered as `kinds` says, written from the specification's formulas."""
    height, width = values.shape
    filtered = bytearray()
    above = [0] * width
    for row, kind in zip(values.tolist(), kinds, strict=True):
        filtered.append(kind)
        for x, value in enumerate(row):
            left, up, corner = (row[x - 1], above[x], above[x - 1]) if x else (0, above[x], 0)
            guess = (0, left, up, (left + up) // 2, _paeth(left, up, corner))[kind]
            filtered.append((value - guess) % 256)
        above = row
    packed = zlib.compress(bytes(filtered))
    cuts = [len(packed) * at // chunks for at in range(chunks + 1)]
    parts = [(b"IDAT", packed[start:end]) for start, end in pairwise(cuts)]
    palette = [(b"PLTE", bytes(range(256)) * 3)] if colour == 3 else []
    head = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    chunk = [struct.pack(">I", len(b)) + k + b + struct.pack(">I", zlib.crc32(k + b)) for k, b in
             [(b"IHDR", head), *palette, *parts, (b"IEND", b"")]]  # fmt: skip
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk)


def _paeth(left: int, up: int, corner: int) -> int:
    guess = left + up - corner
    return min((abs(guess - left), 0, left), (abs(guess - up), 1, up), (abs(guess - corner), 2, corner))[2]


@given(SHAPES.flatmap(lambda shape: arrays.arrays(np.uint8, shape, elements=VALUES)), st.data())
def test_values__every_filter(values: np.ndarray, data: st.DataObject) -> None:
    kinds = data.draw(st.lists(st.integers(0, 4), min_size=len(values), max_size=len(values)))
    written = png_of(values, kinds, colour=data.draw(st.sampled_from([0, 3])), chunks=data.draw(st.integers(1, 3)))
    found = png_rows.values(written)
    np.testing.assert_array_equal(np.array(Image.open(io.BytesIO(written))), values)  # the file is a right one
    if found is not None:
        np.testing.assert_array_equal(found, values)
    assert found is not None or 3 in kinds


@pytest.mark.parametrize("kind", [0, 1, 2, 4])
def test_values__a_large_mask_is_read_here(kind: int) -> None:
    values = np.zeros((211, 317), np.uint8)
    values[20:90, 30:120] = 2
    values[60:180, 100:300] = 255
    found = png_rows.values(png_of(values, [kind] * len(values)))
    assert found is not None
    np.testing.assert_array_equal(found, values)


def test_values__noise_and_other_kinds_are_left_to_the_general_decoder() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (90, 150), dtype=np.uint8)
    assert png_rows.values(png_of(noise, [4] * 90)) is None
    assert png_rows.values(png_of(noise, [3] * 90)) is None
    for picture in (Image.fromarray(noise > 99), Image.fromarray(noise.astype(np.uint16) * 9)):
        kept = io.BytesIO()
        picture.save(kept, "PNG")
        assert png_rows.values(kept.getvalue()) is None


def test_read_values__damage_is_still_refused(tmp_path: Path) -> None:
    values = np.zeros((60, 80), np.uint8)
    values[20:, 30:] = 1
    whole = bytearray(png_of(values, [1] * 60))
    at = whole.index(b"IDAT") + 12
    whole[at] ^= 0x55
    path = tmp_path / "damaged.png"
    path.write_bytes(whole)
    with pytest.raises(DataError, match=r"(?s)cannot be decoded.*damaged pixel data.*fix:"):
        read_label_map(path, ClassTable.of(["background", "scratch"]))
