"""A sound bracket on the belt, before any defect: geometry, light and texture of one frame."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from segwright.core import Size
from segwright.demo.frames.looks import Light, Look
from segwright.demo.frames.shapes import Bend, Bracket, Pose, coverage
from segwright.demo.frames.texture import Field, bell, brushed, clouds, weave

EDGE_SIGMA_PX = 1.1
CHAMFER_SIGMA_PX = 2.6


@dataclass(frozen=True)
class Setting:
    """What a frame is taken with: the line's look, the light, and how large things are drawn."""

    size: Size
    scale: float
    look: Look
    light: Light

    @property
    def towards_light(self) -> tuple[float, float]:
        """Unit vector (x, y) in the image pointing at the light."""
        angle = math.radians(self.look.light_deg)
        return math.cos(angle), math.sin(angle)

    @property
    def texture_and_noise(self) -> float:
        """One sigma of a metal pixel, relative to its brightness: brushing and sensor noise together."""
        look = self.look
        level = look.metal[1] * look.gain
        sensor = math.sqrt(look.shot_noise * level + look.read_noise**2) / level
        return math.hypot(look.brushing_amplitude, sensor)


@dataclass(frozen=True)
class Scene:
    """One bracket as it lies: fields are (height, width).

    cover: share of the pixel that is metal. part: cover of one half or more. depth_px: distance of a part pixel to
    the nearest edge, 0 elsewhere. metal: brightness of the sound metal relative to its tone. belt: light from all
    that is not metal, (height, width, 3).
    """

    setting: Setting
    pose: Pose
    bracket: Bracket
    cover: Field
    part: npt.NDArray[np.bool_]
    depth_px: Field
    metal: Field
    belt: Field

    @property
    def part_px(self) -> int:
        return int(np.count_nonzero(self.part))

    @property
    def brushing_deg(self) -> float:
        """Direction of the brushing in the frame, degrees."""
        turn = self.pose.angle_deg
        return turn - self.setting.look.brushing_deg if self.pose.mirrored else turn + self.setting.look.brushing_deg

    def spot(self, random: np.random.Generator, clearance_px: float) -> tuple[int, int] | None:
        """A random part pixel (x, y) at least `clearance_px` from every edge; None where the part is too narrow."""
        coarse = self.depth_px[::4, ::4] > clearance_px
        candidates = np.flatnonzero(coarse)
        if candidates.size == 0:
            return None
        row, column = divmod(int(candidates[random.integers(candidates.size)]), coarse.shape[1])
        return column * 4, row * 4


def build_scene(setting: Setting, bracket: Bracket, pose: Pose, random: np.random.Generator) -> Scene:
    """Lay the bracket on the belt and light it."""
    outline = coverage([pose.to_pixels(bracket.outline)], setting.size)
    holes = coverage([pose.to_pixels(hole) for hole in bracket.holes], setting.size)
    cover = outline * (1 - holes)
    part = cover >= 0.5
    depth = cv2.distanceTransform(part.astype(np.uint8), cv2.DIST_L2, 3)
    light = illumination(setting, random)
    metal = lit_metal(setting, bracket, pose, cover, light, random)
    belt = _belt(setting, cover, light, random)
    return Scene(setting, pose, bracket, cover, part, depth, metal, belt)


def lit_metal(
    setting: Setting, bracket: Bracket, pose: Pose, cover: Field, light: Field, random: np.random.Generator
) -> Field:
    """Brightness of a bracket's sound metal relative to its tone, under `light`: shape, brushing, clouds."""
    metal = light * _relief(setting, bracket, pose, cover, random)
    metal *= 1 + brushed(random, setting.size, setting.look.brushing, _brushing_deg(setting, pose), setting.scale)
    metal *= 1 + setting.look.cloudiness * clouds(random, setting.size, 120 * setting.scale)
    return metal


def linear_field(size: Size, x_slope: float, y_slope: float, offset: float) -> Field:
    """`x_slope * x + y_slope * y + offset` at every pixel."""
    x = (np.arange(size.width) * x_slope + offset).astype(np.float32)
    y = (np.arange(size.height) * y_slope).astype(np.float32)
    return y[:, None] + x[None, :]


def _brushing_deg(setting: Setting, pose: Pose) -> float:
    return pose.angle_deg + (-1 if pose.mirrored else 1) * setting.look.brushing_deg


def illumination(setting: Setting, random: np.random.Generator) -> Field:
    """How much light falls on each pixel, about 1: its fall-off over the frame, and a streak of it."""
    light, size = setting.light, setting.size
    x, y = setting.towards_light
    reach = 2 / math.hypot(size.width, size.height)
    along = linear_field(size, x * reach, y * reach, -(x * size.width + y * size.height) * reach / 2)
    at, width = float(random.uniform(-0.35, 0.5)), float(random.uniform(0.12, 0.22))
    streak = bell((along - at) / width)
    drift = float(random.uniform(0.96, 1.04))
    return drift * (1 + light.gradient * along + light.streak * float(random.uniform(0.6, 1.2)) * streak)


