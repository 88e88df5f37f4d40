"""How a crop is turned, mirrored and scaled: drawn first, so that the crop can then be placed knowing it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segwright.core import Size

Vector = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class GeometryRanges:
    """How far a crop may be turned. Flips are only "valid" where a mirrored part is still a possible part."""

    flip_horizontal: bool = True
    flip_vertical: bool = False
    rotate_degrees: float = 15.0
    scale: tuple[float, float] = (0.8, 1.25)
    warp_share: float = 0.7  # the other crops are cut straight out: they keep the sensor's own sharpness


@dataclass(frozen=True, slots=True, eq=False)
class Geometry:
    """From a crop's pixels to the frame's, but for where the crop lies: `linear` takes (x, y) from its middle."""

    size: Size
    linear: npt.NDArray[np.float64]

    @property
    def middle(self) -> Vector:
        """The crop's middle (x, y), px."""
        return np.array([(self.size.width - 1) / 2, (self.size.height - 1) / 2])

    @property
    def straight(self) -> bool:
        """Whether every pixel of the crop is a pixel of the frame: nothing but mirrored."""
        return bool(np.isin(self.linear, (-1.0, 0.0, 1.0)).all())

    @property
    def magnification(self) -> float:
        """Crop pixels per frame pixel, along a side."""
        return float(abs(np.linalg.det(self.linear)) ** -0.5)

    def offset(self, pixel: npt.ArrayLike) -> Vector:
        """How far from the centre, in frame px (x, y), the crop's `pixel` (x, y) lies in the frame."""
        return self.linear @ (np.asarray(pixel, np.float64) - self.middle)


def draw_geometry(size: Size, ranges: GeometryRanges, rng: np.random.Generator) -> Geometry:
    """A geometry for crops of `size`, at random within `ranges`."""
    mirror_x = -1.0 if ranges.flip_horizontal and rng.random() < 0.5 else 1.0
    mirror_y = -1.0 if ranges.flip_vertical and rng.random() < 0.5 else 1.0
    angle, zoom = 0.0, 1.0
    if rng.random() < ranges.warp_share:
        angle = np.deg2rad(rng.uniform(-ranges.rotate_degrees, ranges.rotate_degrees))
        low, high = np.log(ranges.scale)
        zoom = float(np.exp(rng.uniform(low, high)))
    cosine, sine = np.cos(angle) / zoom, np.sin(angle) / zoom
    return Geometry(size, np.array([[cosine * mirror_x, -sine * mirror_y], [sine * mirror_x, cosine * mirror_y]]))
