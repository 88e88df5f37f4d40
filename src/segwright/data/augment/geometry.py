"""Where a crop lies: position, flips, rotation and scale in a single warp."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from segwright.core import Size


@dataclass(frozen=True, slots=True)
class GeometryRanges:
    """How far a crop may be turned. Flips are only "valid" where a mirrored part is still a possible part."""

    flip_horizontal: bool = True
    flip_vertical: bool = False
    rotate_degrees: float = 15.0
    scale: tuple[float, float] = (0.8, 1.25)
    warp_share: float = 0.7  # the other crops are cut straight out: they keep the sensor's own sharpness


def warped_crop(
    pixels: npt.NDArray,
    channels: npt.NDArray[np.uint8],
    centre: tuple[float, float],
    size: Size,
    ranges: GeometryRanges,
    rng: np.random.Generator,
    *,
    void: int,
) -> tuple[npt.NDArray, npt.NDArray[np.uint8]]:
    """A crop of `size` around `centre` (row, column), flipped, turned and scaled at random.

    Args:
        pixels: the frame (height, width, bands).
        channels: its labels (height, width), `void` where void.

    Returns:
        The crop's pixels and labels. Pixels outside the frame are mirrored, their labels are `void`.
    """
    matrix = _crop_to_frame(centre, size, ranges, rng)
    straight = _straight_crop(pixels, channels, matrix, size)
    if straight is not None:
        return straight
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    target = (size.width, size.height)
    bands = [
        cv2.warpAffine(pixels[:, :, start : start + 4], matrix, target, flags=flags, borderMode=cv2.BORDER_REFLECT_101)
        for start in range(0, pixels.shape[2], 4)
    ]
    bands = [band if band.ndim == 3 else band[:, :, np.newaxis] for band in bands]
    crop = bands[0] if len(bands) == 1 else np.concatenate(bands, axis=2)
    labels = cv2.warpAffine(
        channels,
        matrix,
        target,
        flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=float(void),
    )
    return crop, np.asarray(labels, np.uint8)


def _crop_to_frame(
    centre: tuple[float, float], size: Size, ranges: GeometryRanges, rng: np.random.Generator
) -> npt.NDArray[np.float64]:
    """The 2x3 matrix that takes crop coordinates (x, y) to frame coordinates."""
    mirror_x = -1.0 if ranges.flip_horizontal and rng.random() < 0.5 else 1.0
    mirror_y = -1.0 if ranges.flip_vertical and rng.random() < 0.5 else 1.0
    angle, zoom = 0.0, 1.0
    if rng.random() < ranges.warp_share:
        angle = np.deg2rad(rng.uniform(-ranges.rotate_degrees, ranges.rotate_degrees))
        low, high = np.log(ranges.scale)
        zoom = float(np.exp(rng.uniform(low, high)))
    cosine, sine = np.cos(angle) / zoom, np.sin(angle) / zoom
    linear = np.array([[cosine * mirror_x, -sine * mirror_y], [sine * mirror_x, cosine * mirror_y]])
    middle = np.array([(size.width - 1) / 2, (size.height - 1) / 2])
    row, column = centre
    offset = np.array([column, row]) - linear @ middle
    if angle == 0.0 and zoom == 1.0:
        offset = np.round(offset)
    return np.asarray(np.column_stack([linear, offset]), np.float64)


def _straight_crop(
    pixels: npt.NDArray, channels: npt.NDArray[np.uint8], matrix: npt.NDArray[np.float64], size: Size
) -> tuple[npt.NDArray, npt.NDArray[np.uint8]] | None:
    """The crop by slicing, where nothing is turned or scaled and it lies inside the frame; else None."""
    if abs(matrix[0, 1]) > 0 or abs(matrix[0, 0]) != 1 or abs(matrix[1, 1]) != 1:
        return None
    step_x, step_y = int(matrix[0, 0]), int(matrix[1, 1])
    first_x, first_y = int(matrix[0, 2]), int(matrix[1, 2])
    left, top = min(first_x, first_x + step_x * (size.width - 1)), min(first_y, first_y + step_y * (size.height - 1))
    if left < 0 or top < 0 or left + size.width > channels.shape[1] or top + size.height > channels.shape[0]:
        return None
    window = slice(top, top + size.height), slice(left, left + size.width)
    return (
        np.ascontiguousarray(pixels[window][::step_y, ::step_x]),
        np.ascontiguousarray(channels[window][::step_y, ::step_x]),
    )
