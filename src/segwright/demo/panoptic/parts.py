"""Bolts and brackets as they lie: the pixels each covers, wherever in or out of the frame, and how its metal shines."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from segwright.core import Box, Size
from segwright.demo.frames.looks import Colour
from segwright.demo.frames.scene import Setting, lit_metal
from segwright.demo.frames.shapes import Points, Pose, coverage, draw_bracket
from segwright.demo.frames.texture import Field, clouds
from segwright.demo.panoptic.spec import BOLT, BRACKET

BRACKET_SCALE_PX = (76.0, 118.0)  # of the bracket's short side, at 640 px frame width, as all below
BOLT_LENGTH_PX = (44.0, 92.0)
SHANK_RADIUS_PX = (6.0, 9.5)
HEAD_RADIUS_PX = (13.0, 20.0)
STANDING_SHARE = 0.3  # of the bolts stand on their heads' faces: one sees the hexagon
FINISHES: tuple[Colour, ...] = ((0.50, 0.52, 0.55), (0.21, 0.22, 0.27), (0.58, 0.46, 0.20))  # zinc, burnished, brass
MARGIN_PX = 2

Shade = Callable[[Setting, Field, Field, np.random.Generator], Field]
"""(setting of the patch, cover, light, random) -> light (height, width, 3) that the part sends back."""


@dataclass(frozen=True)
class Part:
    """A part where it lies. `box` is the frame's pixels that `cover` (share of each, 0..1) speaks of; it may stick out.

    `height_px` is how far the part stands over what it lies on: how far its shadow falls.
    """

    class_id: int
    box: Box
    cover: Field
    shade: Shade
    height_px: float

    @property
    def mask(self) -> npt.NDArray[np.bool_]:
        """The pixels that are the part's, of `box`."""
        return self.cover >= 0.5


def draw_part(
    class_id: int, centre: tuple[float, float], setting: Setting, tones: Colour, random: np.random.Generator
) -> Part:
    """A bracket or bolt of its own shape, turned any way, with its middle at `centre` (x, y) px of the frame."""
    if class_id == BRACKET:
        return _bracket(centre, setting, tones, random)
    standing = random.random() < STANDING_SHARE
    return _standing_bolt(centre, setting, random) if standing else _lying_bolt(centre, setting, random)


def _bracket(centre: tuple[float, float], setting: Setting, tones: Colour, random: np.random.Generator) -> Part:
    bracket = draw_bracket(random)
    scale = float(random.uniform(*BRACKET_SCALE_PX)) * setting.scale
    pose = Pose(centre, float(random.uniform(0, 360)), scale, bool(random.random() < 0.5), setting.size, 0.0)
    box = _box_around(pose.to_pixels(bracket.outline))
    size = Size(box.height, box.width)
    local = replace(pose, centre_px=(centre[0] - box.left, centre[1] - box.top), size=size)
    holes = coverage([local.to_pixels(hole) for hole in bracket.holes], size)
    cover = coverage([local.to_pixels(bracket.outline)], size) * (1 - holes)

    def shade(setting: Setting, cover: Field, light: Field, random: np.random.Generator) -> Field:
        grey = lit_metal(setting, bracket, local, cover, light, random)
        return _toned(grey, tones)

    return Part(BRACKET, box, cover, shade, 3.0 * setting.scale)


