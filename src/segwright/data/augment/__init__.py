"""Random crops and their augmentation: one OpenCV warp for the geometry, then what is mixed in, then light,
colour and sensor effects on the crop.

Label maps are warped by nearest neighbour only; what comes from outside the frame is void. Every function takes a
`numpy.random.Generator`, so a sample depends on its seed and on nothing else.
"""

from segwright.data.augment.colour import ColourRanges, vary_colour
from segwright.data.augment.components import Components, component_at, components_of
from segwright.data.augment.cut import cut, warped_crop
from segwright.data.augment.erase import erase
from segwright.data.augment.geometry import Geometry, GeometryRanges, draw_geometry
from segwright.data.augment.mix import cutmix_box, mosaic, mosaic_sizes, put
from segwright.data.augment.paste import PasteRule, Piece, cut_piece, paste
from segwright.data.augment.place import centre_anywhere, centre_on

__all__ = [
    "ColourRanges",
    "Components",
    "Geometry",
    "GeometryRanges",
    "PasteRule",
    "Piece",
    "centre_anywhere",
    "centre_on",
    "component_at",
    "components_of",
    "cut",
    "cut_piece",
    "cutmix_box",
    "draw_geometry",
    "erase",
    "mosaic",
    "mosaic_sizes",
    "paste",
    "put",
    "vary_colour",
    "warped_crop",
]
