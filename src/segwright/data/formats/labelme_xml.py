"""LabelMe XML, of the LabelMe web tool and of exports as LabelMe 3.0: a file an image, polygons and masks.

Objects are painted in their order; deleted ones are left out. A mask is a picture in the folder Masks beside the file,
with soft edges in its alpha: what is at least half as strong as its strongest pixel is painted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from xml.etree.ElementTree import Element

from segwright.core import ClassTable, ConfigError, DataError, Size, few, raise_collected
from segwright.data.codecs.header import RefusedError, check_limit
from segwright.data.codecs.reading import decoded_values, file_bytes, header_of
from segwright.data.dataset import Dataset, Frame
from segwright.data.drawing import runs_shape
from segwright.data.formats.annotated import ImageFinder, Naming, image_notes, name_classes, require_images
from segwright.data.formats.format import Format, Options, orientation_of
from segwright.data.formats.labelme_attributes import attributes_of
from segwright.data.formats.labelme_xml_writing import CARRIES, WRITE_OPTIONS, write
from segwright.data.formats.reading_shapes import Findings, load_xml, number_in, points_from
from segwright.data.formats.signature import files_like
from segwright.data.images import ImageFile
from segwright.data.listing import Listing, stem_of
from segwright.data.shapes import ObjectFacts, Outlines, Shape, ShapeMask

_BESIDE = ("masks", "scribbles")
_MARKS = (b"<polygon>", b"<segm>", b"<nrows>")


def recognise(listing: Listing) -> str | None:
    """How many LabelMe files there are, or None."""
    files = _candidates(listing)
    return f"{len(files)} LabelMe XML files: {few(files)}" if files else None


def read(listing: Listing, classes: ClassTable | None, options: Options) -> Dataset:
    """Frames of the LabelMe XML files, by their names; attributes, and occluded, become attributes.

    Raises:
        DataError: an XML bomb, or shapes that cannot be read; every finding at once.
        ConfigError: labels outside a given class table.
    """
    roots = {name: load_xml(listing.path(name), "LabelMe XML") for name in _candidates(listing)}
    objects = (one for root in roots.values() if root is not None for one in root.iterfind("object"))
    labels = {_label(one) for one in objects if not _deleted(one)}
    naming = name_classes(dict.fromkeys(sorted(labels)), classes, options, "LabelMe XML")
    raise_collected(naming.problems, ConfigError)
    reading = _Reading("LabelMe XML", naming=naming, listing=listing)
    finder = ImageFinder(listing, options.get("images"))
    orientation = orientation_of(options, "upright")
    frames, used, missing = [], [], []
    for name, root in roots.items():
        image = None if root is None else _image(listing, name, root, finder)
        if image is None or root is None:
            missing.append(name)
            continue
        used.append(image)
        size = reading.size(name, root)
        shapes = tuple(reading.shapes(name, root))
        reading.look(shapes, size)
        mask = ShapeMask(shapes, naming.classes.unpainted_id, size, name, orientation)
        frames.append(Frame(stem_of(name), ImageFile(listing.path(image)), mask))
    raise_collected(reading.problems)
    require_images(frames, missing, listing.root)
    ours = [name for name in listing.images if PurePosixPath(name).parent.name.lower() in _BESIDE]
    notes = [*image_notes(listing, [*used, *ours], missing, "LabelMe XML"), *reading.notes()]
    return Dataset(listing.root, naming.classes, tuple(frames), "labelme_xml", tuple(notes))


def _candidates(listing: Listing) -> list[str]:
    return files_like(listing, ".xml", _looks_like_labelme)


def _looks_like_labelme(path: Path) -> bool:
    """An annotation of one picture with polygons or masks, or with none yet; Pascal VOC's have boxes alone."""
    try:
        text = path.read_bytes()
    except OSError:
        return False
    return b"<annotation>" in text[:4096] and any(mark in text for mark in _MARKS) and b"<bndbox>" not in text


def _label(element: Element) -> str:
    return (element.findtext("name") or "").strip()


def _deleted(element: Element) -> bool:
    return (element.findtext("deleted") or "").strip() == "1"


def _image(listing: Listing, name: str, root: Element, finder: ImageFinder) -> str | None:
    named = (root.findtext("filename") or "").strip().replace("\\", "/")
    here = str(PurePosixPath(name).parent / PurePosixPath(named).name)
    if here in listing.images:
        return here
    return finder.find(named) if named else None


@dataclass
class _Reading(Findings):
    """What was found while the files are read."""

    naming: Naming = field(kw_only=True)
    listing: Listing = field(kw_only=True)

    def size(self, name: str, root: Element) -> Size | None:
        rows, columns = (root.findtext(f"imagesize/{side}") for side in ("nrows", "ncols"))
        if not rows or not columns:
            return None
        try:
            return Size(int(rows), int(columns))
        except ValueError as error:
            self.refuse(name, "has a size that is none", "nrows and ncols in pixels", str(error))
            return None

    def shapes(self, name: str, root: Element) -> Iterator[Shape]:
        for element in root.iterfind("object"):
            place = f"{name}: object {(element.findtext('id') or '').strip()}"
            if _deleted(element):
                self.left_out["deleted"] += 1
                continue
            try:
                shape = self._shape(name, element)
            except RefusedError as refusal:
                self.problems += refusal.at(place).problems
            except (ValueError, DataError) as error:
                self.unreadable(place, "shape", error, "a polygon of points, or a mask")
            else:
                if shape is None:
                    self.left_out["empty mask"] += 1
                else:
                    yield shape

    def _shape(self, name: str, element: Element) -> Shape | None:
        class_id = self.naming.ids[_label(element)]
        said = attributes_of(element.findtext("attributes") or "")
        if (element.findtext("occluded") or "").strip().lower() == "yes":
            said["occluded"] = "true"
        facts = ObjectFacts(attributes=said)
        mask = element.findtext("segm/mask")
        if mask is None:
            points = [[_number(point, "x"), _number(point, "y")] for point in element.iterfind("polygon/pt")]
            return Outlines(class_id, (points_from(points),), facts=facts)
        data = file_bytes(self._mask(name, mask.strip()))
        header = header_of(data)
        check_limit(header)
        values = decoded_values(data, header)
        strength = values[..., -1] if values.ndim == 3 else values
        return runs_shape(strength * 2.0 >= max(1, int(strength.max())), class_id, facts=facts)

    def _mask(self, name: str, mask: str) -> Path:
        folder, file = PurePosixPath(name).parent, PurePosixPath(mask.replace("\\", "/")).name
        for candidate in (str(folder / "Masks" / file), str(folder / file)):
            if candidate in self.listing.files:
                return self.listing.path(candidate)
        raise ValueError(f"no mask file {file} in {folder / 'Masks'}")


def _number(point: Element, axis: str) -> float:
    return number_in((point.findtext(axis) or "nothing").strip())


LABELME_XML = Format(
    recognise,
    read,
    {
        "images": "folder that the image names are relative to, where they do not lie beside their files",
        "map": "labels to rename: [glare=void, deep scratch=scratch]",
        "mask_orientation": "upright (default), stored or auto: how EXIF-turned images were annotated",
    },
    write,
    CARRIES,
    WRITE_OPTIONS,
)
