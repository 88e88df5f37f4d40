"""Random crops and their augmentation: one OpenCV warp for the geometry, then colour and sensor effects on the crop.

Label maps are warped by nearest neighbour only; what comes from outside the frame is void. Every function takes a
`numpy.random.Generator`, so a sample depends on its seed and on nothing else.
"""

from segwright.data.augment.colour import ColourRanges, vary_colour
from segwright.data.augment.cut import cut, warped_crop
from segwright.data.augment.geometry import Geometry, GeometryRanges, draw_geometry
from segwright.data.augment.place import centre_anywhere, centre_on

__all__ = [
    "ColourRanges",
    "Geometry",
    "GeometryRanges",
    "centre_anywhere",
    "centre_on",
    "cut",
    "draw_geometry",
    "vary_colour",
    "warped_crop",
]
