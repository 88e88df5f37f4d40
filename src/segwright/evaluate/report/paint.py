"""Objects painted over a frame: filled faintly, and outlined so strongly that a thumbnail still shows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from segwright.core import Box, Image
from segwright.infer.overlay import as_display

Canvas = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
Colour = tuple[int, int, int]

# A page shows four pictures of a frame beside one another, each some 280 px wide: an outline is two of those pixels.
OUTLINES_A_SIDE = 140
WHITE: Colour = (255, 255, 255)
FILLED = 0.42


@dataclass(frozen=True)
class Region:
    """One object: its pixels (height, width) inside `box`, and its colour. Without pixels it is the box itself."""

    box: Box
    pixels: Mask | None
    colour: Colour
    filled: float = FILLED


def pale(image: Image) -> Canvas:
    """The frame in pale grey (height, width, 3), for colours to stand out on."""
    grey = as_display(image).mean(axis=2, keepdims=True)
    return np.repeat((grey * 0.45 + 140).clip(0, 255).astype(np.uint8), 3, axis=2)


def paint(canvas: Canvas, regions: Sequence[Region], window: Box) -> Canvas:
    """`canvas`, which shows `window` of the frame, with the regions painted on it in their order, in place."""
    thickness = outline_px(canvas)
    for region in regions:
        _paint(canvas, region, window, thickness)
    return canvas


def outline_px(canvas: Canvas) -> int:
    """How wide outlines are on a canvas of this size."""
    return max(2, round(max(canvas.shape[:2]) / OUTLINES_A_SIDE))


def outline(canvas: Canvas, mask: Mask, colour: Colour, thickness: int) -> None:
    """Draw the outline of `mask` (height, width) inside it, and a white line around it, in place."""
    solid = np.pad(mask.astype(np.uint8), thickness + 1)
    inner = cv2.erode(solid, _disc(thickness))
    around = cv2.dilate(solid, _disc(1))
    cut = slice(thickness + 1, -(thickness + 1))
    canvas[(around[cut, cut] > 0) & ~mask] = WHITE
    canvas[mask & (inner[cut, cut] == 0)] = colour


def _paint(canvas: Canvas, region: Region, window: Box, thickness: int) -> None:
    """The part of the region that lies in the window; a pixel of air around it, for the white line."""
    box = region.box
    top, left = max(box.top, window.top), max(box.left, window.left)
    bottom, right = min(box.bottom, window.bottom), min(box.right, window.right)
    if top >= bottom or left >= right:
        return
    pixels = np.ones((box.height, box.width), np.bool_) if region.pixels is None else region.pixels
    shown = pixels[top - box.top : bottom - box.top, left - box.left : right - box.left]
    rows = slice(max(0, top - 1 - window.top), min(window.height, bottom + 1 - window.top))
    columns = slice(max(0, left - 1 - window.left), min(window.width, right + 1 - window.left))
    mask = np.zeros((rows.stop - rows.start, columns.stop - columns.start), np.bool_)
    down, along = top - window.top - rows.start, left - window.left - columns.start
    mask[down : down + shown.shape[0], along : along + shown.shape[1]] = shown
    part = canvas[rows, columns]
    if region.pixels is not None:
        fill(part, mask, region.colour, region.filled)
    outline(part, mask, region.colour, thickness)


def fill(canvas: Canvas, mask: Mask, colour: Colour, opacity: float) -> None:
    """Mix `colour` into the pixels of `mask`, in place."""
    canvas[mask] = (canvas[mask] * (1 - opacity) + np.array(colour) * opacity).round().astype(np.uint8)


def _disc(radius: int) -> npt.NDArray[np.uint8]:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1)).astype(np.uint8)
