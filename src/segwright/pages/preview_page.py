"""The crops a training will see, with their labels: a self-contained page, or one picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from segwright.core import ClassTable, Image, LabelMap
from segwright.data import write_image
from segwright.evaluate.report.pictures import data_uri
from segwright.evaluate.report.templates import write_page
from segwright.infer.overlay import VOID_COLOUR, overlay

# A crop is shown at its own size up to this side; small ones are drawn out to the least.
MOST_PX, LEAST_PX = 256, 192
COLUMNS = 4
GAP, LINE = 8, 24
_INK, _PAPER = (28, 35, 43), (255, 255, 255)
Line = tuple[tuple[int, int, int] | None, str, str]


@dataclass(frozen=True)
class PreviewNumbers:
    """What was counted over all crops looked at, not only the shown ones; shares are of 1."""

    name: str
    steps: int
    counted: int
    crop_counts: dict[str, int]
    pixel_shares: dict[str, float]
    asked_shares: dict[str, float]
    void_share: float
    settings: dict[str, str]


def write_preview(
    path: Path, crops: Sequence[tuple[Image, LabelMap]], classes: ClassTable, numbers: PreviewNumbers
) -> None:
    """Write the sheet of `crops` at `path`: a page where it ends in .html, a picture where it ends in .png."""
    if path.suffix.lower() == ".png":
        path.parent.mkdir(parents=True, exist_ok=True)
        write_image(path, Image(_sheet(crops, classes, numbers)))
        return
    content: dict[str, Any] = {
        "title": f"What {numbers.name} will train on",
        "facts": [
            ("crops counted", str(numbers.counted)),
            ("of the first steps", str(numbers.steps)),
            ("void", f"{100 * numbers.void_share:.1f} %"),
            *numbers.settings.items(),
        ],
        "rows": _rows(classes, numbers),
        "crops": [(data_uri(drawn(image.pixels)), data_uri(drawn(overlay(image, labels)))) for image, labels in crops],
        "void": "#{:02x}{:02x}{:02x}".format(*VOID_COLOUR),
    }
    write_page(path, "preview_page.html.j2", content, "segwright.pages")


def _rows(classes: ClassTable, numbers: PreviewNumbers) -> list[dict[str, Any]]:
    return [
        {
            "name": spec.name,
            "colour": "#{:02x}{:02x}{:02x}".format(*classes.colour(spec.class_id)),
            "background": spec.name == classes.background,
            "crops": numbers.crop_counts[spec.name],
            "crop_share": numbers.crop_counts[spec.name] / max(1, numbers.counted),
            "pixels": numbers.pixel_shares[spec.name],
            "asked": numbers.asked_shares.get(spec.name),
        }
        for spec in classes
    ]


def drawn(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """A crop at a size to look at; enlarged by whole pixels, so that a thin mark is seen as it is."""
    side = max(pixels.shape[:2])
    scale = MOST_PX / side if side > MOST_PX else max(1, LEAST_PX // side)
    size = round(pixels.shape[1] * scale), round(pixels.shape[0] * scale)
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST
    return np.asarray(cv2.resize(pixels, size, interpolation=how), np.uint8)


def _sheet(
    crops: Sequence[tuple[Image, LabelMap]], classes: ClassTable, numbers: PreviewNumbers
) -> npt.NDArray[np.uint8]:
    """All crops with their overlays beside them, and the counts below, as one picture."""
    text = f"{numbers.counted} crops of {numbers.steps} steps; void {100 * numbers.void_share:.1f} % of the pixels"
    lines: list[Line] = [(None, text, "")]
    for row in _rows(classes, numbers):
        colour = tuple(int(row["colour"][start : start + 2], 16) for start in (1, 3, 5))
        said = f"in {row['crops']} crops ({100 * row['crop_share']:.0f} %), {100 * row['pixels']:.2f} % of the pixels"
        lines.append(((colour[0], colour[1], colour[2]), row["name"], said))
    return sheet_of([(drawn(image.pixels), drawn(overlay(image, labels))) for image, labels in crops], lines)


def sheet_of(
    pairs: Sequence[tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]], lines: Sequence[Line]
) -> npt.NDArray[np.uint8]:
    """Pairs of pictures of one size in rows, and lines of text below: a colour or None, a name, what is said of it."""
    joined = [np.concatenate(pair, axis=1) for pair in pairs]
    tall, wide = max(pair.shape[0] for pair in joined), max(pair.shape[1] for pair in joined)
    columns = min(COLUMNS, len(joined))
    rows = math.ceil(len(joined) / columns)
    height = GAP + rows * (tall + GAP) + LINE * (len(lines) + 1) + GAP
    canvas = np.full((height, max(GAP + columns * (wide + GAP), 720), 3), _PAPER, np.uint8)
    for number, pair in enumerate(joined):
        row, column = divmod(number, columns)
        top, left = GAP + row * (tall + GAP), GAP + column * (wide + GAP)
        canvas[top : top + pair.shape[0], left : left + pair.shape[1]] = pair
    for place, (colour, name, said) in enumerate(lines, start=1):
        line = GAP + rows * (tall + GAP) + place * LINE
        if colour is not None:
            canvas[line - 13 : line + 1, GAP : GAP + 14] = colour
        _write(canvas, name, line, GAP if colour is None else GAP + 24)
        _write(canvas, said, line, GAP + 300)
    return canvas


def _write(canvas: npt.NDArray[np.uint8], text: str, line: int, left: int) -> None:
    """Plain letters; OpenCV has no others, and what it lacks becomes a question mark."""
    plain = text.encode("ascii", "replace").decode()
    cv2.putText(canvas, plain, (left, line), cv2.FONT_HERSHEY_SIMPLEX, 0.5, _INK, 1, cv2.LINE_AA)
