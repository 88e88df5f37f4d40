"""The crops an instance training will see, with their objects: a self-contained page, or one picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from segwright.core import Box, ClassTable, Image, InstanceSet
from segwright.data import write_image
from segwright.evaluate.report.object_pictures import colour_of
from segwright.evaluate.report.paint import Region, paint
from segwright.evaluate.report.pictures import data_uri
from segwright.evaluate.report.templates import write_page
from segwright.infer.overlay import VOID_COLOUR, as_display
from segwright.pages.preview_page import Line, drawn, sheet_of

Picture = npt.NDArray[np.uint8]
IGNORED_PX = 6  # between the lines that hatch what is ignored


@dataclass(frozen=True)
class ObjectPreviewNumbers:
    """What was counted over all crops looked at, not only the shown ones.

    `classes` gives a row for each class: name, crops with it, objects, median side in px or None, small objects, and
    the share of all crops that are cut about it on purpose or None.
    """

    name: str
    steps: int
    counted: int
    classes: Sequence[tuple[str, int, int, float | None, int, float | None]]
    empty: int
    most: int
    ignored_share: float
    settings: dict[str, str]


def write_object_preview(
    path: Path, crops: Sequence[tuple[Image, InstanceSet]], classes: ClassTable, numbers: ObjectPreviewNumbers
) -> None:
    """Write the sheet of `crops` at `path`: a page where it ends in .html, a picture where it ends in .png."""
    pairs = [(drawn(image.pixels), _labelled(image, objects)) for image, objects in crops]
    rows = _rows(classes, numbers)
    if path.suffix.lower() == ".png":
        path.parent.mkdir(parents=True, exist_ok=True)
        write_image(path, Image(sheet_of(pairs, _lines(rows, numbers))))
        return
    content: dict[str, Any] = {
        "title": f"What {numbers.name} will train on",
        "facts": [
            ("crops counted", str(numbers.counted)),
            ("of the first steps", str(numbers.steps)),
            ("crops without an object", str(numbers.empty)),
            ("most objects in a crop", str(numbers.most)),
            ("ignored", f"{100 * numbers.ignored_share:.1f} %"),
            *numbers.settings.items(),
        ],
        "rows": rows,
        "crops": [
            (data_uri(plain), data_uri(labelled), len(found))
            for (plain, labelled), (_, found) in zip(pairs, crops, strict=True)
        ],
        "one_class": len(rows) == 1,
    }
    write_page(path, "object_preview_page.html.j2", content, "segwright.pages")


def _rows(classes: ClassTable, numbers: ObjectPreviewNumbers) -> list[dict[str, Any]]:
    keys = ("name", "crops", "objects", "side_px", "small", "asked")
    return [
        {
            **dict(zip(keys, row, strict=True)),
            "colour": "#{:02x}{:02x}{:02x}".format(*classes.colour(classes[row[0]].class_id)),
            "crop_share": row[1] / max(1, numbers.counted),
        }
        for row in numbers.classes
    ]


def _labelled(image: Image, objects: InstanceSet) -> Picture:
    """The crop at the size it is shown, each object outlined, and what is ignored hatched in grey."""
    canvas = drawn(as_display(image))
    height, width = canvas.shape[:2]
    if objects.void is not None:
        _hatch(canvas, _resized(objects.void, width, height))
    regions = []
    for place, one in enumerate(objects):
        mask = _resized(one.over(objects.size), width, height)
        colour = colour_of(objects.classes, objects.classes.ids.index(one.class_id), place)
        regions.append(Region(Box(0, 0, height, width), mask, colour, filled=0.3))
    return paint(canvas, regions, Box(0, 0, height, width))


def _resized(mask: npt.NDArray[np.bool_], width: int, height: int) -> npt.NDArray[np.bool_]:
    return cv2.resize(mask.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST) > 0


def _hatch(canvas: Picture, mask: npt.NDArray[np.bool_]) -> None:
    rows, columns = np.nonzero(mask)
    lines = (rows + columns) % IGNORED_PX < IGNORED_PX // 3
    canvas[rows, columns] = (0.5 * canvas[rows, columns] + 0.5 * np.array(VOID_COLOUR)).astype(np.uint8)
    canvas[rows[lines], columns[lines]] = VOID_COLOUR


def _lines(rows: Sequence[dict[str, Any]], numbers: ObjectPreviewNumbers) -> list[Line]:
    """The text below the sheet: a colour, what is named, and what is said of it."""
    head = (
        f"{numbers.counted} crops of {numbers.steps} steps, {numbers.empty} without an object, {numbers.most} in the "
        f"fullest; ignored {100 * numbers.ignored_share:.1f} % of the pixels"
    )
    lines: list[Line] = [(None, head, "")]
    for row in rows:
        colour = tuple(int(row["colour"][start : start + 2], 16) for start in (1, 3, 5))
        side = "" if row["side_px"] is None else f", half of them above {row['side_px']:g} px a side"
        text = f"in {row['crops']} crops ({100 * row['crop_share']:.0f} %), {row['objects']} objects{side}"
        lines.append(((colour[0], colour[1], colour[2]), row["name"], text))
    return lines
