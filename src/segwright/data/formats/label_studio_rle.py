"""Label Studio's run lengths of brush masks: RGBA values as a stream of bits, from the thi.ng package rle-pack.

The stream: the number of values (32 bits), bits a value less one (5), bits of the four kinds of length less one (4
each); then runs: whether one value repeats (1), which kind of length (2), the length less one, and the value once, or
each of the values. What people painted is in the alpha band.

Source: `packages/rle-pack/src/index.ts` of thi-ng/umbrella; tests/data/formats/test_label_studio.py holds bytes that
`label_studio_sdk.converter.brush` wrote.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from segwright.core import Size
from segwright.data.rasterise import Mask, mask_runs

_LENGTH_BITS = (3, 4, 8, 16)
_HEADER_BITS = 32 + 5 + 4 * 4
_BANDS = 4


def unpacked_alpha(data: bytes, size: Size) -> npt.NDArray[np.uint8]:
    """The alpha band (height, width), 0 where nothing is painted, of a frame of `size`.

    Raises:
        ValueError: a stream that is cut off, or of another number of values, or of other values than 8 bits.
    """
    bits = (np.unpackbits(np.frombuffer(data, np.uint8)) + ord("0")).tobytes().decode("ascii")
    if len(bits) < _HEADER_BITS:
        raise ValueError(f"the stream of {len(data)} bytes is cut off")
    count, word = int(bits[:32], 2), int(bits[32:37], 2) + 1
    lengths = [int(bits[start : start + 4], 2) + 1 for start in range(37, _HEADER_BITS, 4)]
    if count != _BANDS * size.area_px or word != 8:
        raise ValueError(f"{count} values of {word} bits, not the {_BANDS * size.area_px} of 8 bits of {size}")
    values = np.zeros(count, np.uint8)
    filled, at = 0, _HEADER_BITS
    while filled < count:
        repeats, kind = bits[at : at + 1] == "1", int(bits[at + 1 : at + 3] or "0", 2)
        start = at + 3 + lengths[kind]
        length = int(bits[at + 3 : start] or "0", 2) + 1
        at = start + word * (1 if repeats else length)
        if at > len(bits) or filled + length > count:
            raise ValueError(f"the stream is cut off, or longer than its {count} values")
        if "1" in bits[start:at]:  # what is not painted is 0 already
            told = np.frombuffer(bits[start:at].encode("ascii"), np.uint8) - ord("0")
            values[filled : filled + length] = np.packbits(told)
        filled += length
    return values[_BANDS - 1 :: _BANDS].reshape(size.height, size.width)


def packed_mask(mask: Mask) -> list[int]:
    """The stream, as numbers 0-255, of a mask whose painted pixels are 255 in all bands, as Label Studio writes it."""
    parts = [f"{_BANDS * mask.size:032b}", f"{8 - 1:05b}", *(f"{bits - 1:04b}" for bits in _LENGTH_BITS)]
    for at, run in enumerate(mask_runs(mask, by_column=False)):
        parts += _run(_BANDS * run, f"{255 if at % 2 else 0:08b}")
    text = "".join(parts)
    text += "0" * (8 - len(text) % 8)  # a whole byte of zeros where none is needed, as there
    return np.packbits(np.frombuffer(text.encode("ascii"), np.uint8) - ord("0")).tolist()


def _run(length: int, value: str) -> Iterator[str]:
    """Codes for `length` equal values: the shortest kind of length that holds it."""
    longest = 2 ** _LENGTH_BITS[-1]
    while length > longest:
        yield f"111{longest - 1:016b}{value}"
        length -= longest
    if length:
        kind = next(kind for kind, bits in enumerate(_LENGTH_BITS) if length <= 2**bits)
        yield f"1{kind:02b}{length - 1:0{_LENGTH_BITS[kind]}b}{value}"
