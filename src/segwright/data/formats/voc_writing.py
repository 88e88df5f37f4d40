"""Writing VOC: palette PNG as VOC itself has them, or colour PNG as CVAT's "Segmentation mask 1.1" has them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from segwright.core import ClassTable, DataError, Listener, tracked
from segwright.data.codecs.writing import write_colours, write_palette
from segwright.data.dataset import Dataset, Frame
from segwright.data.formats.colour_tables import VOC_VOID, Colour, colours_of, voc_colour
from segwright.data.formats.format import Options
from segwright.data.formats.object_numbers import numbered, objects_of
from segwright.data.formats.placing import place_image
from segwright.data.given_parts import written_part
from segwright.data.workers import in_threads

_VOID = 255
_MOST_OBJECTS = 254
Painter = Callable[[Path, npt.NDArray, npt.NDArray], None]


def write_palette_voc(dataset: Dataset, folder: Path, options: Options, listener: Listener) -> None:  # noqa: ARG001
    """JPEGImages/, SegmentationClass/ and SegmentationObject/ as palette PNG, ImageSets/Segmentation/, labelmap.txt.

    Raises:
        DataError: class ids above 254, or more than 254 objects in a frame.
    """
    table = dataset.classes
    beyond = [class_id for class_id in table.ids if class_id >= _VOID]
    if beyond:
        raise DataError.of(
            "class table",
            "has ids that a VOC palette does not hold",
            allowed="class ids 0-254; 255 is void",
            found=", ".join(str(class_id) for class_id in beyond[:8]),
            fix="number the classes from 0, or write the format index_png",
        )
    palette = np.array([voc_colour(index) for index in range(256)], np.uint8)
    for class_id, colour in colours_of(table).items():
        palette[_VOID if class_id == table.void_id else class_id] = colour
    of_objects = np.array([voc_colour(index) for index in range(256)], np.uint8)
    _write(
        dataset,
        folder,
        listener,
        lambda path, ids: write_palette(path, np.where(ids == table.void_id, _VOID, ids).astype(np.uint8), palette),
        lambda path, numbers: write_palette(path, numbers.astype(np.uint8), of_objects),
    )


def write_colours_1_1(dataset: Dataset, folder: Path, options: Options, listener: Listener) -> None:  # noqa: ARG001
    """As `write_palette_voc`, in colours: what CVAT imports as "Segmentation mask 1.1".

    Raises:
        DataError: more than 254 objects in a frame.
    """
    of_classes = colours_of(dataset.classes)
    of_objects = np.array([voc_colour(index) for index in range(256)], np.uint8)
    of_objects[_VOID] = VOC_VOID
    colours = np.zeros((65536, 3), np.uint8)
    for class_id, colour in of_classes.items():
        colours[class_id] = colour
    _write(
        dataset,
        folder,
        listener,
        lambda path, ids: write_colours(path, colours[ids]),
        lambda path, numbers: write_colours(path, of_objects[numbers]),
    )


def _write(
    dataset: Dataset,
    folder: Path,
    listener: Listener,
    paint_classes: Callable[[Path, npt.NDArray], None],
    paint_objects: Callable[[Path, npt.NDArray], None],
) -> None:
    def placed(frame: Frame) -> None:
        place_image(frame, folder / "JPEGImages")
        if frame.mask is None:
            return
        labels = dataset.read_labels(frame)
        paint_classes(folder / "SegmentationClass" / f"{frame.stem}.png", labels.ids)
        objects = objects_of(dataset, frame)
        if objects is not None:
            numbers, found = numbered(labels, objects)
            _check_number(frame, len(found))
            numbers[labels.ids == dataset.classes.void_id] = _VOID
            paint_objects(folder / "SegmentationObject" / f"{frame.stem}.png", numbers)

    for _ in tracked(in_threads(placed, dataset.frames), listener, "writing", len(dataset)):
        pass
    _write_lists(dataset, folder / "ImageSets" / "Segmentation")
    text = "".join(_label_lines(dataset.classes, colours_of(dataset.classes)))
    (folder / "labelmap.txt").write_text(text, encoding="utf-8")


def _check_number(frame: Frame, objects: int) -> None:
    if objects > _MOST_OBJECTS:
        raise DataError.of(
            str(frame.image),
            "has more objects than VOC's SegmentationObject holds",
            allowed=f"up to {_MOST_OBJECTS} objects a frame: 8 bits a pixel",
            found=str(objects),
            fix="write the format instance_maps (16 bits), or coco_json",
        )


def _label_lines(table: ClassTable, colours: dict[int, Colour]) -> list[str]:
    """Background first, as VOC and CVAT have it; void last, under the name VOC's tools know: ignored."""
    specs = sorted(table, key=lambda spec: spec.name != table.background)
    lines = [(spec.name, colours[spec.class_id]) for spec in specs]
    lines.append(("ignored", colours[table.void_id]))
    return ["# label:color_rgb:parts:actions\n", *(f"{name}:{r},{g},{b}::\n" for name, (r, g, b) in lines)]


_LISTS = {"validation": "val"}  # as VOC calls its lists


def _write_lists(dataset: Dataset, folder: Path) -> None:
    """A list for each value of the column `part`, else one called `default`."""
    lists: dict[str, list[str]] = defaultdict(list)
    for frame in dataset.frames:
        if frame.mask is not None:
            lists[_LISTS.get(part := written_part(frame.columns, "default"), part)].append(frame.stem)
    folder.mkdir(parents=True, exist_ok=True)
    for name, stems in lists.items():
        (folder / f"{name}.txt").write_text("".join(f"{stem}\n" for stem in stems), encoding="utf-8")
