"""The three kinds of defect: how each looks on the metal, and what an annotator paints for it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from segwright.core import Box, Size
from segwright.demo.frames import knobs
from segwright.demo.frames.annotator import BRUSH_OVERSAMPLING, brush_width_px, normals, outlined, wandering
from segwright.demo.frames.scene import Scene
from segwright.demo.frames.spec import DENT_ID, DISCOLORATION_ID, SCRATCH_ID
from segwright.demo.frames.texture import Field, clouds

STEP_PX = 2.0
Path = npt.NDArray[np.float64]

# Heat tint on steel from the rim inwards: straw, brown, purple, blue (reflectance per RGB band).
TEMPER_COLOURS = np.array(
    [(1.0, 1.0, 1.0), (1.0, 0.87, 0.60), (0.84, 0.62, 0.42), (0.66, 0.52, 0.60), (0.50, 0.60, 0.84)], dtype=np.float32
)
OIL_COLOUR = np.array([0.72, 0.66, 0.55], dtype=np.float32)


@dataclass(frozen=True)
class Mark:
    """A defect on a bracket, inside `box`: `factor` (height, width, 3) times the metal's light; `painted`, its mask."""

    class_id: int
    box: Box
    painted: npt.NDArray[np.bool_]
    factor: Field


def draw_scratch(scene: Scene, random: np.random.Generator, size: float) -> Mark | None:
    """A thin bright line with a dark edge; `size` 0..1 says how long. None where no room was found."""
    path = _scratch_path(scene, random, size)
    if path is None:
        return None
    width = float(random.uniform(*knobs.SCRATCH_WIDTH_PX))
    box = _box_around(path, margin=8, scene=scene)
    local = path - np.array([box.left, box.top])
    pieces = _broken(local, random) if random.random() < knobs.SCRATCH_BROKEN_SHARE else [local]
    core, shade, painted = (_Strokes(box) for _ in range(3))
    side = float(random.choice([-1.0, 1.0]))
    for piece in pieces:
        strength = _strength_along(len(piece), random)
        core.draw(piece, width, strength)
        shade.draw(piece + normals(piece) * side * (width / 2 + 0.5), 1.4, strength)
        painted.draw(wandering(random, piece, STEP_PX), brush_width_px(width), None)
    contrast = _scratch_contrast(scene, random)
    bright = core.cover()
    factor = 1 + contrast * bright - 0.55 * contrast * shade.cover() * (1 - bright)
    return Mark(SCRATCH_ID, box, painted.cover() >= 0.5, np.repeat(factor[:, :, None], 3, axis=2))


def draw_dent(scene: Scene, random: np.random.Generator, size: float) -> Mark | None:
    """A soft hollow, its wall towards the light dark and the far wall bright; `size` 0..1 says how wide."""
    low, high = knobs.DENT_RADIUS_PX
    radius = (low + (high - low) * size) * scene.setting.scale
    centre = scene.spot(random, radius * 1.08)
    if centre is None:
        return None
    box = _box_of(centre, radius * 1.5, scene)
    x, y, radius2 = _ellipse(box, centre, radius, float(random.uniform(0.68, 1.0)), random)
    inside = np.clip(1 - radius2, 0, 1)
    wall = 2 * np.sqrt(radius2 * inside)
    reach = np.maximum(np.sqrt(x * x + y * y), 1e-3)
    light = scene.setting.towards_light
    facing = -(x * light[0] + y * light[1]) / reach
    shade = float(random.uniform(*knobs.DENT_SHADE))
    lit = scene.setting.light
    factor = 1 + shade * wall * (lit.direction * facing - 0.3 * lit.tilt_loss) - 0.25 * shade * inside
    return Mark(DENT_ID, box, outlined(1 - radius2, random), np.repeat(factor[:, :, None], 3, axis=2))


def draw_tint(scene: Scene, random: np.random.Generator, size: float) -> Mark | None:
    """Heat tint: temper colours with an irregular outline; `size` 0..1 says how wide."""
    blob = _blob(scene, random, knobs.TINT_RADIUS_PX, size, (0.45, 0.95))
    if blob is None:
        return None
    box, field = blob
    heat = np.clip(field / knobs.BLOB_EDGE_SOFTNESS, 0, 1)
    peak = float(random.uniform(1.6, 4.0))
    depth = np.clip(1.15 + field * peak * 1.4, 0, peak)
    colour = _ramp(TEMPER_COLOURS, depth)
    strength = float(random.uniform(*knobs.TINT_STRENGTH))
    factor = 1 + (heat * strength)[:, :, None] * (colour - 1)
    return Mark(DISCOLORATION_ID, box, _painted_blob(field, random), factor)


