"""What stands in a mask file before it is read as class ids: format, size, and how many pixels have each value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from segwright.core import ClassTable, DataError, Size
from segwright.data.codecs import FrameShape, read_header
from segwright.data.codecs.header import RefusedError
from segwright.data.codecs.labels import read_values
from segwright.data.masks import BinaryMask, EmptyMask, IndexMask, MaskSource


@dataclass(frozen=True, slots=True)
class MaskValues:
    """A mask file: `values` maps each value (after the format's own renaming) to its pixels.

    `values` is empty where the file could not be decoded as one value a pixel. `cut` says that light and dark are told
    apart by a grey level, so that any value is allowed.
    """

    path: Path
    format: str
    lossy: bool
    size: Size
    fits: bool
    cut: bool
    values: Mapping[int, int] = field(default_factory=dict)

    def unknown(self, classes: ClassTable) -> dict[int, int]:
        """The values that are neither a class nor void, with their pixels; none where a cut makes all allowed."""
        known = {*classes.ids, classes.void_id}
        return {} if self.cut else {value: count for value, count in self.values.items() if value not in known}


def look_at_mask(source: MaskSource, shape: FrameShape) -> MaskValues | None:
    """The file of a source that has one, or None; a file that is no picture at all is None too."""
    if not isinstance(source, IndexMask | BinaryMask | EmptyMask) or len(source.files) != 1:
        return None
    path = source.files[0]
    try:
        header = read_header(path)
    except DataError:
        return None
    fits = header.size in (shape.size, shape.stored)
    cut = not isinstance(source, IndexMask)
    try:
        values, _ = read_values(path, lossy=True)
    except RefusedError:
        return MaskValues(path, header.format, header.lossy, header.size, fits, cut)
    found, counts = np.unique(values, return_counts=True)
    renamed: dict[int, int] = {}
    mapping = source.mapping if isinstance(source, IndexMask) else {}
    for value, count in zip(found.tolist(), counts.tolist(), strict=True):
        became = mapping.get(value, value)
        renamed[became] = renamed.get(became, 0) + count
    return MaskValues(path, header.format, header.lossy, header.size, fits, cut, renamed)
