"""The truth: COCO instances JSON, or LVIS's, as columns over all annotations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from segwright.core import ClassSpec, ClassTable, DataError, Size, raise_collected
from segwright.core.classes import DEFAULT_VOID_ID, WIDE_VOID_ID
from segwright.evaluate.instances.findings import Findings
from segwright.evaluate.instances.frame import image_order
from segwright.evaluate.instances.objects import (
    NUMBERS,
    Picture,
    as_image_id,
    boxes_of,
    cycles_uncollected,
    load_json,
    masks_of,
    positions_of,
    values_of,
)
from segwright.evaluate.instances.rules import FREQUENCIES, Kind, Rule
from segwright.evaluate.instances.run_texts import RunTexts


@dataclass(frozen=True, eq=False)
class Truth:
    """All images in the order of their ids, and all annotations in the file's order.

    `channels` is category id -> channel. `frame` and `channel` int64 (annotations,) say each one's image and class;
    `area_px` float64 is NaN where the file gives none; `crowd` and `ignored` are as in `Truths`. `boxes` float64
    (annotations, 4) and `masks` are None where no kind that is scored needs them. `frequency` is class name -> r, c
    or f, None outside the rule `lvis`.
    """

    classes: ClassTable
    channels: Mapping[int, int]
    pictures: tuple[Picture, ...]
    frame: npt.NDArray[np.int64]
    channel: npt.NDArray[np.int64]
    area_px: npt.NDArray[np.float64]
    crowd: npt.NDArray[np.bool_]
    ignored: npt.NDArray[np.bool_]
    boxes: npt.NDArray[np.float64] | None
    masks: RunTexts | None
    frequency: Mapping[str, str] | None
    notes: tuple[str, ...] = ()


@cycles_uncollected()
def read_truth(
    source: Path | str | Mapping[str, Any], kinds: Sequence[Kind], rule: Rule, class_table: ClassTable | None = None
) -> Truth:
    """The truth of a COCO instances file, or of its content.

    Classes are those of `class_table` that categories have the names of, or, with None, the categories themselves.

    Raises:
        DataError: not COCO JSON, or a file that contradicts itself; every finding at once.
        ConfigError: the categories' names make no class table.
    """
    place, data = load_json(source, "COCO instances JSON")
    _require_coco(data, place)
    classes, channels = _classes(data["categories"], place, class_table)
    pictures = _pictures(data["images"], place, rule, channels)
    rows, findings = data["annotations"], Findings(place, "annotation")
    frame, channel = positions_of(rows, pictures, channels, findings)
    raise_collected(findings.problems())
    _require_one_id_each(rows, findings)
    area_px = _areas(rows, findings)
    boxes = boxes_of(rows, findings) if "box" in kinds or np.isnan(area_px).any() else None
    masks = None
    if set(kinds) - {"box"}:
        masks = masks_of(rows, pictures, frame, findings, fix="score boxes only, or add the outlines")
    raise_collected(findings.problems())
    crowd, marked = (np.array([bool(row.get(key, 0)) for row in rows], dtype=np.bool_) for key in ("iscrowd", "ignore"))
    frequency = _frequency(data["categories"], place, classes, channels) if rule.federated else None
    crowd, ignored = (np.zeros_like(crowd), marked) if rule.federated else (crowd, crowd)
    notes = tuple(_notes(area_px, 0 if rule.federated else int((marked & ~crowd).sum())))
    return Truth(classes, channels, pictures, frame, channel, area_px, crowd, ignored, boxes, masks, frequency, notes)


def _require_coco(data: Any, place: str) -> None:
    keys = ("images", "annotations", "categories")
    if isinstance(data, Mapping) and all(isinstance(data.get(key), list) for key in keys):
        return
    raise DataError.of(
        place, "is not COCO instances JSON", allowed="an object with the lists images, annotations and categories",
        found=", ".join(map(str, data)) if isinstance(data, Mapping) else type(data).__name__,
        fix="name the annotations; the predictions come first, the truth second",
    )  # fmt: skip


def _classes(categories: Sequence[Any], place: str, table: ClassTable | None) -> tuple[ClassTable, dict[int, int]]:
    """The class table, and the channel of each category id."""
    findings = Findings(place, "category")
    twice = Counter(row.get("id") if isinstance(row, Mapping) else None for row in categories)
    for index, row in enumerate(categories):
        if not isinstance(row, Mapping) or type(row.get("id")) is not int or not isinstance(row.get("name"), str):
            allowed = "an object with a whole id and a name"
            findings.add(index, "is no category", allowed=allowed, found=row, fix="add what is missing")
        elif twice[row["id"]] > 1:
            findings.add(index, "shares its id", found=row["id"], fix="give each category an id of its own")
        elif table is not None and row["name"] not in table.names:
            fix = "name it as in the class table, or leave it and its annotations out"
            findings.add(index, "is not in the class table", allowed=table.describe(), found=row["name"], fix=fix)
    raise_collected(findings.problems())
    named = {row["id"]: row["name"] for row in sorted(categories, key=lambda row: row["id"])}
    if table is None:
        # ids that no mask can hold are numbered anew; COCO's own, up to 90, are kept
        fits = all(0 <= number < WIDE_VOID_ID for number in named)
        numbered = [(number if fits else position, name) for position, (number, name) in enumerate(named.items())]
        wide = any(number >= DEFAULT_VOID_ID for number, _ in numbered)
        specs = tuple(ClassSpec(number, name, "thing") for number, name in numbered)
        table = ClassTable(specs, WIDE_VOID_ID if wide else DEFAULT_VOID_ID)
    return table, {number: table.channel(name) for number, name in named.items()}


def _pictures(images: Sequence[Any], place: str, rule: Rule, channels: Mapping[int, int]) -> tuple[Picture, ...]:
    findings, pictures = Findings(place, "image"), {}
    for index, row in enumerate(images):
        image_id = as_image_id(row.get("id")) if isinstance(row, Mapping) else None
        size = _size(row) if isinstance(row, Mapping) else None
        if image_id is None or size is None:
            allowed = "an object with an id, and height and width in px"
            findings.add(index, "is no image", allowed=allowed, found=row, fix="add what is missing")
        elif image_id in pictures:
            findings.add(index, "shares its id", found=image_id, fix="give each image an id of its own")
        else:
            known = _federation(row, index, channels, findings) if rule.federated else ()
            name = str(row.get("file_name") or image_id)
            pictures[image_id] = Picture(image_id, name, size, *known)
    raise_collected(findings.problems())
    return tuple(pictures[image_id] for image_id in sorted(pictures, key=image_order))


def _size(row: Mapping[str, Any]) -> Size | None:
    height, width = row.get("height"), row.get("width")
    if type(height) is not int or type(width) is not int or height < 1 or width < 1:
        return None
    return Size(height, width)


def _federation(
    row: Mapping[str, Any], index: int, channels: Mapping[int, int], findings: Findings
) -> tuple[frozenset[int], ...]:
    """Channels that annotators found absent, and that they did not mark exhaustively."""
    lists = [row.get(key) for key in ("neg_category_ids", "not_exhaustive_category_ids")]
    if not all(isinstance(ids, list) and all(number in channels for number in ids) for ids in lists):
        findings.add(
            index, "does not say which categories were looked for",
            allowed="neg_category_ids and not_exhaustive_category_ids, lists of known ids", found=lists,
            fix="score with the rule coco, or with LVIS annotations",
        )  # fmt: skip
        return ()
    return tuple(frozenset(channels[number] for number in ids or ()) for ids in lists)


def _frequency(
    categories: Sequence[Mapping[str, Any]], place: str, classes: ClassTable, channels: Mapping[int, int]
) -> dict[str, str]:
    findings = Findings(place, "category")
    for index, row in enumerate(categories):
        if row.get("frequency") not in FREQUENCIES:
            allowed = ", ".join(f"{letter} ({word})" for letter, word in FREQUENCIES.items())
            fix = "score with the rule coco, or add the frequency"
            findings.add(index, "has no frequency", allowed=allowed, found=row.get("frequency"), fix=fix)
    raise_collected(findings.problems())
    found = {classes.names[channels[row["id"]]]: row["frequency"] for row in categories}
    return {name: found.get(name, "") for name in classes.names}


def _require_one_id_each(rows: Sequence[Mapping[str, Any]], findings: Findings) -> None:
    numbers = values_of(rows, "id")
    if set(map(type, numbers)) <= {int} and len(set(numbers)) == len(numbers):
        return
    seen: set[Any] = set()
    for index, number in enumerate(numbers):
        if type(number) is not int or number in seen:
            findings.add(index, "has no id of its own", found=number, fix="number the annotations 1, 2, 3, ..")
        else:
            seen.add(number)


def _areas(rows: Sequence[Mapping[str, Any]], findings: Findings) -> npt.NDArray[np.float64]:
    areas = np.full(len(rows), np.nan)
    for index, area in enumerate(values_of(rows, "area")):
        if area is not None and type(area) in NUMBERS and 0 <= area < float("inf"):
            areas[index] = area
        elif area is not None:
            fix = "write the number of pixels of its mask"
            findings.add(index, "has no usable area", found=area, allowed="px, at least 0", fix=fix)
    return areas


def _notes(area_px: npt.NDArray[np.float64], marked: int) -> list[str]:
    missing = int(np.isnan(area_px).sum())
    notes = []
    if missing:
        notes.append(f"{missing} annotations have no area: their mask's is taken, or with boxes alone their box's")
    if marked:
        notes.append(f"{marked} annotations are marked `ignore` and no crowd: COCO's rule does not look at the mark")
    return notes