def draw_smudge(scene: Scene, random: np.random.Generator, size: float) -> Mark | None:
    """An oil smudge: darker, brownish, half transparent, a glossy rim; `size` 0..1 says how wide. Harmless."""
    blob = _blob(scene, random, knobs.SMUDGE_RADIUS_PX, size, (0.35, 0.8))
    if blob is None:
        return None
    box, field = blob
    film = np.clip(field / knobs.BLOB_EDGE_SOFTNESS, 0, 1)
    strength = float(random.uniform(*knobs.SMUDGE_STRENGTH))
    rim = film * (1 - film) * 4
    factor = 1 + (film * strength)[:, :, None] * (OIL_COLOUR - 1) - (0.10 * rim)[:, :, None]
    gloss = np.clip(clouds(random, _size_of(box), 9 * scene.setting.scale) - 1.1, 0, 0.7) * film
    return Mark(DISCOLORATION_ID, box, _painted_blob(field, random), factor + 0.22 * gloss[:, :, None])


DRAW: dict[str, Callable[[Scene, np.random.Generator, float], Mark | None]] = {
    "scratch": draw_scratch,
    "dent": draw_dent,
    "tint": draw_tint,
    "smudge": draw_smudge,
}


class _Strokes:
    """Lines drawn with antialiasing inside a box."""

    def __init__(self, box: Box) -> None:
        self._canvas = np.zeros((box.height * BRUSH_OVERSAMPLING, box.width * BRUSH_OVERSAMPLING), dtype=np.uint8)
        self._width = box.width
        self._height = box.height

    def draw(self, path: Path, width_px: float, strength: npt.NDArray[np.float64] | None) -> None:
        """Draw a path (pixel coordinates inside the box) of a width; `strength` 0..1 for each point, None is 1."""
        fine = np.round(((path + 0.5) * BRUSH_OVERSAMPLING - 0.5) * 16).astype(np.int32)
        thickness = max(1, round(width_px * BRUSH_OVERSAMPLING))
        if strength is None:
            cv2.polylines(self._canvas, [fine], False, 255, thickness, cv2.LINE_8, 4)
            return
        for index in range(len(fine) - 1):
            start, end = fine[index].tolist(), fine[index + 1].tolist()
            cv2.line(self._canvas, start, end, int(255 * strength[index]), thickness, cv2.LINE_8, 4)

    def cover(self) -> Field:
        small = cv2.resize(self._canvas, (self._width, self._height), interpolation=cv2.INTER_AREA)
        return small.astype(np.float32) * np.float32(1 / 255)


def _scratch_path(scene: Scene, random: np.random.Generator, size: float) -> Path | None:
    low, high = knobs.SCRATCH_LENGTH_PX
    length = (low + (high - low) * size) * scene.setting.scale
    for _attempt in range(6):
        start = scene.spot(random, 6.0)
        if start is None:
            return None
        heading = _off_brushing(scene, random)
        bow = float(random.normal(0, 0.9)) if random.random() < 0.7 else 0.0
        path = _longest_inside(scene, _walk(start, heading, length, bow, random))
        if len(path) * STEP_PX >= min(0.5 * length, 45.0):
            return path
    return None


def _off_brushing(scene: Scene, random: np.random.Generator) -> float:
    """A heading in radians at least the knob's angle off the brushing."""
    least = knobs.SCRATCH_OFF_BRUSHING_DEG
    return math.radians(scene.brushing_deg + float(random.uniform(least, 180 - least)))


