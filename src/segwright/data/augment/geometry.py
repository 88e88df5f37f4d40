"""How a crop is turned, mirrored, scaled and bent: drawn first, so that the crop can then be placed knowing it.

All of it acts on any pixel type and any number of bands. A range of 0 draws no number, so that switching one effect on
leaves what the others do, and a crop is the same as before there was such an effect.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from segwright.core import Size

Vector = npt.NDArray[np.float64]
# Nodes of the elastic field lie this share of the crop's longer side apart, and move by this share of that distance:
# further, and neighbours could change places, which would fold the picture.
NODE_SHARE, NODE_REACH = 1 / 8, 0.15
# How often each bend is used on a warped crop: all at once on every crop would leave nothing as the lens sees it.
BEND_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class GeometryRanges:
    """How far a crop may be turned. Flips are only "valid" where a mirrored part is still a possible part."""

    flip_horizontal: bool = True
    flip_vertical: bool = False
    rotate_degrees: float = 15.0
    scale: tuple[float, float] = (0.8, 1.25)
    warp_share: float = 0.7  # the other crops are cut straight out: they keep the sensor's own sharpness
    quarter_turns: bool = False
    shear_degrees: float = 0.0
    perspective: float = 0.0  # how much nearer one edge comes than the middle, 0 to 0.5
    elastic: float = 0.0  # 1 is as far as nothing folds
    distortion: float = 0.0  # barrel or pincushion: how far a corner moves, as a share of its distance, 0 to 0.3


@dataclass(frozen=True, slots=True, eq=False)
class Geometry:
    """From a crop's pixels to the frame's, but for where the crop lies: `linear` takes (x, y) from its middle.

    Before that, pixels are moved by the lens (`lens` is the share at the corner), by perspective (`tilt`, the change of
    distance at the edges), and by `shift` px, a field (height, width, 2) of (x, y).
    """

    size: Size
    linear: npt.NDArray[np.float64]
    lens: float = 0.0
    tilt: tuple[float, float] = (0.0, 0.0)
    shift: npt.NDArray[np.float32] | None = None

    @property
    def middle(self) -> Vector:
        """The crop's middle (x, y), px."""
        return np.array([(self.size.width - 1) / 2, (self.size.height - 1) / 2])

    @property
    def bent(self) -> bool:
        """Whether straight lines may become curves or change their angles unevenly: more than one matrix can say."""
        return self.lens != 0.0 or self.tilt != (0.0, 0.0) or self.shift is not None

    @property
    def straight(self) -> bool:
        """Whether every pixel of the crop is a pixel of the frame: nothing but mirrored and turned by quarters."""
        return not self.bent and bool(np.isin(self.linear, (-1.0, 0.0, 1.0)).all())

    @property
    def magnification(self) -> float:
        """Crop pixels per frame pixel, along a side."""
        return float(abs(np.linalg.det(self.linear)) ** -0.5)

    def offset(self, pixel: npt.ArrayLike) -> Vector:
        """How far from the centre, in frame px (x, y), the crop's whole `pixel` (x, y) lies in the frame."""
        at = np.asarray(pixel, np.float64)
        moved = np.array(self._bend(*(at - self.middle)))
        if self.shift is not None:
            column, row = np.clip(np.rint(at), 0, np.array([self.size.width, self.size.height]) - 1).astype(int)
            moved += self.shift[row, column]
        return self.linear @ moved

    def grid(self) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """`offset` of every pixel of the crop: x and y, each (height, width)."""
        x, y = self._bend(*_from_middle(self.size))
        if self.shift is not None:
            x, y = x + self.shift[..., 0], y + self.shift[..., 1]
        (a, b), (c, d) = self.linear.astype(np.float32)
        return a * x + b * y, c * x + d * y

    def _bend(self, x: npt.NDArray, y: npt.NDArray) -> tuple[npt.NDArray, npt.NDArray]:
        """Lens, then perspective, of positions from the middle."""
        half = np.float32(max(self.size.width, self.size.height) / 2)
        if self.lens:
            # 1 at the middle, 1 + lens at the corner of a square
            grown = 1 + np.float32(self.lens / 2) * ((x / half) ** 2 + (y / half) ** 2)
            x, y = x * grown, y * grown
        if self.tilt != (0.0, 0.0):
            right, down = np.float32(self.tilt[0]) / half, np.float32(self.tilt[1]) / half
            distance = 1 + right * x + down * y
            x, y = x / distance, y / distance
        return x, y


def draw_geometry(size: Size, ranges: GeometryRanges, rng: np.random.Generator) -> Geometry:
    """A geometry for crops of `size`, at random within `ranges`."""
    mirror_x = -1.0 if ranges.flip_horizontal and rng.random() < 0.5 else 1.0
    mirror_y = -1.0 if ranges.flip_vertical and rng.random() < 0.5 else 1.0
    mirrored = np.diag([mirror_x, mirror_y])
    if ranges.quarter_turns:
        mirrored = _quarter(int(rng.integers(4))) @ mirrored
    if rng.random() >= ranges.warp_share:
        return Geometry(size, mirrored)
    angle = np.deg2rad(rng.uniform(-ranges.rotate_degrees, ranges.rotate_degrees))
    low, high = np.log(ranges.scale)
    zoom = float(np.exp(rng.uniform(low, high)))
    cosine, sine = np.cos(angle) / zoom, np.sin(angle) / zoom
    linear = np.array([[cosine, -sine], [sine, cosine]]) @ mirrored
    if ranges.shear_degrees:
        slope = np.tan(np.deg2rad(rng.uniform(-ranges.shear_degrees, ranges.shear_degrees)))
        linear = linear @ np.array([[1.0, slope], [0.0, 1.0]])
    lens, tilt = 0.0, (0.0, 0.0)
    if ranges.distortion and rng.random() < BEND_SHARE:
        lens = float(rng.uniform(-ranges.distortion, ranges.distortion))
    if ranges.perspective and rng.random() < BEND_SHARE:
        right, down = rng.uniform(-ranges.perspective, ranges.perspective, 2) / 2
        tilt = (float(right), float(down))
    shift = _elastic(size, ranges.elastic, rng) if ranges.elastic and rng.random() < BEND_SHARE else None
    return Geometry(size, linear, lens, tilt, shift)


def _quarter(turns: int) -> npt.NDArray[np.float64]:
    return np.linalg.matrix_power(np.array([[0.0, -1.0], [1.0, 0.0]]), turns)


def _elastic(size: Size, strength: float, rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """A smooth field (height, width, 2) of shifts, px: few random nodes, drawn out by cubic interpolation.

    Source: the free-form deformation of Rueckert et al. 1999; noise blurred at full size (Simard et al. 2003) gives the
    like for many times the time.
    """
    apart = max(8.0, NODE_SHARE * max(size.width, size.height))
    shape = int(np.ceil(size.height / apart)) + 1, int(np.ceil(size.width / apart)) + 1, 2
    nodes = rng.uniform(-1, 1, shape).astype(np.float32) * np.float32(strength * NODE_REACH * apart)
    field = cv2.resize(nodes, (size.width, size.height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(field, np.float32)


@lru_cache(maxsize=8)
def _from_middle(size: Size) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """x and y of each pixel from the crop's middle, as a row and a column."""
    x = np.arange(size.width, dtype=np.float32) - np.float32((size.width - 1) / 2)
    y = np.arange(size.height, dtype=np.float32) - np.float32((size.height - 1) / 2)
    return x[np.newaxis, :], y[:, np.newaxis]