def _relief(setting: Setting, bracket: Bracket, pose: Pose, cover: Field, random: np.random.Generator) -> Field:
    """Brightness of the shaped metal: edges, chamfers and folds; 1 where it lies flat."""
    light = setting.light
    edge = _edge_shade(setting, cover, EDGE_SIGMA_PX * max(1.0, setting.scale**0.5))
    chamfer = _edge_shade(setting, cover, CHAMFER_SIGMA_PX * setting.scale)
    relief = 1 + light.direction * (0.50 * edge[0] + 0.22 * chamfer[0]) + 0.16 * edge[1] - 0.06 * chamfer[1]
    relief *= 1 + float(random.uniform(0.02, 0.05)) * clouds(random, setting.size, 46 * setting.scale) * edge[1]
    for bend in bracket.bends:
        relief *= _bend_shade(setting, bend, pose)
    return relief


def _edge_shade(setting: Setting, cover: Field, sigma_px: float) -> tuple[Field, Field]:
    """How much an edge faces the light (-1..1), and how much it is an edge at all (0..1)."""
    soft = cv2.GaussianBlur(cover, (0, 0), sigma_px)
    strength = sigma_px * math.sqrt(2 * math.pi) / 8
    across = cv2.Sobel(soft, cv2.CV_32F, 1, 0, ksize=3, scale=strength)
    down = cv2.Sobel(soft, cv2.CV_32F, 0, 1, ksize=3, scale=strength)
    x, y = setting.towards_light
    return -(across * x + down * y), cv2.magnitude(across, down)


def _bend_shade(setting: Setting, bend: Bend, pose: Pose) -> Field:
    """A fold: the metal beyond it is tilted away, with a line of light or shade where it turns."""
    matrix = pose.matrix
    towards = np.array(bend.towards) @ matrix[:, :2].T / pose.scale_px
    start = matrix[:, :2] @ np.array(bend.point) + matrix[:, 2]
    x_slope, y_slope = towards / (bend.width * pose.scale_px)
    beyond = linear_field(setting.size, x_slope, y_slope, -float(x_slope * start[0] + y_slope * start[1]))
    far = np.clip(beyond, 0, 12) * np.float32(1 / 12)
    turned = np.clip(beyond + 0.5, 0, 1)
    turned *= turned * (3 - 2 * turned)
    facing = float(towards @ np.array(setting.towards_light)) * setting.light.direction
    tilted = bend.tilt * (0.42 * facing - 0.30 * setting.light.tilt_loss)
    ridge = bend.tilt * (0.42 if facing > 0 else 0.18)
    return 1 + turned * np.float32(tilted) * (1 + np.float32(0.25) * far) + 4 * ridge * turned * (1 - turned)


def belt_texture(setting: Setting, random: np.random.Generator) -> Field:
    """Brightness of the bare belt relative to its tone: weave, wear, at times a seam, dust."""
    look, size, scale = setting.look, setting.size, setting.scale
    grey = 1 + look.weave_amplitude * weave(random, size, look, scale)
    grey += 0.07 * clouds(random, size, 110 * scale)
    if random.random() < 0.35:
        grey *= _seam(setting, random)
    _sprinkle(grey, random, count=int(110 * scale**2), brightness=1.5)
    return grey


def _belt(setting: Setting, cover: Field, lit: Field, random: np.random.Generator) -> Field:
    look, light, scale = setting.look, setting.light, setting.scale
    grey = belt_texture(setting, random)
    x, y = setting.towards_light
    reach = 9 * scale
    shadow = cv2.GaussianBlur(shifted(cover, -x * reach, -y * reach), (0, 0), light.shadow_blur_px * scale)
    grey *= lit * (1 - light.shadow * shadow)
    wall = shifted(cover, 1.6 * scale, 2.8 * scale)
    open_belt = 1 - cover
    side = 0.34 * wall * open_belt
    open_belt *= grey * (1 - wall)
    bands = zip(look.belt, look.metal, strict=True)
    return cv2.merge([open_belt * np.float32(belt) + side * np.float32(metal) for belt, metal in bands])


def shifted(field: Field, right_px: float, down_px: float) -> Field:
    """The field moved, 0 where nothing comes in."""
    move = np.array([[1, 0, right_px], [0, 1, down_px]], dtype=np.float64)
    return cv2.warpAffine(field, move, (field.shape[1], field.shape[0]), flags=cv2.INTER_LINEAR)


def _seam(setting: Setting, random: np.random.Generator) -> Field:
    """Where the belt is joined: a dark line with a light edge."""
    scale = setting.scale
    angle = math.radians(float(random.uniform(60, 120)))
    at = float(random.uniform(0.1, 0.9)) * setting.size.width
    distance = linear_field(setting.size, math.sin(angle) / scale, math.cos(angle) / scale, -at / scale)
    dark = bell(distance / 1.6)
    return 1 - 0.55 * dark + 0.35 * bell((distance - 3.2) / 1.4)


def _sprinkle(field: Field, random: np.random.Generator, count: int, brightness: float) -> None:
    rows = random.integers(field.shape[0], size=count)
    columns = random.integers(field.shape[1], size=count)
    field[rows, columns] *= random.uniform(0.6, 1.0 + 2 * (brightness - 1), size=count).astype(np.float32)
