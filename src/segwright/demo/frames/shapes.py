"""The stamped brackets: outlines, holes and bends in the part's own coordinates, and where a part lies in a frame.

Part coordinates: x right, y down, the unit is roughly the bracket's short side. Points are (count, 2) float arrays.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from segwright.core import Size

Points = npt.NDArray[np.float64]
OVERSAMPLING = 2
SUBPIXEL_BITS = 4
CIRCLE_POINTS = 40


@dataclass(frozen=True)
class Bend:
    """A fold line through `point`; beyond it along the unit vector `towards` the metal tilts by `tilt` (a slope)."""

    point: tuple[float, float]
    towards: tuple[float, float]
    tilt: float
    width: float


@dataclass(frozen=True)
class Bracket:
    """One stamped part: outline, holes (chamfered ones in `chamfered`), fold lines and where its number is stamped."""

    outline: Points
    holes: tuple[Points, ...]
    bends: tuple[Bend, ...]
    stamp_at: tuple[float, float]

    @property
    def area(self) -> float:
        """Area of the metal, in part units."""
        return polygon_area(self.outline) - sum(polygon_area(hole) for hole in self.holes)


@dataclass(frozen=True)
class Pose:
    """Where a part lies: part coordinates to pixels, through the lens (radial distortion about the frame's centre)."""

    centre_px: tuple[float, float]
    angle_deg: float
    scale_px: float
    mirrored: bool
    size: Size
    distortion: float

    @property
    def matrix(self) -> npt.NDArray[np.float64]:
        """The 2x3 affine part of the pose, before distortion: part (x, y) to pixel (x, y)."""
        angle = math.radians(self.angle_deg)
        flip = -1.0 if self.mirrored else 1.0
        cos, sin = math.cos(angle) * self.scale_px, math.sin(angle) * self.scale_px
        return np.array([[cos * flip, -sin, self.centre_px[0]], [sin * flip, cos, self.centre_px[1]]])

    def to_pixels(self, points: Points) -> Points:
        """Pixel (x, y) of part points; pixel centres lie at whole numbers."""
        flat = points @ self.matrix[:, :2].T + self.matrix[:, 2]
        middle = np.array([(self.size.width - 1) / 2, (self.size.height - 1) / 2])
        offset = flat - middle
        radius2 = (offset**2).sum(axis=1, keepdims=True) / (middle**2).sum()
        return middle + offset * (1 + self.distortion * radius2)


def polygon_area(points: Points) -> float:
    """Area inside a closed outline, positive whichever way round it goes."""
    x, y = points[:, 0], points[:, 1]
    return abs(float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))) / 2


def rounded(corners: Sequence[tuple[float, float]], radius: float) -> Points:
    """A closed outline with every corner rounded, and its straight sides cut into short steps for the lens to bend."""
    points = np.array(corners, dtype=np.float64)
    out = []
    for index, corner in enumerate(points):
        before, after = points[index - 1] - corner, points[(index + 1) % len(points)] - corner
        reach_before = min(radius, 0.45 * float(np.linalg.norm(before)))
        reach_after = min(radius, 0.45 * float(np.linalg.norm(after)))
        start = corner + before / np.linalg.norm(before) * reach_before
        end = corner + after / np.linalg.norm(after) * reach_after
        steps = np.linspace(0, 1, 9)[:, None]
        out.append((1 - steps) ** 2 * start + 2 * steps * (1 - steps) * corner + steps**2 * end)
    return _subdivided(np.concatenate(out), step=0.05)


def circle(centre: tuple[float, float], radius: float) -> Points:
    angle = np.linspace(0, 2 * math.pi, CIRCLE_POINTS, endpoint=False)
    return np.stack([centre[0] + radius * np.cos(angle), centre[1] + radius * np.sin(angle)], axis=1)


