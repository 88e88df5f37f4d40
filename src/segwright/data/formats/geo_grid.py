"""Where a raster's pixels lie on the map: world coordinates to pixel coordinates and back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segwright.core import Size

Points = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Grid:
    """A raster of `size` on the map. Pixel coordinates are x, y from the top left corner of the top left pixel.

    `affine` is (a, b, c, d, e, f): world x = a x + b y + c, world y = d x + e y + f, in the units of `crs` (its text as
    rasterio gives it, "" where the file says none). The centre of the top left pixel is (0.5, 0.5).

    Source: the affine transform of rasterio and GDAL (there the order of a geotransform is c, a, b, f, d, e).
    """

    affine: tuple[float, float, float, float, float, float]
    size: Size
    crs: str = ""

    def to_pixels(self, world: Points) -> Points:
        """World coordinates (n, 2) as pixel coordinates (n, 2), not rounded; a grid without area is a ValueError."""
        a, b, c, d, e, f = self.affine
        area = a * e - b * d
        if area == 0:
            raise ValueError(f"the pixels of {self.affine} have no area")
        x, y = world[:, 0] - c, world[:, 1] - f
        return np.column_stack([(e * x - b * y) / area, (a * y - d * x) / area])

    def to_world(self, pixels: Points) -> Points:
        """Pixel coordinates (n, 2) as world coordinates (n, 2)."""
        a, b, c, d, e, f = self.affine
        x, y = pixels[:, 0], pixels[:, 1]
        return np.column_stack([a * x + b * y + c, d * x + e * y + f])