def _walk(start: tuple[int, int], heading: float, length: float, bow: float, random: np.random.Generator) -> Path:
    """A path through `start` with points `STEP_PX` apart, turning by `bow` radians in all, with a slight waver."""
    count = max(8, round(length / STEP_PX))
    waver = np.cumsum(random.normal(0, 0.012, count))
    angle = heading + bow * (np.linspace(-0.5, 0.5, count)) + waver - waver[count // 2]
    steps = np.stack([np.cos(angle), np.sin(angle)], axis=1) * STEP_PX
    path = np.cumsum(steps, axis=0)
    return path - path[count // 2] + np.array(start, dtype=np.float64)


def _longest_inside(scene: Scene, path: Path) -> Path:
    """The part of the path around its middle that stays on the metal, 4 px from its edges."""
    columns, rows = np.round(path).astype(int).T
    height, width = scene.depth_px.shape
    inside = (columns >= 0) & (rows >= 0) & (columns < width) & (rows < height)
    inside[inside] = scene.depth_px[rows[inside], columns[inside]] > 4
    outside = np.flatnonzero(~inside)
    middle = len(path) // 2
    first = int(outside[outside < middle].max(initial=-1)) + 1
    last = int(outside[outside >= middle].min(initial=len(path)))
    return path[first:last]


def _broken(path: Path, random: np.random.Generator) -> list[Path]:
    """The path with one or two gaps of 8 px or more: pieces an annotator paints one by one."""
    pieces, start = [], 0
    for cut in sorted(random.uniform(0.25, 0.8, size=int(random.integers(1, 3)))):
        end = int(cut * len(path))
        pieces.append(path[start:end])
        start = end + max(6, int(random.uniform(0.04, 0.12) * len(path)))
    pieces.append(path[start:])
    long_enough = [piece for piece in pieces if len(piece) * STEP_PX >= 18]
    return long_enough or [path]


def _strength_along(count: int, random: np.random.Generator) -> npt.NDArray[np.float64]:
    """Relative contrast along a scratch: slow changes, and thinner at both ends; never under 0.55."""
    knots = random.uniform(0.62, 1.0, size=5)
    along = np.interp(np.linspace(0, 4, count), np.arange(5), knots)
    ends = np.minimum(np.arange(count), np.arange(count)[::-1]) / 4
    return along * np.clip(0.6 + 0.4 * ends, 0.6, 1.0)


def _scratch_contrast(scene: Scene, random: np.random.Generator) -> float:
    ratio = float(random.uniform(*knobs.SCRATCH_CONTRAST_TO_NOISE))
    return min(0.9, max(knobs.SCRATCH_LEAST_CONTRAST, ratio * scene.setting.texture_and_noise))


def _blob(
    scene: Scene, random: np.random.Generator, radii_px: tuple[float, float], size: float, flat: tuple[float, float]
) -> tuple[Box, Field] | None:
    """An irregular blob as a field: above 0 inside, 1 at the most; its box."""
    radius = (radii_px[0] + (radii_px[1] - radii_px[0]) * size) * scene.setting.scale
    centre = scene.spot(random, min(radius * 0.6, 14 * scene.setting.scale))
    if centre is None:
        return None
    box = _box_of(centre, radius * 1.7, scene)
    _x, _y, radius2 = _ellipse(box, centre, radius, float(random.uniform(*flat)), random)
    rough = 0.34 * clouds(random, _size_of(box), radius * 0.75) + 0.13 * clouds(random, _size_of(box), radius * 0.28)
    return box, np.minimum(1 - radius2 + rough * np.minimum(1, radius2 + 0.3), 1).astype(np.float32)


def _painted_blob(field: Field, random: np.random.Generator) -> npt.NDArray[np.bool_]:
    return outlined(field - np.float32(knobs.BLOB_EDGE_SOFTNESS / 2), random)


def _ellipse(
    box: Box, centre: tuple[int, int], radius: float, flatness: float, random: np.random.Generator
) -> tuple[Field, Field, Field]:
    """Offsets x, y from the centre in pixels, and the squared radius (1 on a slightly uneven ellipse)."""
    x = np.arange(box.left, box.right, dtype=np.float32)[None, :] - centre[0] + np.zeros((box.height, 1), np.float32)
    y = np.arange(box.top, box.bottom, dtype=np.float32)[:, None] - centre[1] + np.zeros((1, box.width), np.float32)
    turn = float(random.uniform(0, math.pi))
    along, across = x * math.cos(turn) + y * math.sin(turn), y * math.cos(turn) - x * math.sin(turn)
    around = np.arctan2(across, along)
    uneven = (
        1
        + 0.07 * np.cos(2 * around + float(random.uniform(0, 6.3)))
        + 0.05 * np.cos(3 * around + float(random.uniform(0, 6.3)))
    )
    radius2 = ((along / radius) ** 2 + (across / (radius * flatness)) ** 2) * uneven
    return x, y, radius2.astype(np.float32)


def _ramp(colours: npt.NDArray[np.float32], at: Field) -> Field:
    """Colours (steps, 3) interpolated at fractional steps (height, width)."""
    low = np.clip(at.astype(np.intp), 0, len(colours) - 2)
    share = (at - low)[:, :, None]
    return colours[low] * (1 - share) + colours[low + 1] * share


def _box_of(centre: tuple[int, int], reach_px: float, scene: Scene) -> Box:
    reach = math.ceil(reach_px)
    box = Box(centre[1] - reach, centre[0] - reach, centre[1] + reach + 1, centre[0] + reach + 1)
    return box.clipped(scene.setting.size)


def _box_around(path: Path, margin: int, scene: Scene) -> Box:
    left, top = np.floor(path.min(axis=0)).astype(int) - margin
    right, bottom = np.ceil(path.max(axis=0)).astype(int) + margin + 1
    return Box(int(top), int(left), int(bottom), int(right)).clipped(scene.setting.size)


def _size_of(box: Box) -> Size:
    return Size(box.height, box.width)
