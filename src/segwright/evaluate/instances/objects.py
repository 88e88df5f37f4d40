"""Annotations and results of COCO JSON as columns: what both files have, and what can be wrong with it in both."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import chain, compress
from operator import itemgetter
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import numpy.typing as npt

from segwright.core import DataError, Size
from segwright.data.listing import stem_of
from segwright.evaluate.instances.findings import Findings
from segwright.evaluate.instances.frame import ImageId
from segwright.evaluate.instances.painting import run_texts_of
from segwright.evaluate.instances.run_texts import RunTexts
from segwright.evaluate.instances.segmentations import flaws

# what JSON's numbers are read as; True and False are none
NUMBERS = frozenset({int, float})


@dataclass(frozen=True, eq=False)
class Picture:
    """One image of the truth; `absent` and `not_exhaustive` are channels, see `InstanceFrame`."""

    image_id: ImageId
    name: str
    size: Size
    absent: frozenset[int] = frozenset()
    not_exhaustive: frozenset[int] = frozenset()


def load_json(source: Path | str | Any, what: str) -> tuple[str, Any]:
    """A name for a file, and its JSON content; what is no path is taken for the content itself.

    Raises:
        DataError: there is no such file, or it is not JSON.
    """
    if not isinstance(source, Path | str):
        return what, source
    path = Path(source)
    try:
        return str(path), _parsed(path.read_bytes())
    except FileNotFoundError as error:
        raise DataError.of(str(path), "does not exist", allowed=what, fix="check the path") from error
    except (OSError, ValueError) as error:
        fix = f"name the file that holds the {what}"
        raise DataError.of(str(path), f"cannot be read as JSON: {error}", allowed=what, fix=fix) from error


def _parsed(text: bytes) -> Any:
    """JSON, by orjson where it is installed (`segwright[fast]`).

    What orjson refuses, as NaN, is read or refused by Python's own reader, which takes twice as long.
    """
    if find_spec("orjson") is not None:
        from segwright.evaluate.kernels.json_text import parsed

        with suppress(ValueError):
            return parsed(text)
    return json.loads(text)


@contextmanager
def cycles_uncollected() -> Iterator[None]:
    """The collector of cycles at rest: JSON has none, and looking for them doubles the time to read it."""
    resting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if resting:
            gc.enable()


def as_image_id(value: Any) -> ImageId | None:
    """The id of an image: a whole number, also where a file writes it as text ("2299"), or another text; else None.

    Files disagree on this even inside themselves, and faster-coco-eval takes them as one too.
    """
    if isinstance(value, str):
        return int(value) if value.isdecimal() and value == str(int(value)) else value
    return value if type(value) is int else None


def positions_of(
    rows: Sequence[Any], pictures: Sequence[Picture], channels: Mapping[Any, int], findings: Findings
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The position of each entry's image, and the channel of its class, int64 (entries,); -1 for what is unknown."""
    places = {picture.image_id: position for position, picture in enumerate(pictures)}
    strange = {index for index, row in enumerate(rows) if type(row) is not dict}
    for index in sorted(strange):
        found = "null" if rows[index] is None else type(rows[index]).__name__
        findings.add(index, "is no object", found=found, fix="write each entry as a JSON object, or leave it out")
    entries = rows if not strange else [row if type(row) is dict else {} for row in rows]
    images, categories = (values_of(entries, key) for key in ("image_id", "category_id"))
    named = [image if type(image) is int else as_image_id(image) for image in images]
    if any(type(image) is str and image not in places for image in named):
        places = {**_names(pictures), **places}
    frame = np.array([places.get(image, -1) if image is not None else -1 for image in named], dtype=np.int64)
    channel = np.array(
        [channels.get(category, -1) if type(category) is int else -1 for category in categories], dtype=np.int64
    )
    for index in sorted(set(np.flatnonzero(frame < 0).tolist()) - strange):
        fix = "score with the truth of these images, or leave the others out"
        findings.add(index, "is of an image that the truth does not list", found=images[index], fix=fix)
    for index in sorted(set(np.flatnonzero(channel < 0).tolist()) - strange):
        fix = "give it a category_id of the truth's categories, or leave it out"
        allowed = _some(channels)
        findings.add(index, "is of an unknown category", allowed=allowed, found=categories[index], fix=fix)
    return frame, channel


