"""The values of a PNG of one byte a pixel, several times as fast as a general decoder gives them for a mask.

A mask is large even areas. Inflated and filtered it is nearly all zeros, so only the places where something changes
are looked at. What this does not know (interlace, averages, noise, damage) it leaves to the general decoder, which
also says what is wrong.

Source: PNG specification, third edition, sections 9 (filtering) and 10 (compression).
"""

from __future__ import annotations

import struct
import zlib

import imagecodecs
import numpy as np
import numpy.typing as npt

_NONE, _SUB, _UP, _AVERAGE, _PAETH = range(5)
_DENSE = 16  # changes of more than one pixel in so many: adding all up is quicker
_TURNS, _FEW = 200, 4000  # so many pixels, and one in so many, are looked at singly: more take longer than decoding
Bytes = npt.NDArray[np.uint8]


def values(data: bytes) -> Bytes | None:
    """The stored values (height, width) of a PNG of 8-bit grey or palette; None for any other, and for a damaged one.

    `data` are the bytes of a whole PNG, whose chunks have been walked over before.
    """
    width, height, bits, colour, _, _, interlaced = struct.unpack_from(">IIBBBBB", data, 16)
    if bits != 8 or colour not in (0, 3) or interlaced:
        return None
    packed = _image_data(data)
    if packed is None:
        return None
    length = height * (width + 1)
    try:
        inflated = imagecodecs.deflate_decode(packed, out=length)
    except (RuntimeError, ImportError):  # damaged, or an imagecodecs without libdeflate
        return None
    if len(inflated) != length:
        return None
    return _unfiltered(np.frombuffer(inflated, np.uint8).reshape(height, width + 1))


def _image_data(data: bytes) -> bytes | None:
    """All IDAT chunks together; None where a checksum is wrong."""
    parts, at = [], 8
    while (kind := data[at + 4 : at + 8]) != b"IEND":
        (length,) = struct.unpack_from(">I", data, at)
        if kind == b"IDAT":
            body = data[at + 8 : at + 8 + length]
            if zlib.crc32(body, zlib.crc32(kind)) != int.from_bytes(data[at + 8 + length : at + 12 + length], "big"):
                return None
            parts.append(body)
        at += 12 + length
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _unfiltered(filtered: Bytes) -> Bytes | None:
    """The rows behind their filters; None where that would take a look at too many pixels."""
    kinds = filtered[:, 0].copy()
    if kinds.max() > _PAETH or (kinds == _AVERAGE).any():
        return None
    sums = kinds == _SUB
    rows = _summed(filtered) if sums.all() else filtered[:, 1:].copy()
    if sums.any() and not sums.all():
        rows[sums] = np.add.accumulate(rows[sums], axis=1, dtype=np.uint8)
    left = _FEW + rows.size // _TURNS
    above = np.zeros(rows.shape[1], np.uint8)
    for at in np.flatnonzero(kinds >= _UP).tolist():
        before = rows[at - 1] if at else above
        if kinds[at] == _UP:
            np.add(rows[at], before, out=rows[at])
            continue
        turns = _turns(rows[at], before)
        left -= len(turns)
        if left < 0:
            return None
        rows[at] = _paeth(rows[at], before, turns)
    return rows


def _summed(filtered: Bytes) -> Bytes:
    """Every row added up from its left; a filter byte, which is never zero here, begins each row."""
    height, stride = filtered.shape
    flat = filtered.reshape(-1)
    places = _nonzero(flat)
    if len(places) * _DENSE > flat.size:
        return np.add.accumulate(filtered[:, 1:], axis=1, dtype=np.uint8)
    steps = flat[places]
    starts = np.searchsorted(places, np.arange(height) * stride)
    steps[starts] = 0
    sums = np.add.accumulate(steps, dtype=np.uint8)
    sums -= np.repeat(sums[starts], np.diff(starts, append=len(places)))
    spread = np.repeat(sums, np.diff(places, append=flat.size))
    return np.ascontiguousarray(spread.reshape(height, stride)[:, 1:])


def _nonzero(flat: Bytes) -> npt.NDArray[np.intp]:
    """Where bytes are not zero: words of eight first, since few are not."""
    whole = flat.size // 8 * 8
    words = np.flatnonzero(flat[:whole].view(np.uint64) != 0)
    inside = flat[:whole].reshape(-1, 8)[words] != 0
    row, byte = np.nonzero(inside)
    rest = np.flatnonzero(flat[whole:]) + whole
    return np.concatenate([words[row] * 8 + byte, rest])


def _turns(row: Bytes, above: Bytes) -> npt.NDArray[np.intp]:
    """Where a Paeth row can differ from the pixel on its left: elsewhere that is what is predicted, and it is right."""
    changes = row != 0
    changes[1:] |= above[1:] != above[:-1]
    changes[0] = True
    return np.flatnonzero(changes)


def _paeth(row: Bytes, above: Bytes, turns: npt.NDArray[np.intp]) -> Bytes:
    left, found = 0, []
    corners = above[turns - 1].tolist()
    corners[0] = 0  # nothing lies left of the first pixel
    for step, up, corner in zip(row[turns].tolist(), above[turns].tolist(), corners, strict=True):
        guess = left + up - corner
        by_left, by_up, by_corner = abs(guess - left), abs(guess - up), abs(guess - corner)
        nearest = left if by_left <= by_up and by_left <= by_corner else up if by_up <= by_corner else corner
        left = (nearest + step) & 255
        found.append(left)
    return np.repeat(np.array(found, np.uint8), np.diff(turns, append=row.size))
