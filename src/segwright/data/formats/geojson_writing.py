"""GeoJSON footprints written: one FeatureCollection an image, in the coordinates of its raster or of its pixels.

An image that is a GeoTIFF is copied as it is, so its footprints lie on the map. Pixels become polygons with holes.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from segwright.core import Listener, Size
from segwright.data.dataset import Dataset, Frame
from segwright.data.drawing import Drawing, label_names, one_shape_an_object, patch_of
from segwright.data.formats.format import Carried, Options
from segwright.data.formats.geo_grid import Grid
from segwright.data.formats.geo_raster import grid_of
from segwright.data.formats.writing_shapes import TOLERANCE, Lost, lost, plain, records_of, write_json
from segwright.data.outlines import regions_of
from segwright.data.rasterise import Patch, Points, merged, polygon_patch, same_pixels
from segwright.data.shapes import Outlines, Shape, Stroke

CARRIES: frozenset[Carried] = frozenset({"void", "objects", "overlap", "outlines", "holes", "strokes", "attributes"})
WRITE_OPTIONS = TOLERANCE
LABEL = "segwright:class"
PARTS_OF = "segwright:object"
WIDTH = "segwright:brush_px"


def write(dataset: Dataset, folder: Path, options: Options, listener: Listener) -> Mapping[Carried, int]:
    """images/STEM.* and labels/STEM.geojson."""
    names = label_names(dataset.classes)

    def record(frame: Frame, name: str, drawing: Drawing) -> tuple[None, Lost]:
        grid = grid_of(folder / "images" / name)
        features, redrawn = _features(one_shape_an_object(drawing), names, grid)
        data: dict[str, Any] = {"type": "FeatureCollection", "features": features}
        if grid.crs:
            data["crs"] = {"type": "name", "properties": {"name": grid.crs}}
        write_json(folder / "labels" / f"{frame.stem}.geojson", data)
        return None, lost(outlines=redrawn)

    return records_of(dataset, folder / "images", options, listener, record)[1]


def _features(drawing: Drawing, names: Mapping[int, str], grid: Grid) -> tuple[list[dict[str, Any]], int]:
    """The features of one image in painting order, and how many outlines became outlines of pixels."""
    features: list[dict[str, Any]] = []
    redrawn = 0
    for shape in drawing.shapes:
        properties = {LABEL: names[shape.class_id], **shape.facts.attributes}
        if isinstance(shape, Stroke):
            properties[WIDTH] = str(plain(shape.width_px))
            geometry: dict[str, Any] = {"type": "LineString", "coordinates": _world(shape.points, grid)}
        else:
            polygons, as_drawn = _polygons(shape, drawing, grid)
            redrawn += isinstance(shape, Outlines) and not as_drawn
            if not polygons:
                continue
            rings = [[_closed(ring, grid) for ring in polygon] for polygon in polygons]
            single = len(rings) == 1
            kind, coordinates = ("Polygon", rings[0]) if single else ("MultiPolygon", rings)
            geometry = {"type": kind, "coordinates": coordinates}
        features.append({"type": "Feature", "properties": properties, "geometry": geometry})
    return features, redrawn


def _polygons(shape: Shape, drawing: Drawing, grid: Grid) -> tuple[list[list[Points]], bool]:
    """Polygons, each an outline and its holes, and whether they are as drawn: read again, they paint the same."""
    size, wanted = drawing.size, patch_of(shape, drawing.size)
    if isinstance(shape, Outlines) and (len(shape.outlines) == 1 or not shape.holes):
        polygons = [[outer, *shape.holes] for outer in shape.outlines]
        again = [[np.round(grid.to_pixels(grid.to_world(ring)), 6) for ring in polygon] for polygon in polygons]
        painted = [_painted(polygon, size) for polygon in again]
        whole = all(len(ring) >= 3 for polygon in polygons for ring in polygon)
        if whole and same_pixels(merged(painted, ()), wanted):
            return polygons, True
    offset = np.array([wanted.box.left, wanted.box.top], np.float64)
    regions = regions_of(wanted.painted)
    return [[region.outer + offset, *(hole + offset for hole in region.holes)] for region in regions], False


def _painted(polygon: list[Points], size: Size) -> Patch:
    outer, *holes = (polygon_patch(ring, size) for ring in polygon)
    return merged([outer], holes)


def _closed(ring: Points, grid: Grid) -> list[list[float]]:
    """A ring as GeoJSON closes it: the first point again at the end."""
    return _world(np.concatenate([ring, ring[:1]]), grid)


def _world(points: Points, grid: Grid) -> list[list[float]]:
    return [[plain(x), plain(y)] for x, y in grid.to_world(points).tolist()]
