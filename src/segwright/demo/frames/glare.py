"""Specular glare: hot spots that saturate the sensor. What is under one nobody can say, so it is painted void."""

from __future__ import annotations

import math

import cv2
import numpy as np
import numpy.typing as npt

from segwright.demo.frames.annotator import outlined
from segwright.demo.frames.scene import Scene
from segwright.demo.frames.texture import Field, clouds

LEAST_VOID_PX = 14
# Void is painted with a margin: a blurred patch, cut where a straight edge moved out by twice the blur would be.
VOID_MARGIN_PX = 2.0
VOID_CUT = 0.023


def draw_glare(scene: Scene, random: np.random.Generator) -> Field:
    """Extra light on the metal (height, width), in units of full scale; 0 on most frames."""
    size, scale = scene.setting.size, scene.setting.scale
    light = np.zeros((size.height, size.width), dtype=np.float32)
    for _patch in range(int(random.poisson(scene.setting.light.glare_patches))):
        spot = scene.spot(random, 3.0)
        if spot is None:
            break
        long, wide = float(random.uniform(9, 24)) * scale, float(random.uniform(4, 10)) * scale
        turn = math.radians(scene.brushing_deg + 90 + float(random.uniform(-20, 20)))
        x = np.arange(size.width, dtype=np.float32)[None, :] - spot[0]
        y = np.arange(size.height, dtype=np.float32)[:, None] - spot[1]
        along, across = (
            (x * math.cos(turn) + y * math.sin(turn)) / long,
            (y * math.cos(turn) - x * math.sin(turn)) / wide,
        )
        light += float(random.uniform(1.0, 1.9)) * cv2.exp(-np.minimum(along * along + across * across, np.float32(18)))
    if light.any():
        light *= np.clip(1 + 0.18 * clouds(random, size, 5 * scale), 0.3, 2) * scene.cover
    return light


def paint_glare(scene: Scene, glare: Field, clean: Field, random: np.random.Generator) -> npt.NDArray[np.bool_]:
    """Where the annotator paints void: `clean` (weakest band of the frame before noise, 1 saturates) is full there."""
    painted = np.zeros(scene.part.shape, dtype=bool)
    if not glare.any():
        return painted
    hot = ((clean >= 0.98) & (glare > 0.05)).astype(np.uint8)
    count, components, boxes, _centres = cv2.connectedComponentsWithStats(hot, connectivity=8)
    for component in range(1, count):
        left, top, width, height, area = (int(value) for value in boxes[component])
        if area < LEAST_VOID_PX:
            continue
        rows, columns = slice(max(0, top - 8), top + height + 8), slice(max(0, left - 8), left + width + 8)
        soft = cv2.GaussianBlur((components[rows, columns] == component).astype(np.float32), (0, 0), VOID_MARGIN_PX)
        painted[rows, columns] |= outlined(soft - np.float32(VOID_CUT), random)
    return painted & scene.part
