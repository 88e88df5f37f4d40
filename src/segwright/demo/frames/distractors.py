"""What only looks like a defect: stamped numbers, tool marks, shadows, dust. None of it is painted."""

from __future__ import annotations

import math

import cv2
import numpy as np

from segwright.demo.frames import knobs
from segwright.demo.frames.scene import Scene
from segwright.demo.frames.shapes import coverage
from segwright.demo.frames.texture import Field

LETTER_HEIGHT = 0.072


def disturb(metal: Field, scene: Scene, random: np.random.Generator) -> None:
    """Multiply the metal's brightness (height, width) by whatever harmless things this bracket carries, in place."""
    if random.random() < knobs.STAMP_SHARE:
        metal *= _stamped_number(scene, random)
    if random.random() < knobs.TOOL_MARKS_SHARE:
        metal *= _tool_marks(scene, random)
    if random.random() < knobs.SHADOW_SHARE:
        metal *= _cast_shadow(scene, random)
    _dust(metal, random, int(26 * scene.setting.scale**2))


def _stamped_number(scene: Scene, random: np.random.Generator) -> Field:
    """A part number pressed into the metal: letters with a lit and a shaded side."""
    text = f"HB-{int(random.integers(1000, 9999))}"
    font, thickness = cv2.FONT_HERSHEY_SIMPLEX, 3
    (width, height), _baseline = cv2.getTextSize(text, font, 2.0, thickness)
    canvas = np.zeros((height + 20, width + 20), dtype=np.uint8)
    cv2.putText(canvas, text, (10, height + 8), font, 2.0, 255, thickness + 2, cv2.LINE_AA)
    pose, size = scene.pose, scene.setting.size
    unit = LETTER_HEIGHT / height
    at = np.array(scene.bracket.stamp_at)
    sign = -1.0 if pose.mirrored else 1.0  # the stamp is always readable: it is struck after the part is turned
    to_part = np.array(
        [
            [unit * sign, 0, at[0] - sign * unit * canvas.shape[1] / 2],
            [0, unit, at[1] - unit * canvas.shape[0] / 2],
            [0, 0, 1],
        ]
    )
    letters = cv2.warpAffine(canvas, pose.matrix @ to_part, (size.width, size.height), flags=cv2.INTER_AREA)
    relief = cv2.GaussianBlur(letters, (0, 0), 0.8 * scene.setting.scale)
    x, y = scene.setting.towards_light
    across = cv2.Sobel(relief, cv2.CV_32F, 1, 0, ksize=3, scale=1 / 1020)
    down = cv2.Sobel(relief, cv2.CV_32F, 0, 1, ksize=3, scale=1 / 1020)
    depth = scene.setting.light.direction * float(random.uniform(0.35, 0.6)) * scene.setting.scale
    return 1 + depth * (across * x + down * y) - relief * np.float32(0.10 / 255)


def _tool_marks(scene: Scene, random: np.random.Generator) -> Field:
    """Faint parallel lines where the die slid along the metal."""
    size, scale = scene.setting.size, scene.setting.scale
    contrast = float(random.uniform(*knobs.TOOL_MARK_CONTRAST_TO_NOISE)) * scene.setting.texture_and_noise
    angle = math.radians(scene.pose.angle_deg + float(random.choice([0, 90])) + float(random.uniform(-4, 4)))
    spot = scene.spot(random, 8.0) or (size.width // 2, size.height // 2)
    along = np.array([math.cos(angle), math.sin(angle)])
    across = np.array([-along[1], along[0]])
    half = float(random.uniform(25, 80)) * scale
    lines = []
    for index in range(int(random.integers(3, 8))):
        middle = np.array(spot) + across * index * float(random.uniform(4, 8)) * scale
        start, end = middle - along * half * float(random.uniform(0.6, 1)), middle + along * half
        edge = across * float(random.uniform(0.5, 1.0))
        lines.append(np.array([start - edge, end - edge, end + edge, start + edge]))
    return 1 + contrast * float(random.choice([-1.0, 1.0])) * coverage(lines, size)


def _cast_shadow(scene: Scene, random: np.random.Generator) -> Field:
    """A soft band of shade, as a cable or a guide rail above the belt throws."""
    size = scene.setting.size
    angle = float(random.uniform(0, math.pi))
    along, across = np.array([math.cos(angle), math.sin(angle)]), np.array([-math.sin(angle), math.cos(angle)])
    middle = np.array([size.width, size.height]) * random.uniform(0.2, 0.8, size=2)
    reach, half = along * 2 * size.width, across * float(random.uniform(12, 30)) * scene.setting.scale
    band = coverage(
        [np.array([middle - reach - half, middle + reach - half, middle + reach + half, middle - reach + half])], size
    )
    return 1 - float(random.uniform(0.10, 0.22)) * cv2.GaussianBlur(band, (0, 0), 9 * scene.setting.scale)


def _dust(metal: Field, random: np.random.Generator, count: int) -> None:
    rows, columns = random.integers(metal.shape[0], size=count), random.integers(metal.shape[1], size=count)
    metal[rows, columns] *= random.uniform(0.6, 1.5, size=count).astype(np.float32)
