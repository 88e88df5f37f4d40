"""GeoJSON footprints beside rasters, as in SpaceNet: polygons with holes in the coordinates of a map, or of pixels.

A file belongs to the image of its name, or to the only image whose name ends as its own does but for words such as
"labels" and "buildings". Coordinates become pixels by the raster's affine transform; where the file names another
projection than the raster, they are carried over. A file without a projection is in longitude and latitude where its
numbers can be, else in the raster's own. Pixels of the raster's nodata value are void.

Source: RFC 7946, and the older member `crs` of GeoJSON 2008 that GDAL writes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from segwright.core import ClassTable, ConfigError, DataError, Problem, few, raise_collected
from segwright.data.dataset import Dataset, Frame
from segwright.data.drawing import runs_shape
from segwright.data.formats.annotated import Naming, image_notes, name_classes, require_images
from segwright.data.formats.format import Format, Options, orientation_of
from segwright.data.formats.geo_grid import Grid
from segwright.data.formats.geo_raster import grid_of, no_data, projected
from segwright.data.formats.geojson_writing import CARRIES, LABEL, PARTS_OF, WIDTH, WRITE_OPTIONS, write
from segwright.data.formats.reading_shapes import FARTHEST_PX, Findings, as_text, load_json, number_in, shown
from segwright.data.formats.yolo_yaml import stem_without
from segwright.data.images import ImageFile
from segwright.data.listing import Listing
from segwright.data.rasterise import BRUSH_PX, Points
from segwright.data.shapes import ObjectFacts, Outlines, Shape, ShapeMask, Stroke

FOOTPRINT = "footprint"
_WORDS = frozenset({"labels", "label", "geojson", "buildings", "building", "footprints", "footprint", "mask", "truth"})
_FARTHEST = 1e12  # metres on a map; more is damage
_UNPAINTED = ("Point", "MultiPoint")


def recognise(listing: Listing) -> str | None:
    """How many GeoJSON files have an image, or None."""
    pairs, _ = _paired(listing)
    return f"{len(pairs)} images with GeoJSON footprints" if pairs else None


def read(listing: Listing, classes: ClassTable | None, options: Options) -> Dataset:
    """Frames of the images that have a GeoJSON file; a file without features is background all over, and counted.

    The class of a feature is its property `label`; without that option all are of one class, `name` (footprint). Other
    properties become attributes, but for empty ones.

    Raises:
        DataError: geometries that cannot be read, a raster without a place on the map; every finding at once.
        ConfigError: labels outside a given class table.
        DependencyMissing: the raster is a GeoTIFF, and rasterio is not installed.
    """
    pairs, notes = _chosen(listing, options)
    loaded = {image: _features(listing.path(name), name) for image, name in pairs.items()}
    key, single = _label(loaded, options), str(options.get("name", FOOTPRINT))
    labels = {_named(one, key, single) for rows, _ in loaded.values() for one in rows}
    naming = name_classes(dict.fromkeys(sorted(labels) or [single]), classes, options, "GeoJSON")
    raise_collected(naming.problems, ConfigError)
    reading = _Reading("GeoJSON", naming=naming, label=key, single=single)
    orientation, frames = orientation_of(options, "upright"), []
    for image, name in pairs.items():
        grid = grid_of(listing.path(image))
        rows, crs = loaded[image]
        shapes = (*reading.shapes(name, rows, crs, grid), *_void(listing.path(image), naming.classes.void_id))
        reading.look(shapes, grid.size)
        mask = ShapeMask(shapes, naming.classes.unpainted_id, grid.size, name, orientation)
        frames.append(Frame(stem_without(image, "images"), ImageFile(listing.path(image)), mask))
    raise_collected(reading.problems)
    require_images(frames, [], listing.root)
    frames.sort(key=lambda frame: frame.stem)
    notes = [*notes, *image_notes(listing, pairs, [], "GeoJSON"), *reading.notes()]
    return Dataset(listing.root, naming.classes, tuple(frames), "geojson", tuple(notes))


def _void(path: Path, void_id: int) -> Iterator[Shape]:
    """The pixels where a raster says that it has no data."""
    missing = no_data(path)
    shape = None if missing is None else runs_shape(missing, void_id)
    if shape is not None:
        yield shape


def _chosen(listing: Listing, options: Options) -> tuple[dict[str, str], list[str]]:
    """Image -> its GeoJSON file: by name, or the one that the option `annotations` names for the option `image`."""
    annotations, image = options.get("annotations"), options.get("image")
    if annotations is None and image is None:
        pairs, notes = _paired(listing)
    else:
        pairs, notes = _paired(listing, only=None if annotations is None else str(annotations), image=image)
    if pairs:
        return pairs, notes
    files = [name for name in listing.files if name.lower().endswith(".geojson")]
    raise DataError.of(
        str(listing.root),
        "has no GeoJSON file that belongs to an image",
        allowed="NAME.geojson beside NAME.tif, or labels/NAME.geojson beside images/NAME.tif",
        found=f"{few(files) or 'no GeoJSON'}; {few(listing.images) or 'no images'}",
        fix="name both: `options: {annotations: FILE.geojson, image: FILE.tif}`",
    )


def _paired(listing: Listing, only: str | None = None, image: object = None) -> tuple[dict[str, str], list[str]]:
    files = [name for name in listing.files if name.lower().endswith(".geojson") and only in (None, name)]
    images = [name for name in listing.images if image in (None, name)]
    pairs: dict[str, str] = {}
    notes: list[str] = []
    strangers: list[str] = []
    for name in files:
        found = images if image is not None and only is not None else _images_of(name, images)
        free = [one for one in found if one not in pairs]
        if len(free) == 1:
            pairs[free[0]] = name
        elif len(free) > 1:
            notes.append(f"{name}: may belong to {len(free)} images and was left out: {few(free)}")
        else:
            strangers.append(name)
    if strangers:
        rule = "belong to no image, or to one that has a file, and were left out"
        notes.append(f"GeoJSON: {len(strangers)} files {rule}: {few(strangers)}")
    return pairs, notes


def _images_of(name: str, images: list[str]) -> list[str]:
    """The images of the same path but for images/ and labels/, else those whose names end as the file's does."""
    stem = stem_without(name, "labels")
    same = [image for image in images if stem_without(image, "images") == stem]
    if same:
        return same
    words = _tokens(name, _WORDS)
    return [image for image in images if words and _tokens(image)[-len(words) :] == words]


