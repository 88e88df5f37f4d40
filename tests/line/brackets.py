"""A drawn part on a belt: what the line's tests look at."""

from __future__ import annotations

import cv2
import numpy as np

from segwright.core import Image


def bracket(
    *, belt: int = 60, metal: int = 170, noise: float = 3.0, size: tuple[int, int] = (240, 320)
) -> tuple[Image, np.ndarray]:
    """An L of metal with a hole and a dark blot on a belt with a light gradient; the frame and the part's mask."""
    height, width = size
    part = np.zeros(size, np.uint8)
    cv2.rectangle(part, (width // 4, height // 4), (3 * width // 4, height // 2), 1, -1)
    cv2.rectangle(part, (width // 4, height // 4), (width // 2, 4 * height // 5), 1, -1)
    cv2.circle(part, (width // 3, height // 3), height // 16, 0, -1)
    shade = np.linspace(-8, 8, width)[None, :] + np.linspace(-5, 5, height)[:, None]
    light = np.where(part > 0, metal, belt + shade)
    pixels = np.repeat(light[..., None], 3, axis=2)
    pixels[int(height * 0.6) : int(height * 0.7), width // 3 : width // 3 + height // 10] *= (0.5, 0.35, 0.3)
    pixels += np.random.default_rng(0).normal(0, noise, pixels.shape)
    return Image(np.clip(pixels, 0, 255).astype(np.uint8)), part > 0


def overlap(found: np.ndarray, part: np.ndarray) -> float:
    """The IoU of two masks."""
    return float(np.count_nonzero(found & part) / np.count_nonzero(found | part))
