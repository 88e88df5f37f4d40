"""How an annotator paints: a 3 px brush that wanders, outlines a little off. Smooth errors, as a hand makes them."""

from __future__ import annotations

import math

import cv2
import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d

from segwright.demo.frames import knobs

BRUSH_OVERSAMPLING = 4
BRUSH_WANDER_PX = 14.0


def wandering(random: np.random.Generator, points: npt.NDArray[np.float64], step_px: float) -> npt.NDArray[np.float64]:
    """The brush's path along a centreline (count, 2) with points `step_px` apart: off it by a smooth random offset."""
    noise = gaussian_filter1d(random.standard_normal(len(points)), BRUSH_WANDER_PX / step_px, mode="reflect")
    spread = float(np.sqrt((noise**2).mean()))
    offset = noise * (knobs.BRUSH_JITTER_RMS_PX / spread) if spread > 0 else noise
    return points + normals(points) * offset[:, None]


def normals(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Unit normals (count, 2) of a path."""
    along = np.gradient(points, axis=0)
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-9)
    return np.stack([-along[:, 1], along[:, 0]], axis=1)


def brush_width_px(scratch_width_px: float) -> float:
    """The stroke an annotator needs for a scratch: the brush itself, or two strokes side by side on a wide one."""
    return max(knobs.BRUSH_PX, scratch_width_px + 1.0)


def outlined(field: npt.NDArray[np.float32], random: np.random.Generator) -> npt.NDArray[np.bool_]:
    """What is painted where `field` (height, width) is above 0: its outline moved about smoothly, about 1 px."""
    height, width = field.shape
    step = knobs.OUTLINE_JITTER_WAVELENGTH_PX
    knots = random.standard_normal((math.ceil(height / step) + 3, math.ceil(width / step) + 3, 2), dtype=np.float32)
    # Cubic interpolation between unit knots keeps about 0.7 of their RMS.
    shift = cv2.resize(knots, (width, height), interpolation=cv2.INTER_CUBIC) * (knobs.OUTLINE_JITTER_RMS_PX / 0.7)
    x = shift[:, :, 0] + np.arange(width, dtype=np.float32)[None, :]
    y = shift[:, :, 1] + np.arange(height, dtype=np.float32)[:, None]
    return cv2.remap(field, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE) > 0