def _tokens(name: str, without: frozenset[str] = frozenset()) -> list[str]:
    parts = PurePosixPath(name).stem.lower().replace("-", "_").split("_")
    return [part for part in parts if part and part not in without]


def _features(path: Path, name: str) -> tuple[list[dict[str, Any]], str | None]:
    """The features of a file and the projection it names; none where the file has no byte."""
    if path.stat().st_size == 0:
        return [], None
    data = load_json(path, "a GeoJSON FeatureCollection")
    rows = data.get("features") if isinstance(data, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        fix = "save it as GeoJSON, one FeatureCollection a file"
        raise DataError.of(
            name, "is no GeoJSON", allowed="a FeatureCollection with features", found=shown(data), fix=fix
        )
    crs = data.get("crs")
    named = crs.get("properties", {}).get("name") if isinstance(crs, dict) else None
    return rows, None if named is None else str(named)


def _properties(row: Mapping[str, Any]) -> Mapping[str, Any]:
    value = row.get("properties")
    return value if isinstance(value, dict) else {}


def _label(loaded: Mapping[str, tuple[list[dict[str, Any]], str | None]], options: Options) -> str | None:
    """The property that names classes: the option `label`, or the one that our own files have."""
    rows = [_properties(one) for rows, _ in loaded.values() for one in rows]
    asked = options.get("label")
    if asked is None:
        return LABEL if rows and all(LABEL in row for row in rows) else None
    if rows and not any(str(asked) in row for row in rows):
        found = few(sorted({name for row in rows for name in row}))
        raise ConfigError.of(
            "options: label",
            "is a property that no feature has",
            allowed=found,
            found=str(asked),
            fix="name one of them",
        )
    return str(asked)


def _named(row: Mapping[str, Any], key: str | None, single: str) -> str:
    value = single if key is None else _properties(row).get(key)
    return single if value is None or value == "" else as_text(value)


@dataclass
class _Reading(Findings):
    """What was found while the files are read."""

    naming: Naming = field(kw_only=True)
    label: str | None = field(kw_only=True)
    single: str = field(kw_only=True)

    def shapes(self, name: str, rows: list[dict[str, Any]], crs: str | None, grid: Grid) -> Iterator[Shape]:
        """The features of one file as shapes, in pixels of its raster."""
        drawn = [(at, row) for at, row in enumerate(rows) if row.get("geometry") is not None]
        if len(drawn) < len(rows):
            self.left_out["feature without a geometry"] += len(rows) - len(drawn)
        for at, row in drawn:
            place = f"{name}: feature {at}"
            try:
                yield from self._feature(row, crs, grid, f"feature {at}")
            except (ValueError, KeyError, TypeError) as error:
                self.unreadable(place, "geometry", error, "Polygon or MultiPolygon of closed rings of numbers")
            except DataError as error:
                self.problems += [Problem(place, one.rule, one.allowed, one.found, one.fix) for one in error.problems]

    def _feature(self, row: Mapping[str, Any], crs: str | None, grid: Grid, key: str) -> Iterator[Shape]:
        kind, coordinates = str(row["geometry"]["type"]), row["geometry"].get("coordinates")
        if kind in _UNPAINTED:
            self.left_out[kind] += 1
            return
        empty = (None,) if self.label == LABEL else (None, "")  # a shapefile gives every feature every column
        said = {name: as_text(value) for name, value in _properties(row).items() if value not in empty}
        said.pop(self.label or "", None)
        class_id = self.naming.ids[_named(row, self.label, self.single)]
        width = number_in(said.pop(WIDTH), "a brush") if WIDTH in said else BRUSH_PX
        part = said.pop(PARTS_OF, None)
        if kind in ("LineString", "MultiLineString"):
            facts = ObjectFacts(part or (key if kind != "LineString" else None), attributes=said)
            for line in [coordinates] if kind == "LineString" else coordinates:
                yield Stroke(class_id, _line(line, 2, crs, grid), width, facts)
            return
        if kind not in ("Polygon", "MultiPolygon"):
            raise ValueError(f"a {shown(kind)}")
        if not isinstance(coordinates, list):
            raise ValueError(f"coordinates are {shown(coordinates)}")
        polygons = [coordinates] if kind == "Polygon" else coordinates
        rings = [[_ring(ring, crs, grid) for ring in polygon] for polygon in polygons if polygon]
        facts = ObjectFacts(part or (key if len(rings) > 1 else None), attributes=said)
        if all(len(polygon) == 1 for polygon in rings):
            rings = [[outer[0] for outer in rings]] if rings else []
            yield from (Outlines(class_id, tuple(outers), facts=ObjectFacts(part, attributes=said)) for outers in rings)
            return
        for outer, *holes in rings:
            yield Outlines(class_id, (outer,), tuple(holes), facts)


def _ring(ring: object, crs: str | None, grid: Grid) -> Points:
    """A closed ring in pixels; its last point, which repeats the first, is left out."""
    points = _line(ring, 4, crs, grid)
    return points[:-1] if (points[0] == points[-1]).all() else points


def _line(line: object, at_least: int, crs: str | None, grid: Grid) -> Points:
    if not isinstance(line, list) or len(line) < at_least:
        raise ValueError(f"{len(line) if isinstance(line, list) else shown(line)} points, not at least {at_least}")
    for pair in line:
        fine = isinstance(pair, list) and len(pair) >= 2
        if not fine or not all(isinstance(value, int | float) and abs(value) < _FARTHEST for value in pair[:2]):
            raise ValueError(f"a point is {shown(pair)}, not two numbers")
    world = np.array([pair[:2] for pair in line], np.float64)  # a third number is a height
    points = np.round(grid.to_pixels(projected(world, crs, grid)), 6)
    if np.abs(points).max() >= FARTHEST_PX:
        raise ValueError(f"a point lies at {shown(points[np.abs(points).max(axis=1).argmax()].tolist())} px")
    return points


GEOJSON = Format(
    recognise,
    read,
    {
        "annotations": "the GeoJSON file, where there are several of one image",
        "image": "the image that `annotations` belongs to, where the names do not tell",
        "label": "the property of a feature that names its class",
        "name": "the name of the class where no property says it (footprint)",
        "map": "labels to rename: [glare=void, deep scratch=scratch]",
        "mask_orientation": "upright (default), stored or auto: how EXIF-turned images were annotated",
    },
    write=write,
    carries=CARRIES,
    write_options=WRITE_OPTIONS,
)
