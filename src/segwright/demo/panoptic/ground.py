"""What the parts lie on: the belt, and the floor beside it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from segwright.core import Size
from segwright.demo.frames.looks import Colour
from segwright.demo.frames.scene import Setting, belt_texture, linear_field, shifted
from segwright.demo.frames.texture import Field, clouds

FLOOR_TONES: tuple[Colour, ...] = ((0.36, 0.35, 0.33), (0.27, 0.30, 0.28), (0.33, 0.27, 0.22))
PAINT: Colour = (0.62, 0.50, 0.10)
BELT_SHARE = (0.56, 0.80)  # of the frame's height
BELT_TILT_DEG = 9.0
PAINTED_SHARE = 0.5  # of the sessions have a painted line on the floor


@dataclass(frozen=True, slots=True)
class Course:
    """Where a session's camera sees the belt: its middle (share of the height), half its width (px) and its tilt."""

    middle: float
    half_px: float
    tilt_deg: float
    floor: Colour
    painted_px: float | None  # how far the painted line lies off the belt

    def distance(self, size: Size) -> Field:
        """How far each pixel lies off the belt's middle line, px, negative above it; (height, width)."""
        angle = math.radians(self.tilt_deg)
        across, down = -math.sin(angle), math.cos(angle)
        offset = -(across * (size.width - 1) / 2 + down * self.middle * size.height)
        return linear_field(size, across, down, offset)

    def on_belt(self, size: Size) -> npt.NDArray[np.bool_]:
        """The pixels of the belt, as if nothing lay on it."""
        return np.abs(self.distance(size)) <= self.half_px


def draw_course(size: Size, scale: float, random: np.random.Generator) -> Course:
    """A session's camera: from one draw to the next the belt lies elsewhere, and the floor is another."""
    share = float(random.uniform(*BELT_SHARE))
    middle = 0.5 + float(random.uniform(-0.1, 0.1))
    tilt = float(random.uniform(-BELT_TILT_DEG, BELT_TILT_DEG))
    floor = FLOOR_TONES[int(random.integers(len(FLOOR_TONES)))]
    painted = float(random.uniform(8, 26)) * scale if random.random() < PAINTED_SHARE else None
    return Course(middle, share * size.height / 2, tilt, floor, painted)


def draw_ground(setting: Setting, course: Course, light: Field, random: np.random.Generator) -> Field:
    """Light that belt and floor send back, (height, width, 3), the belt's shadow on the floor included."""
    distance = course.distance(setting.size)
    belt = np.clip(course.half_px + 0.5 - np.abs(distance), 0, 1)
    edge = 1 + 0.55 * np.exp(-(((course.half_px - np.abs(distance)) / (2.2 * setting.scale)) ** 2))  # worn, lighter
    grey = belt_texture(setting, random) * edge
    x, y = setting.towards_light
    reach = 16 * setting.scale
    blur = setting.light.shadow_blur_px * setting.scale
    shade = 1 - setting.light.shadow * cv2.GaussianBlur(shifted(belt, -x * reach, -y * reach), (0, 0), blur)
    beside = _floor(setting, course, np.abs(distance), random) * (shade * light * (1 - belt))[:, :, None]
    tone = np.array(setting.look.belt, np.float32)
    return (beside + (grey * light * belt)[:, :, None] * tone).astype(np.float32)


def _floor(setting: Setting, course: Course, off_middle_px: Field, random: np.random.Generator) -> Field:
    """Concrete, with stains, grain and at times a painted line along the belt; (height, width, 3)."""
    size, scale = setting.size, setting.scale
    grey = 1 + 0.10 * clouds(random, size, 150 * scale) + 0.06 * clouds(random, size, 22 * scale)
    grey += 0.05 * random.standard_normal((size.height, size.width), dtype=np.float32)
    colour = grey[:, :, None] * np.array(course.floor, np.float32)
    if course.painted_px is None:
        return colour
    line = course.half_px + course.painted_px + 7 * scale
    worn = np.clip(1.2 + 0.7 * clouds(random, size, 30 * scale), 0, 1)
    paint = (np.clip(7 * scale - np.abs(off_middle_px - line), 0, 1) * worn)[:, :, None]
    return colour * (1 - paint) + grey[:, :, None] * np.array(PAINT, np.float32) * paint