def slot(centre: tuple[float, float], length: float, width: float, upright: bool) -> Points:
    """A slotted hole: a rectangle with round ends."""
    half = (max(length, width * 1.01) - width) / 2
    turn = np.linspace(-math.pi / 2, math.pi / 2, CIRCLE_POINTS // 2)
    right = np.stack([half + width / 2 * np.cos(turn), width / 2 * np.sin(turn)], axis=1)
    points = np.concatenate([right, -right])
    return _subdivided((points[:, ::-1] if upright else points) + np.array(centre), step=0.05)


def draw_bracket(random: np.random.Generator) -> Bracket:
    """One of the bracket families, with its own proportions."""
    return (_angle_bracket, _slotted_plate, _u_bracket, _t_bracket)[int(random.integers(4))](random)


def place(bracket: Bracket, size: Size, share: float, distortion: float, random: np.random.Generator) -> Pose:
    """A pose whose metal covers about `share` of the frame: turned a little, wholly inside."""
    turn = float(random.choice([0.0, 180.0]))
    mirrored = bool(random.random() < 0.5)
    tilt = float(random.uniform(-13, 13))
    for shrink in (1.0, 0.6, 0.35, 0.1, 0.0):
        pose = Pose((0.0, 0.0), turn + tilt * shrink, 1.0, mirrored, size, 0.0)
        spread = bracket.outline @ pose.matrix[:, :2].T
        extent = np.ptp(spread, axis=0)
        scale = math.sqrt(share * size.area_px / bracket.area)
        fitting = min(0.965 * size.width / extent[0], 0.965 * size.height / extent[1])
        if scale <= fitting:
            break
    scale = min(scale, fitting)
    room = np.array([size.width, size.height]) - extent * scale
    corner = room * random.uniform(0.12, 0.88, size=2)
    centre = corner - spread.min(axis=0) * scale
    return Pose((float(centre[0]), float(centre[1])), pose.angle_deg, scale, mirrored, size, distortion)


def coverage(outlines: Sequence[Points], size: Size) -> npt.NDArray[np.float32]:
    """The share of each pixel that closed pixel outlines cover, 0..1, antialiased; (height, width).

    OpenCV fills the pixels an outline runs through as well: shapes come out up to a quarter pixel larger a side.
    """
    canvas = np.zeros((size.height * OVERSAMPLING, size.width * OVERSAMPLING), dtype=np.uint8)
    fill(canvas, outlines, OVERSAMPLING, 255)
    small = cv2.resize(canvas, (size.width, size.height), interpolation=cv2.INTER_AREA)
    return small.astype(np.float32) * np.float32(1 / 255)


def fill(canvas: npt.NDArray[np.uint8], outlines: Sequence[Points], oversampling: int, value: int) -> None:
    """Paint closed pixel outlines onto an oversampled canvas, in place."""
    fine = [
        np.round(((points + 0.5) * oversampling - 0.5) * (1 << SUBPIXEL_BITS)).astype(np.int32) for points in outlines
    ]
    for outline in fine:
        cv2.fillPoly(canvas, [outline], value, lineType=cv2.LINE_8, shift=SUBPIXEL_BITS)


def _subdivided(points: Points, step: float) -> Points:
    after = np.roll(points, -1, axis=0)
    pieces = []
    for start, end in zip(points, after, strict=True):
        count = max(1, math.ceil(float(np.linalg.norm(end - start)) / step))
        pieces.append(start + (end - start) * np.linspace(0, 1, count, endpoint=False)[:, None])
    return np.concatenate(pieces)


def _angle_bracket(random: np.random.Generator) -> Bracket:
    width, height = random.uniform(1.32, 1.5), random.uniform(1.0, 1.1)
    arm, foot = random.uniform(0.48, 0.60), random.uniform(0.42, 0.52)
    corners = [(0, 0), (arm, 0), (arm, height - foot), (width, height - foot), (width, height), (0, height)]
    radius = random.uniform(0.05, 0.065)
    holes = [
        circle((arm / 2, 0.17), radius),
        circle((width - 0.18, height - foot / 2), radius),
        slot((arm * 0.95 + (width - arm) * 0.35, height - foot / 2), random.uniform(0.2, 0.32), 0.09, upright=False),
    ]
    if random.random() < 0.6:
        holes.append(circle((arm / 2, height - foot / 2), random.uniform(0.07, 0.10)))
    fold = height - foot - random.uniform(0.06, 0.14)
    bends = (Bend((0, fold), (0, -1), random.uniform(0.35, 0.7), 0.035),)
    return _centred(rounded(corners, random.uniform(0.05, 0.12)), holes, bends, (arm / 2, (0.25 + fold) / 2))


def _slotted_plate(random: np.random.Generator) -> Bracket:
    width, height = random.uniform(1.25, 1.5), random.uniform(0.78, 0.92)
    cut = random.uniform(0.10, 0.22)
    corners = [(0, 0), (width - cut, 0), (width, cut), (width, height), (cut, height), (0, height - cut)]
    upright = bool(random.random() < 0.5)
    length = random.uniform(0.26, 0.36)
    holes = [slot((width * at, height * 0.5), length, 0.11, upright) for at in (0.24, 0.76)]
    radius = random.uniform(0.045, 0.06)
    holes += [circle(at, radius) for at in ((0.12, 0.12), (width - 0.12, height - 0.12))]
    if random.random() < 0.6:
        holes.append(circle((width / 2, height / 2), random.uniform(0.10, 0.14)))
    bends = ()
    if random.random() < 0.5:
        bends = (Bend((width * 0.93, 0), (1, 0), random.uniform(0.3, 0.6), 0.03),)
    return _centred(rounded(corners, random.uniform(0.04, 0.09)), holes, bends, (width * 0.5, height * 0.82))


def _u_bracket(random: np.random.Generator) -> Bracket:
    width, height = random.uniform(1.35, 1.55), random.uniform(0.72, 0.86)
    ear, notch = random.uniform(0.24, 0.32), random.uniform(0.05, 0.10)
    corners = [
        (0, notch), (ear, notch), (ear + 0.06, 0), (width - ear - 0.06, 0), (width - ear, notch), (width, notch),
        (width, height - notch), (width - ear, height - notch), (width - ear - 0.06, height),
        (ear + 0.06, height), (ear, height - notch), (0, height - notch),
    ]  # fmt: skip
    radius = random.uniform(0.05, 0.065)
    holes = [circle((ear / 2, height / 2), radius), circle((width - ear / 2, height / 2), radius)]
    if random.random() < 0.5:
        holes.append(slot((width / 2, height * 0.35), random.uniform(0.28, 0.42), 0.12, upright=False))
    else:
        holes.append(circle((width / 2, height * 0.4), random.uniform(0.10, 0.13)))
    tilt = random.uniform(0.4, 0.75)
    bends = (Bend((ear + 0.05, 0), (-1, 0), tilt, 0.035), Bend((width - ear - 0.05, 0), (1, 0), tilt, 0.035))
    return _centred(rounded(corners, random.uniform(0.04, 0.08)), holes, bends, (width / 2, height * 0.78))


def _t_bracket(random: np.random.Generator) -> Bracket:
    width, height = random.uniform(1.35, 1.5), random.uniform(1.0, 1.1)
    bar, stem = random.uniform(0.46, 0.56), random.uniform(0.54, 0.68)
    left = width / 2 - stem / 2 + random.uniform(-0.12, 0.12)
    corners = [
        (0, 0),
        (width, 0),
        (width, bar),
        (left + stem, bar),
        (left + stem, height),
        (left, height),
        (left, bar),
        (0, bar),
    ]
    radius = random.uniform(0.048, 0.062)
    holes = [circle((0.15, bar / 2), radius), circle((width - 0.15, bar / 2), radius)]
    holes.append(slot((left + stem / 2, height - 0.2), 0.24, 0.09, upright=False))
    if random.random() < 0.5:
        holes.append(circle((left + stem / 2, bar * 0.5), random.uniform(0.07, 0.1)))
    bends = (Bend((0, bar + random.uniform(0.03, 0.08)), (0, 1), random.uniform(0.35, 0.7), 0.035),)
    return _centred(rounded(corners, random.uniform(0.04, 0.10)), holes, bends, (width * 0.36, bar * 0.78))


def _centred(outline: Points, holes: Sequence[Points], bends: Sequence[Bend], stamp_at: tuple[float, float]) -> Bracket:
    middle = (outline.min(axis=0) + outline.max(axis=0)) / 2
    moved = tuple(
        Bend((bend.point[0] - middle[0], bend.point[1] - middle[1]), bend.towards, bend.tilt, bend.width)
        for bend in bends
    )
    stamp = (stamp_at[0] - middle[0], stamp_at[1] - middle[1])
    return Bracket(outline - middle, tuple(hole - middle for hole in holes), moved, stamp)
