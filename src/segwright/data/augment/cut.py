"""Crops out of frames: a slice where nothing is warped, else one warp. Labels by nearest neighbour only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from segwright.core import Size
from segwright.data.augment.geometry import Geometry, GeometryRanges, draw_geometry

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
    offset = np.array([centre[1], centre[0]]) + geometry.offset((0, 0))
    if geometry.straight:
        offset = np.rint(offset)
        sliced = _sliced(pixels, channels, geometry, offset)
        if sliced is not None:
            return sliced
    matrix = np.column_stack([geometry.linear, offset])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    target = (geometry.size.width, geometry.size.height)
    bands = [
        cv2.warpAffine(pixels[:, :, start : start + 4], matrix, target, flags=flags, borderMode=cv2.BORDER_REFLECT_101)
        for start in range(0, pixels.shape[2], 4)
    ]
    bands = [band if band.ndim == 3 else band[:, :, np.newaxis] for band in bands]
    crop = bands[0] if len(bands) == 1 else np.concatenate(bands, axis=2)

    def nearest(planes: npt.NDArray) -> npt.NDArray:
        flags, border = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP, cv2.BORDER_CONSTANT
        return cv2.warpAffine(planes, matrix, target, flags=flags, borderMode=border, borderValue=(float(void),) * 4)

    return crop, _labels(nearest, channels)


def _labels(nearest: Callable[[npt.NDArray], npt.NDArray], channels: npt.NDArray) -> npt.NDArray:
    """Labels of one or of several planes by one warp; OpenCV takes four planes at a time."""
    if channels.ndim == 2:
        return np.asarray(nearest(channels), channels.dtype)
    parts = [nearest(channels[:, :, start : start + 4]) for start in range(0, channels.shape[2], 4)]
    return np.concatenate([part if part.ndim == 3 else part[:, :, np.newaxis] for part in parts], axis=2)


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
    steps = slice(None, None, int(geometry.linear[1, 1])), slice(None, None, int(geometry.linear[0, 0]))
    return np.ascontiguousarray(pixels[window][steps]), np.ascontiguousarray(channels[window][steps])
