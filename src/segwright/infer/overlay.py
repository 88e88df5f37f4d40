"""Drawing label maps over frames. Colours are the class table's, RGB."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from segwright.core import Image, LabelMap

VOID_COLOUR = (128, 128, 128)


def overlay(image: Image, labels: LabelMap, *, opacity: float = 0.5) -> npt.NDArray[np.uint8]:
    """`image` as (height, width, 3) uint8 RGB with every class but the background tinted, and outlined at full colour.

    Void is tinted grey. A frame of 16 bits or floats is shown between its 0.5 and 99.5 percentile.
    """
    canvas = as_display(image)
    present = np.flatnonzero(np.bincount(labels.ids.ravel()))
    for class_id in (int(value) for value in present):
        if class_id == labels.classes.background_id:
            continue
        colour = VOID_COLOUR if class_id == labels.classes.void_id else labels.classes.colour(class_id)
        tint(canvas, labels.ids == class_id, colour, opacity=opacity)
    return canvas


def tint(
    canvas: npt.NDArray[np.uint8], mask: npt.NDArray[np.bool_], colour: tuple[int, int, int], *, opacity: float
) -> None:
    """Mix `colour` into the pixels of `mask` on `canvas` (height, width, 3), in place, and draw the mask's outline."""
    mixed = canvas[mask] * (1 - opacity) + np.array(colour) * opacity
    canvas[mask] = mixed.round().astype(np.uint8)
    outline(canvas, mask, colour)


def outline(canvas: npt.NDArray[np.uint8], mask: npt.NDArray[np.bool_], colour: tuple[int, int, int]) -> None:
    """Draw the pixels of `mask` that touch its outside on `canvas` (height, width, 3), in place."""
    solid = mask.astype(np.uint8)
    inner = cv2.erode(solid, cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3)))
    canvas[(solid > 0) & (inner == 0)] = colour


def as_display(image: Image) -> npt.NDArray[np.uint8]:
    """A new writable (height, width, 3) uint8 RGB copy of `image`; bands beyond RGB or grey show their first three."""
    pixels = image.pixels
    if pixels.dtype != np.uint8:
        low, high = np.percentile(pixels, (0.5, 99.5))
        pixels = np.clip((pixels.astype(np.float32) - low) * (255 / max(high - low, 1e-6)), 0, 255).astype(np.uint8)
    if pixels.shape[2] >= 3:
        return np.array(pixels[..., :3], order="C")
    return np.repeat(pixels[..., :1], 3, axis=2)
