"""The strip above an inspected frame: the verdict and each class's share of the part, in words that fit its width."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from PIL import Image as Picture
from PIL import ImageDraw, ImageFont

from segwright.core import ClassTable
from segwright.line.rules import Verdict

COLOURS = {"ok": (0, 110, 70), "alert": (190, 30, 20), "no_part": (150, 95, 0)}
WORDS = {"ok": "OK", "alert": "ALERT", "no_part": "NO PART"}
SMALLEST_FONT_PX, LARGEST_FONT_PX = 11, 40
WIDEST_PERCENT = "100.00 %"


@dataclass(frozen=True)
class _Entry:
    """Pieces of text that belong together, behind a square of `colour` where one is given.

    `room` holds the widest text each piece can have: the layout is the same for every verdict.
    """

    texts: tuple[str, ...]
    room: tuple[str, ...]
    colour: tuple[int, int, int] | None = None
    new_line: bool = False


@dataclass(frozen=True)
class _Piece:
    """A text and where it goes: line, and left edge in px; the square, if any, is left of it."""

    text: str
    line: int
    left: int
    colour: tuple[int, int, int] | None


def banner(verdict: Verdict, classes: ClassTable, width: int) -> npt.NDArray[np.uint8]:
    """The strip (height, width, 3), RGB uint8, for a frame `width` px wide.

    What does not fit a line goes on the next one; text is never smaller than `SMALLEST_FONT_PX`. Only where a single
    word is wider than the frame is the strip wider too. Its size follows from the width and the rule, not the verdict.
    """
    font = _font(max(SMALLEST_FONT_PX, min(width // 36, LARGEST_FONT_PX)))
    line_px = int(font.size * 1.5)
    margin, side = line_px // 3, line_px // 2
    entries = list(_entries(verdict, classes))
    square = int(1.5 * side)
    words = (font.getlength(text) + square * (entry.colour is not None) for entry in entries for text in entry.room)
    inner = max(width - 2 * margin, *(int(length) + 1 for length in words))
    pieces = list(_laid_out(entries, font, inner, square))
    lines = 1 + max(piece.line for piece in pieces)
    picture = Picture.new("RGB", (max(width, inner + 2 * margin), lines * line_px), COLOURS[verdict.kind])
    draw = ImageDraw.Draw(picture)
    for piece in pieces:
        left, top = margin + piece.left, piece.line * line_px
        if piece.colour is not None:
            box = (left - square, top + side // 2, left - square + side, top + side // 2 + side)
            draw.rectangle(box, fill=piece.colour, outline="white")
        draw.text((left, top + line_px // 6), piece.text, fill="white", font=font)
    return np.asarray(picture, np.uint8)


def _entries(verdict: Verdict, classes: ClassTable) -> Iterator[_Entry]:
    yield _Entry((WORDS[verdict.kind],), (max(WORDS.values(), key=len),))
    known = verdict.total_percent is not None
    total = (f"{verdict.total_percent:.2f} %", "of the part") if known else ("", "")
    yield _Entry(total, (WIDEST_PERCENT, "of the part"))
    for number, name in enumerate(verdict.area_px):
        percent = f"{verdict.percent[name]:.2f} %" if name in verdict.percent else "-"
        colour = classes.colour(classes[name].class_id)
        yield _Entry((name, percent), (name, WIDEST_PERCENT), colour, new_line=number == 0)


def _laid_out(entries: Sequence[_Entry], font: ImageFont.FreeTypeFont, inner: int, square: int) -> Iterator[_Piece]:
    """Entries one after the other; one that does not fit begins a line, and is broken where no line can hold it."""
    line, left = 0, 0.0
    for entry in entries:
        indent = square if entry.colour else 0
        whole = indent + font.getlength(" ".join(entry.room))
        if left and (entry.new_line or left + whole > inner):
            line, left = line + 1, 0
        left += indent
        if whole <= inner:
            yield _Piece(" ".join(entry.texts), line, int(left), entry.colour)
            left += whole - indent + 2 * square
            continue
        for number, (text, room) in enumerate(zip(entry.texts, entry.room, strict=True)):
            if number and left + font.getlength(room) > inner:
                line, left = line + 1, indent
            yield _Piece(text, line, int(left), None if number else entry.colour)
            left += font.getlength(f"{room} ")
        left = inner


@lru_cache(maxsize=4)
def _font(size_px: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size_px)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise TypeError("Pillow was built without FreeType, which draws the verdict")
    return font
