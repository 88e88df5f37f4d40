"""What readers of annotated shapes share: numbers checked before they are points, findings collected and counted."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, ParseError

import numpy as np
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import parse

from segwright.core import DataError, Problem, Size
from segwright.data.rasterise import Points
from segwright.data.shapes import Outlines, Shape, Stroke

FARTHEST_PX = 1e6  # no frame is that large; larger numbers are damage, and would take memory to walk
AGAIN = "export it again, or correct or remove the shape"


@dataclass
class Findings:
    """What was found while the annotations of `place` are read: problems, and counts of what paints nothing."""

    place: str
    problems: list[Problem] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    outside: int = 0
    empty: int = 0

    def refuse(self, place: str, rule: str, allowed: str, found: str, fix: str = AGAIN) -> None:
        """Collect a problem."""
        self.problems.append(Problem(place, rule, allowed, found, fix))

    def unreadable(self, place: str, what: str, error: Exception, allowed: str) -> None:
        """Collect the problem that a shape cannot be read."""
        found = f"no {error}" if isinstance(error, KeyError) else str(error)
        self.refuse(place, f"has a {what} that cannot be read", allowed, found)

    def look(self, shapes: Sequence[Shape], size: Size | None) -> None:
        """Count frames without a shape, and shapes that lie beside their frame."""
        self.empty += not shapes
        if size is not None:
            self.outside += sum(_beside(shape, size) for shape in shapes)

    def notes(self) -> Iterator[str]:
        """What was left out or paints nothing, with counts."""
        if self.empty:
            yield f"{self.place}: {self.empty} images have no shape and are read as unpainted all over"
        if self.outside:
            yield f"{self.place}: {self.outside} shapes lie outside their image and paint nothing"
        for kind, count in sorted(self.left_out.items()):
            yield f"{self.place}: {count} shapes of kind {kind} paint nothing and were left out"


def _beside(shape: Shape, size: Size) -> bool:
    """Whether an outline or a line lies wholly outside its frame."""
    if isinstance(shape, Outlines):
        points, reach = np.concatenate(shape.outlines), 0.0
    elif isinstance(shape, Stroke):
        points, reach = shape.points, shape.width_px / 2
    else:
        return False
    low, high = points.min(axis=0) - reach, points.max(axis=0) + reach
    return bool((high <= 0).any() or low[0] >= size.width or low[1] >= size.height)


def load_json(path: Path, what: str) -> Any:
    """The values of a JSON file in UTF-8.

    Raises:
        DataError: it cannot be read, or is not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        fix = "export it again, or copy it again from its source"
        raise DataError.of(str(path), "is not readable JSON", allowed=what, found=str(error), fix=fix) from error


def load_xml(path: Path, what: str) -> Element | None:
    """The root of an XML file; None where it has none.

    Raises:
        DataError: it cannot be read, is not XML, or defines entities.
    """
    try:
        return parse(path).getroot()
    except DefusedXmlException as error:
        raise DataError.of(
            str(path),
            "defines XML entities, which annotation files never need",
            allowed=what,
            found=type(error).__name__,
            fix="do not trust this file; export it again from its source",
        ) from error
    except (ParseError, OSError, ValueError) as error:
        fix = "export it again"
        raise DataError.of(str(path), "is not whole XML", allowed=what, found=str(error), fix=fix) from error


def number(value: object, what: str = "a coordinate") -> float:
    """A finite number of a size that a frame can have.

    Raises:
        ValueError: not a number, NaN, or too large.
    """
    if not is_number(value):
        raise ValueError(f"{what} is {shown(value)}, not a number below {FARTHEST_PX:,.0f}")
    return float(value)  # type: ignore[arg-type]


def is_number(value: object) -> bool:
    """Whether a value is a number, and neither NaN nor too large to lie in a frame."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < FARTHEST_PX


def number_in(text: object, what: str = "a coordinate") -> float:
    """As `number`, of a text or a number.

    Raises:
        ValueError: not a number, NaN, or too large.
    """
    try:
        return number(float(text) if isinstance(text, str) else text, what)
    except (ValueError, OverflowError):
        raise ValueError(f"{what} is {shown(text)}, not a number below {FARTHEST_PX:,.0f}") from None


def points_from(pairs: object, at_least: int = 3) -> Points:
    """Points (n, 2) as x, y from a list of pairs.

    Raises:
        ValueError: not pairs of finite numbers, or fewer than `at_least`.
    """
    if not isinstance(pairs, list | tuple) or len(pairs) < at_least:
        count = len(pairs) if isinstance(pairs, list | tuple) else shown(pairs)
        raise ValueError(f"{count} points, not at least {at_least}")
    for pair in pairs:
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            raise ValueError(f"a point is {shown(pair)}, not a pair x, y")
    return np.array([[number(x), number(y)] for x, y in pairs], np.float64)


def rectangle(left: float, top: float, right: float, bottom: float) -> Points:
    """The corners of an upright box whose sides may be given in either order."""
    left, right, top, bottom = min(left, right), max(left, right), min(top, bottom), max(top, bottom)
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float64)


def size_from(height: object, width: object) -> Size | None:
    """The size an annotation file gives an image, None where it gives none.

    Raises:
        ValueError: numbers that are no size.
    """
    if height is None and width is None:
        return None
    values = [int(value) if isinstance(value, float) and value.is_integer() else value for value in (height, width)]
    if not all(isinstance(value, int) and not isinstance(value, bool) and 0 < value < FARTHEST_PX for value in values):
        raise ValueError(f"height {shown(height)}, width {shown(width)}")
    return Size(values[0], values[1])  # type: ignore[arg-type]


def attributes_from(values: object) -> dict[str, str]:
    """Attributes as text, by name: JSON's true and false become `true` and `false`, null is left out."""
    if not isinstance(values, Mapping):
        return {}
    return {str(name): as_text(value) for name, value in values.items() if value is not None}


def as_text(value: object) -> str:
    """A JSON value as text."""
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def shown(value: object) -> str:
    """A value, short enough for a message."""
    text = "not a number" if isinstance(value, float) and math.isnan(value) else _represented(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _represented(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 10**30:
        return "a giant number"  # Python refuses to write out integers of thousands of digits
    try:
        return repr(value)
    except ValueError:
        return f"a {type(value).__name__} of giant numbers"