def _lying_bolt(centre: tuple[float, float], setting: Setting, random: np.random.Generator) -> Part:
    scale = setting.scale
    length, radius = (float(random.uniform(*span)) * scale for span in (BOLT_LENGTH_PX, SHANK_RADIUS_PX))
    head = min(radius * float(random.uniform(1.25, 1.45)), 0.3 * length)
    half, wide = length / 2, radius * float(random.uniform(1.65, 1.9))
    neck, chamfer = -half + head, 0.3 * radius
    outline = np.array(
        [
            (-half + chamfer, -wide), (neck, -wide), (neck, -radius), (half - chamfer, -radius), (half, -0.7 * radius),
            (half, 0.7 * radius), (half - chamfer, radius), (neck, radius), (neck, wide), (-half + chamfer, wide),
            (-half, 0.8 * wide), (-half, -0.8 * wide),
        ]
    )  # fmt: skip
    angle, pitch = float(random.uniform(0, 2 * math.pi)), max(2.2, 2.6 * scale)
    tones, thread_from = FINISHES[int(random.integers(len(FINISHES)))], neck + float(random.uniform(0, 0.5)) * length
    box, cover = _covered(outline, angle, centre)

    def shade(setting: Setting, cover: Field, light: Field, random: np.random.Generator) -> Field:  # noqa: ARG001
        along, across = _axes(box, centre, angle)
        facing = _facing(setting, angle + math.pi / 2)
        round_shank = _cylinder(across / radius, facing)
        thread = 1 + 0.30 * np.cos(2 * math.pi * along / pitch + 0.9 * across / radius) * (along > thread_from)
        facets = np.where(np.abs(across) < 0.5 * wide, 1.0, 0.72 + 0.35 * facing * np.sign(across))
        rim = 1 + 0.5 * np.exp(-(((along - neck) / (0.12 * head)) ** 2))
        grey = np.where(along < neck, facets * rim, round_shank * thread)
        return _toned((grey * light).astype(np.float32), tones)

    return Part(BOLT, box, cover, shade, radius)


def _standing_bolt(centre: tuple[float, float], setting: Setting, random: np.random.Generator) -> Part:
    radius, angle = float(random.uniform(*HEAD_RADIUS_PX)) * setting.scale, float(random.uniform(0, math.pi / 3))
    corners = np.arange(6) * math.pi / 3
    outline = np.stack([radius * np.cos(corners), radius * np.sin(corners)], axis=1)
    tones, socket = FINISHES[int(random.integers(len(FINISHES)))], bool(random.random() < 0.35)
    box, cover = _covered(outline, angle, centre)

    def shade(setting: Setting, cover: Field, light: Field, random: np.random.Generator) -> Field:
        x, y = _axes(box, centre, 0.0)
        distance = np.hypot(x, y) / radius
        facing = np.cos(np.arctan2(y, x) - math.atan2(*setting.towards_light[::-1]))
        ring = np.clip((distance - 0.74) / 0.08, 0, 1)  # the chamfer around the flat face
        grey = 1 + 0.06 * clouds(random, Size(*cover.shape), 9 * setting.scale) + ring * (0.45 * facing - 0.18)
        if socket:
            grey = np.where(distance < 0.36, 0.30 + 0.18 * facing * distance / 0.36, grey)
        return _toned((grey * light).astype(np.float32), tones)

    return Part(BOLT, box, cover, shade, 1.4 * radius)


def _covered(outline: Points, angle: float, centre: tuple[float, float]) -> tuple[Box, Field]:
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    points = outline @ turn + np.array(centre)
    box = _box_around(points)
    return box, coverage([points - np.array([box.left, box.top])], Size(box.height, box.width))


def _box_around(points: Points) -> Box:
    low, high = np.floor(points.min(axis=0)) - MARGIN_PX, np.ceil(points.max(axis=0)) + MARGIN_PX + 1
    return Box(int(low[1]), int(low[0]), int(high[1]), int(high[0]))


def _axes(box: Box, centre: tuple[float, float], angle: float) -> tuple[Field, Field]:
    """Of each pixel of `box` how far it lies along `angle` from the centre, and across it, px."""
    x = (np.arange(box.left, box.right) - centre[0])[None, :]
    y = (np.arange(box.top, box.bottom) - centre[1])[:, None]
    return x * math.cos(angle) + y * math.sin(angle), y * math.cos(angle) - x * math.sin(angle)


def _facing(setting: Setting, angle: float) -> float:
    """How much a slope towards `angle` (radians) looks at the light, -1..1, as strong as the light's direction is."""
    x, y = setting.towards_light
    return setting.light.direction * (math.cos(angle) * x + math.sin(angle) * y)


def _cylinder(across: Field, facing: float) -> Field:
    """Brightness of a rod at `across` (-1..1 from rim to rim): a line of light off the middle, dark rims."""
    slope = np.clip(across, -1, 1)
    shine = np.exp(-(((slope - 0.45 * facing) / 0.22) ** 2))
    return 0.35 + 0.6 * np.sqrt(1 - slope * slope) + 0.25 * slope * facing + 0.5 * shine


def _toned(grey: Field, tones: Colour) -> Field:
    return grey[:, :, None] * np.array(tones, np.float32)
