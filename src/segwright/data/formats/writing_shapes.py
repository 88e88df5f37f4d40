"""What writers of annotated shapes share: frames in order, their pictures placed, their labels as shapes."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

from segwright.core import ConfigError, DataError, Listener, tracked
from segwright.data.dataset import Dataset, Frame
from segwright.data.drawing import Drawing, drawing_of, visible_only
from segwright.data.formats.format import Carried, Options
from segwright.data.formats.placing import place_image
from segwright.data.formats.reading_shapes import is_number
from segwright.data.rasterise import Points
from segwright.data.shapes import Outlines
from segwright.data.simplify import simplified
from segwright.data.workers import in_threads

_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
Record = TypeVar("Record")
Lost = Counter[Carried]
TOLERANCE = {
    "tolerance_px": "turn painted pixels into outlines whose borders move by at most this; 0: exact outlines of pixels"
}


def records_of(
    dataset: Dataset,
    pictures: Path,
    options: Options,
    listener: Listener,
    record: Callable[[Frame, str, Drawing], tuple[Record, Lost]],
) -> tuple[list[Record], Lost]:
    """What `record` gives for each labelled frame, in order, and the sum of what it lost.

    Each picture is put into the folder `pictures`; `record` gets the frame, its picture's path below that, and its
    labels as shapes: with the option `tolerance_px`, of simplified outlines.
    """
    tolerance = tolerance_of(options)

    def made(frame: Frame) -> tuple[Record, Lost]:
        name = place_image(frame, pictures)
        drawing = drawing_of(dataset, frame)
        if tolerance is None:
            return record(frame, name, drawing)
        smooth = simplified(drawing, tolerance)
        one, missed = record(frame, name, smooth)
        return one, missed + _moved(drawing, smooth, tolerance)

    frames = [frame for frame in dataset.frames if frame.mask is not None]
    records, lost = [], Counter()
    for one, missed in tracked(in_threads(made, frames), listener, "writing", len(frames)):
        records.append(one)
        lost += missed
    return records, lost


def _moved(before: Drawing, after: Drawing, tolerance_px: float) -> Lost:
    """What simplifying lost: drawn outlines and what is covered, and borders where the tolerance is not 0."""
    if after is before:
        return lost()
    covered = sum(one is not other for one, other in zip(before.shapes, visible_only(before).shapes, strict=False))
    drawn = sum(isinstance(shape, Outlines) for shape in before.shapes)
    return lost(borders=int(tolerance_px > 0), outlines=drawn, overlap=covered)


def tolerance_of(options: Options) -> float | None:
    """The option `tolerance_px`: None where it is not given.

    Raises:
        ConfigError: not a number from 0.
    """
    value = options.get("tolerance_px")
    if value is None:
        return None
    if not is_number(value) or value < 0:
        raise ConfigError.of(
            "options: tolerance_px",
            "is no tolerance",
            allowed="a number of pixels from 0",
            found=str(value),
            fix="leave it out to keep pixels as they are, or set 1",
        )
    return float(value)


def write_json(path: Path, values: Any, *, indent: int | None = None) -> None:
    """Write a JSON file in UTF-8; folders above it are made."""
    write_text(path, json.dumps(values, ensure_ascii=False, indent=indent, allow_nan=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write a text file in UTF-8; folders above it are made.

    Raises:
        DataError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        fix = "free space, or choose another folder"
        raise DataError.of(str(path), "cannot be written", found=error.strerror or str(error), fix=fix) from error


def pairs(points: Points) -> list[list[float]]:
    """Points as lists of plain numbers: whole ones as integers, which is what most tools write."""
    return [[plain(x), plain(y)] for x, y in points.tolist()]


def plain(value: float) -> float:
    """A number as JSON shows it best: an integer where it is whole."""
    return int(value) if float(value).is_integer() else value


def lost(**counts: int) -> Lost:
    """Counts of what was lost, without zeros."""
    return Counter({name: count for name, count in counts.items() if count})  # type: ignore[misc]


def hexadecimal(colour: Iterable[int]) -> str:
    """A colour (RGB) as `#rrggbb`."""
    return "#" + "".join(f"{part:02x}" for part in colour)


def require_xml(text: str, folder: Path) -> None:
    """Refuse a text that XML cannot hold.

    Raises:
        DataError: control characters in names or attributes.
    """
    strange = sorted({f"U+{ord(found):04X}" for found in _NOT_XML.findall(text)})
    if strange:
        raise DataError.of(
            str(folder),
            "holds names or attributes with characters that XML cannot hold",
            allowed="text without control characters",
            found=", ".join(strange),
            fix="rename them, or write another format",
        )


def number_text(value: float) -> str:
    """A number as text: two decimals, as annotation tools write them, where these are exact."""
    short = f"{value:.2f}"
    return short if float(short) == value else repr(value)
