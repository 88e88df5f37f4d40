"""Two label maps or two volumes -> their surface counts."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from segwright.core import ClassTable, ConfigError, LabelMap, Problem
from segwright.core.errors import raise_collected
from segwright.evaluate.boundary import without_void
from segwright.evaluate.surface.counts import PREDICTED, TRUE, FrameSurfaces, SurfaceCounts
from segwright.evaluate.surface.distances import directed_distances, surface
from segwright.evaluate.surface.elements import element_sizes
from segwright.evaluate.surface.outline import Elements, Outlines
from segwright.evaluate.volumes import Volume, volumes_without_void

TOLERANCES = (1.0, 2.0, 3.0)
HAUSDORFF_SHARE = 0.95


def count_surfaces(
    prediction: LabelMap,
    truth: LabelMap,
    *,
    tolerances_px: Sequence[float] = TOLERANCES,
    spacing: Sequence[float] = (1.0, 1.0),
    stem: str = "frame",
) -> SurfaceCounts:
    """The surface counts of one frame for every class, background included.

    `spacing` is the distance between rows and between columns; with pixels of so many mm, distances and tolerances are
    in mm, at the usual 1 they are in px. `stem` names the frame, and must differ between counts that are added.
    Pixels whose truth is void are of no class in either map; where void or the frame's edge cuts a region, it has a
    surface there, in both maps.

    Raises:
        DataError: the sizes or the class tables differ.
        ConfigError: a tolerance or a spacing is not a length.
    """
    from segwright.evaluate.counts import require_same_frame  # `counts` may come to hold these counts

    require_same_frame(prediction, truth)
    steps = _checked(tolerances_px, spacing, dimensions=2)
    maps = without_void(prediction, truth), truth.ids
    return _counted(maps, truth.classes, tuple(sorted(set(map(float, tolerances_px)))), steps, stem)


def count_volume_surfaces(
    prediction: Volume,
    truth: Volume,
    classes: ClassTable,
    *,
    tolerances_mm: Sequence[float] = TOLERANCES,
    spacing_mm: Sequence[float] = (1.0, 1.0, 1.0),
    stem: str = "volume",
) -> SurfaceCounts:
    """The surface counts of one volume for every class: class ids (depth, height, width), integers.

    `spacing_mm` is the distance between slices, rows and columns; volumes of different spacing may be added. Void and
    edges as in `count_surfaces`.

    Raises:
        DataError: a volume has not three axes, is not of integers or has ids that are not in the table, or the two
            differ in shape.
        ConfigError: a tolerance or a spacing is not a length.
    """
    maps = volumes_without_void(prediction, truth, classes)
    steps = _checked(tolerances_mm, spacing_mm, dimensions=3)
    return _counted(maps, classes, tuple(sorted(set(map(float, tolerances_mm)))), steps, stem)


def _counted(
    maps: tuple[npt.NDArray, npt.NDArray],
    classes: ClassTable,
    tolerances: tuple[float, ...],
    spacing: tuple[float, ...],
    stem: str,
) -> SurfaceCounts:
    outlines = [Outlines.of(ids, classes) for ids in maps]
    present = outlines[PREDICTED].present(classes) | outlines[TRUE].present(classes)
    measures = np.zeros((len(classes), 2, 3 + len(tolerances)))
    for channel in np.flatnonzero(present):
        predicted, true = (outline.elements(classes.ids[channel]) for outline in outlines)
        measures[channel, PREDICTED] = _measures(predicted, true, tolerances, spacing)
        measures[channel, TRUE] = _measures(true, predicted, tolerances, spacing)
    whole, distance_sum, hd95, *within = np.moveaxis(measures, -1, 0)
    surface_within = np.reshape(within, (len(tolerances), len(classes), 2))
    row = FrameSurfaces(stem, whole, surface_within, distance_sum, hd95)
    return SurfaceCounts(classes, tolerances, len(spacing), (row,))


def _measures(
    side: Elements, other: Elements, tolerances: tuple[float, ...], spacing: tuple[float, ...]
) -> list[float]:
    """A side's surface, distance sum and 95 % distance, then its surface within each tolerance of the other side."""
    whole = surface(side.codes, element_sizes(spacing))
    if not len(side) or not len(other):
        return [whole, *(0.0 for _ in range(2 + len(tolerances)))]
    found = directed_distances(side, other, spacing)
    within = (found.surface_within(tolerance) for tolerance in tolerances)
    return [whole, found.distance_sum(), found.percentile(HAUSDORFF_SHARE), *within]


def _checked(tolerances: Sequence[float], spacing: Sequence[float], *, dimensions: int) -> tuple[float, ...]:
    """The spacing as floats, where it and the tolerances are lengths."""
    problems = []
    if len(spacing) != dimensions or not all(math.isfinite(step) and step > 0 for step in spacing):
        allowed, fix = f"{dimensions} lengths above 0", "give the distance between pixel centres along each axis"
        problems.append(Problem("spacing", "is not a length for each axis", allowed, str(tuple(spacing)), fix))
    if not all(math.isfinite(tolerance) and tolerance >= 0 for tolerance in tolerances):
        fix = "give distances in the spacing's unit, such as 1, 2, 3"
        problems.append(Problem("tolerances", "are not all lengths", "0 or more", str(tuple(tolerances)), fix))
    raise_collected(problems, ConfigError)
    return tuple(map(float, spacing))
