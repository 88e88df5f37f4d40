"""Do the surfaces agree? Surface Dice, Hausdorff and average distances, of frames (2-D) and volumes (3-D).

    elements    a neighbourhood's code -> its piece of surface, mm or mm²
    outline     ids -> the surface elements of every class
    distances   elements of two surfaces -> distance from each to the other
    count       two maps or volumes -> counts
    counts      what is kept of each frame, and how it adds up
    scores      counts -> nsd@K, hd95, assd

Source: the definition of google-deepmind/surface-distance, which weighs every distance by the surface it stands for.
"""

from segwright.evaluate.surface.count import count_surfaces, count_volume_surfaces
from segwright.evaluate.surface.counts import FrameSurfaces, SurfaceCounts
from segwright.evaluate.surface.elements import element_sizes
from segwright.evaluate.surface.scores import DEFINITIONS, class_scores, overall_scores, score_surfaces

__all__ = [
    "DEFINITIONS",
    "FrameSurfaces",
    "SurfaceCounts",
    "class_scores",
    "count_surfaces",
    "count_volume_surfaces",
    "element_sizes",
    "overall_scores",
    "score_surfaces",
]