def _names(pictures: Sequence[Picture]) -> dict[ImageId, int]:
    """The position of each image by its file's name and by its stem, where no other image has that one too.

    Predictions know the file they read, not the number that an annotation file gave it.
    """
    seen: dict[ImageId, int] = {}
    twice = set()
    for position, picture in enumerate(pictures):
        for name in {picture.name, stem_of(picture.name), stem_of(PurePosixPath(picture.name).name)}:
            twice |= {name} if seen.setdefault(name, position) != position else set()
    return {name: position for name, position in seen.items() if name not in twice}


def values_of(rows: Sequence[Mapping[str, Any]], key: str) -> list[Any]:
    """The value of `key` in each entry, None where it is not there."""
    try:
        return list(map(itemgetter(key), rows))
    except KeyError:
        return [row.get(key) for row in rows]


def boxes_of(rows: Sequence[Mapping[str, Any]], findings: Findings) -> npt.NDArray[np.float64]:
    """The boxes: left, top, width, height in px, float64 (entries, 4)."""
    found = values_of(rows, "bbox")
    if set(map(type, found)) <= {list} and set(map(len, found)) <= {4}:
        written = NUMBERS.issuperset(map(type, chain.from_iterable(found)))
    else:
        written = False
    is_box = [written or (type(box) in (list, tuple) and len(box) == 4 and NUMBERS.issuperset(map(type, box)))
              for box in found]  # fmt: skip
    boxes = np.full((len(rows), 4), np.nan)
    if any(is_box):
        numbers = chain.from_iterable(compress(found, is_box))
        boxes[is_box] = np.fromiter(numbers, dtype=np.float64).reshape(-1, 4)
    with np.errstate(invalid="ignore"):
        wrong = ~np.isfinite(boxes).all(axis=1) | (boxes[:, 2:] < 0).any(axis=1)
    for index in np.flatnonzero(wrong).tolist():
        fix = "give it its box, or score masks only"
        allowed = "left, top, width, height: finite, no negative length"
        findings.add(index, "has no usable bbox", allowed=allowed, found=found[index], fix=fix)
    return boxes


def masks_of(
    rows: Sequence[Mapping[str, Any]],
    pictures: Sequence[Picture],
    frame: npt.NDArray[np.int64],
    findings: Findings,
    *,
    fix: str,
) -> RunTexts:
    """The run lengths of each entry, of the image at its `frame`; none where there are findings.

    `fix` is what to do where an entry has no segmentation.
    """
    outlines = values_of(rows, "segmentation")
    sides = np.array([(picture.size.height, picture.size.width) for picture in pictures], dtype=np.int64)
    height, width = sides.reshape(-1, 2)[frame].T.copy()
    found = run_texts_of(outlines, height, width)
    if found is not None:
        return found
    sizes = [pictures[position].size for position in frame.tolist()]
    for index, flaw in sorted(flaws(outlines, sizes).items()):
        if outlines[index] is None:
            findings.add(index, "has no segmentation, and masks are scored", fix=fix)
        else:
            allowed = "polygons or run lengths of the image's size; nothing is resized"
            told, fix_it = f"{flaw} (image: {sizes[index]})", "write it again from a mask of the image's size"
            rule = "has a segmentation that does not fit its image"
            findings.add(index, rule, allowed=allowed, found=told, fix=fix_it)
    return RunTexts.of([])


def _some(values: Mapping[Any, int], most: int = 10) -> str:
    shown = ", ".join(str(value) for value in list(values)[:most])
    return shown if len(values) <= most else f"{shown} and {len(values) - most} more"
