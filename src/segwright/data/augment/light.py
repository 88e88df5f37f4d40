"""Light on a crop: a lamp to one side, a shadow's edge, glare. float32 crops of 0..1, any number of bands, in place."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Crop = npt.NDArray[np.float32]


def over_bands(operation: np.ufunc, crop: Crop, plane: npt.NDArray[np.float32]) -> Crop:
    """`operation` of each band with one plane (height, width), in place: broadcasting takes five times as long."""
    bands = np.asarray(cv2.merge([plane] * crop.shape[2]), np.float32).reshape(crop.shape)
    operation(crop, bands, out=crop)
    return crop


def light_gradient(crop: Crop, most: float, rng: np.random.Generator) -> Crop:
    """Brighter towards one side and darker towards the other, by up to `most`."""
    height, width = crop.shape[:2]
    angle = rng.uniform(0, 2 * np.pi)
    rows = np.linspace(-1, 1, height, dtype=np.float32)[:, np.newaxis] * np.float32(np.sin(angle))
    columns = np.linspace(-1, 1, width, dtype=np.float32)[np.newaxis, :] * np.float32(np.cos(angle))
    slope = np.asarray(np.float32(rng.uniform(0, most)) * (rows + columns), np.float32)
    return over_bands(np.multiply, crop, np.float32(1) + slope)


def shadow(crop: Crop, rng: np.random.Generator) -> Crop:
    """Darker, by the same factor in every band, on one side of an edge or on a stripe; marks there keep their label.

    The edge is as soft as a lamp's size makes it: from 1 % to 15 % of the crop.
    """
    height, width = crop.shape[:2]
    side = min(height, width)
    angle, row, column = rng.uniform(0, 2 * np.pi), rng.uniform(0, height), rng.uniform(0, width)
    down = (np.arange(height, dtype=np.float32) - np.float32(row))[:, np.newaxis] * np.float32(np.sin(angle))
    right = (np.arange(width, dtype=np.float32) - np.float32(column))[np.newaxis, :] * np.float32(np.cos(angle))
    across = down + right  # px from the edge, negative in the light
    if rng.random() < 0.5:  # a stripe: as far in on both sides of its middle
        across = np.float32(rng.uniform(0.05, 0.3) * side) - np.abs(across)
    softness = np.float32(max(0.5, rng.uniform(0.01, 0.15) * side))
    covered = np.clip(across / softness + np.float32(0.5), 0, 1)
    return over_bands(np.multiply, crop, 1 - covered * np.float32(rng.uniform(0.2, 0.7)))


def glare(crop: Crop, rng: np.random.Generator) -> Crop:
    """A specular patch: light that is the same in every band and saturates in its middle.

    Where real glare is painted void a network is never told what it is, and may call it anything; this one is told.
    """
    height, width = crop.shape[:2]
    long, wide = rng.uniform(0.06, 0.2) * min(height, width), rng.uniform(0.03, 0.08) * min(height, width)
    angle, row, column = rng.uniform(0, np.pi), rng.uniform(0, height), rng.uniform(0, width)
    down = (np.arange(height, dtype=np.float32) - np.float32(row))[:, np.newaxis]
    right = (np.arange(width, dtype=np.float32) - np.float32(column))[np.newaxis, :]
    cosine, sine = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    along, across = (right * cosine + down * sine) / np.float32(long), (down * cosine - right * sine) / np.float32(wide)
    light = np.float32(rng.uniform(0.8, 2.0)) * np.exp(-np.minimum(along**2 + across**2, np.float32(18)))
    return over_bands(np.add, crop, light)
