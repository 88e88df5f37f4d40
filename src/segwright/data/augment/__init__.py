"""Random crops and their augmentation: one OpenCV warp for the geometry, then colour and sensor effects on the crop.

Label maps are warped by nearest neighbour only; what comes from outside the frame is void. Every function takes a
`numpy.random.Generator`, so a sample depends on its seed and on nothing else.
"""

from segwright.data.augment.colour import ColourRanges, vary_colour
from segwright.data.augment.geometry import GeometryRanges, warped_crop

__all__ = ["ColourRanges", "GeometryRanges", "vary_colour", "warped_crop"]
