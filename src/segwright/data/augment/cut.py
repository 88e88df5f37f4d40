"""Crops out of frames: a slice where nothing is warped, else one warp. Labels by nearest neighbour only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from segwright.core import Size
from segwright.data.augment.geometry import Geometry, GeometryRanges, draw_geometry

# OpenCV's remap takes no longer source; larger scenes are cut down to what the crop shows first.
LONGEST_SIDE_PX = 32766
Channels = npt.NDArray[Any]


def warped_crop(
    pixels: npt.NDArray,
    channels: Channels,
    centre: tuple[float, float],
    size: Size,
    ranges: GeometryRanges,
    rng: np.random.Generator,
    *,
    void: int,
) -> tuple[npt.NDArray, Channels]:
    """`cut` with a geometry drawn from `ranges`."""
    return cut(pixels, channels, draw_geometry(size, ranges, rng), centre, void=void)


def cut(
    pixels: npt.NDArray, channels: Channels, geometry: Geometry, centre: tuple[float, float], *, void: int
) -> tuple[npt.NDArray, Channels]:
    """The crop of a frame around `centre` (row, column).

    Args:
        pixels: the frame (height, width, bands), of any type.
        channels: its labels (height, width), `void` where void; or several planes of them (height, width, planes).

    Returns:
        The crop's pixels and labels. Pixels outside the frame are mirrored, their labels are `void`.
    """
    place = np.array([centre[1], centre[0]])
    if geometry.bent:
        return _remapped(pixels, channels, geometry, place, void)
    offset = place + geometry.offset((0, 0))
    if geometry.straight:
        offset = np.rint(offset)
        sliced = _sliced(pixels, channels, geometry, offset)
        if sliced is not None:
            return sliced
    matrix = np.column_stack([geometry.linear, offset])
    target = (geometry.size.width, geometry.size.height)

    def warp(source: npt.NDArray, how: int, border: int) -> npt.NDArray:
        flags = how | cv2.WARP_INVERSE_MAP
        return cv2.warpAffine(source, matrix, target, flags=flags, borderMode=border, borderValue=(float(void),) * 4)

    return _each(warp, pixels, channels)


def _each(
    warp: Callable[[npt.NDArray, int, int], npt.NDArray], pixels: npt.NDArray, channels: Channels
) -> tuple[npt.NDArray, Channels]:
    """Pixels and labels by one warp, each with its own interpolation; OpenCV takes four bands at a time."""
    bands = [
        warp(pixels[:, :, start : start + 4], cv2.INTER_LINEAR, cv2.BORDER_REFLECT_101)
        for start in range(0, pixels.shape[2], 4)
    ]
    bands = [band if band.ndim == 3 else band[:, :, np.newaxis] for band in bands]
    crop = bands[0] if len(bands) == 1 else np.concatenate(bands, axis=2)
    return crop, _labels(lambda planes: warp(planes, cv2.INTER_NEAREST, cv2.BORDER_CONSTANT), channels)


def _labels(nearest: Callable[[npt.NDArray], npt.NDArray], channels: Channels) -> Channels:
    """Labels of one or of several planes by one warp; OpenCV takes four planes at a time."""
    if channels.ndim == 2:
        return np.asarray(nearest(channels), channels.dtype)
    parts = [nearest(channels[:, :, start : start + 4]) for start in range(0, channels.shape[2], 4)]
    return np.concatenate([part if part.ndim == 3 else part[:, :, np.newaxis] for part in parts], axis=2)


def _remapped(
    pixels: npt.NDArray, channels: Channels, geometry: Geometry, place: npt.NDArray[np.float64], void: int
) -> tuple[npt.NDArray, Channels]:
    right, down = geometry.grid()
    x, y = right + np.float32(place[0]), down + np.float32(place[1])
    if max(channels.shape[:2]) > LONGEST_SIDE_PX:
        columns, rows = _shown(x, channels.shape[1]), _shown(y, channels.shape[0])
        pixels, channels = pixels[rows, columns], channels[rows, columns]
        x, y = x - np.float32(columns.start), y - np.float32(rows.start)

    def warp(source: npt.NDArray, how: int, border: int) -> npt.NDArray:
        return cv2.remap(source, x, y, how, borderMode=border, borderValue=(float(void),) * 4)

    return _each(warp, pixels, channels)


def _shown(positions: npt.NDArray[np.float32], length: int) -> slice:
    """The part of a frame's axis that positions lie in, with as much around it as the border's mirror may show."""
    low, high = int(positions.min()), int(np.ceil(positions.max()))
    around = high - low + 2
    return slice(min(max(0, low - around), length - 1), max(1, min(length, high + around)))


def _sliced(
    pixels: npt.NDArray, channels: Channels, geometry: Geometry, offset: npt.NDArray[np.float64]
) -> tuple[npt.NDArray, Channels] | None:
    """The crop by slicing, where it lies inside the frame; else None."""
    size = geometry.size
    ends = np.column_stack([offset, offset + geometry.linear @ np.array([size.width - 1, size.height - 1])])
    (left, right), (top, bottom) = np.sort(ends.astype(np.int64), axis=1)
    if left < 0 or top < 0 or right >= channels.shape[1] or bottom >= channels.shape[0]:
        return None
    window = slice(top, bottom + 1), slice(left, right + 1)
    # What each frame axis does along the crop's: +1 or -1 by its own, or by the other where it is turned by a quarter.
    (along_x, across_x), (across_y, along_y) = geometry.linear.astype(int)
    turned = along_x == 0
    steps = (
        slice(None, None, int(across_y if turned else along_y)),
        slice(None, None, int(across_x if turned else along_x)),
    )
    parts = (part[window][steps] for part in (pixels, channels))
    crop, labels = (np.ascontiguousarray(part.swapaxes(0, 1) if turned else part) for part in parts)
    return crop, labels
