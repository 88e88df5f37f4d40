"""Surface and belt texture: brushed streaks, clouds, weave. All fields are (height, width) float32 around 0."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from segwright.core import Size
from segwright.demo.frames.looks import Brushing, Look

Field = npt.NDArray[Any]
"""(height, width) or (height, width, 3) float32; `Any` because the stubs of OpenCV promise no type."""


def clouds(random: np.random.Generator, size: Size, wavelength_px: float) -> Field:
    """Smooth noise with features of about `wavelength_px`, roughly one sigma 1 (lower between the knots)."""
    rows, columns = (max(2, math.ceil(side / wavelength_px) + 3) for side in (size.height, size.width))
    knots = random.standard_normal((rows, columns), dtype=np.float32)
    return cv2.resize(knots, (size.width, size.height), interpolation=cv2.INTER_CUBIC)


def brushed(
    random: np.random.Generator, size: Size, layers: tuple[Brushing, ...], angle_deg: float, scale: float
) -> Field:
    """Brushed metal: streaks along `angle_deg`, each layer with its own grain; amplitude as the layers say."""
    side = math.ceil(math.hypot(size.height, size.width)) + 4
    canvas = np.zeros((side, side), dtype=np.float32)
    for layer in layers:
        stretch = scale if layer.scales else 1.0
        rows = max(2, math.ceil(side / max(1.0, layer.across_px * stretch)))
        columns = max(2, math.ceil(side / max(1.0, layer.along_px * stretch)))
        grain = random.standard_normal((rows, columns), dtype=np.float32)
        streaks = cv2.resize(grain, (side, side), interpolation=cv2.INTER_LINEAR)
        # Linear interpolation between independent knots keeps two thirds of the variance along each stretched axis.
        canvas += streaks * np.float32(layer.amplitude * 1.35)
    turn = cv2.getRotationMatrix2D(((side - 1) / 2, (side - 1) / 2), -angle_deg, 1.0)
    turn[0, 2] += (size.width - side) / 2
    turn[1, 2] += (size.height - side) / 2
    return cv2.warpAffine(
        canvas, turn, (size.width, size.height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
    )


def weave(random: np.random.Generator, size: Size, look: Look, scale: float) -> Field:
    """The belt's weave: two crossing waves whose phase wanders a little; about -1..1."""
    pitch = look.weave_px * scale
    tilt = math.radians(float(random.uniform(-2.5, 2.5)))
    x = np.arange(size.width, dtype=np.float32)[None, :]
    y = np.arange(size.height, dtype=np.float32)[:, None]
    wander = clouds(random, size, 90 * scale)
    wander *= 0.5
    across = np.float32(2 * math.pi / pitch) * (x * math.cos(tilt) + y * math.sin(tilt)) + wander
    down = np.float32(2 * math.pi / (pitch * 1.2)) * (y * math.cos(tilt) - x * math.sin(tilt)) + wander
    return _cosine(across) * _cosine(down)


def bell(distance: Field) -> Field:
    """`exp(-distance^2)`, flat 0 far out: what is left out there are denormals, a hundred times slower to work with."""
    return cv2.exp(-np.minimum(distance * distance, np.float32(18)))


def in_colour(grey: Field, colour: Sequence[float]) -> Field:
    """A grey field (height, width) as light of one colour, (height, width, 3)."""
    return cv2.merge([grey * np.float32(band) for band in colour])


def _cosine(phase: Field) -> Field:
    """A fast cosine-like wave of the phase (triangle folded and smoothed by a cubic)."""
    turns = phase * np.float32(1 / (2 * math.pi))
    turns -= np.floor(turns)
    folded = np.abs(turns - np.float32(0.5)) * np.float32(4) - np.float32(1)
    return folded * (np.float32(1.5) - np.float32(0.5) * folded * folded)
