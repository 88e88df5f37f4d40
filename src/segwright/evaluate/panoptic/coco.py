"""COCO panoptic: a JSON file that names the segments, and a folder of PNG files that draw them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from segwright.core import (
    DEFAULT_VOID_ID,
    ClassSpec,
    ClassTable,
    ConfigError,
    DataError,
    Problem,
    adopt,
    raise_collected,
)
from segwright.core.classes import WIDE_VOID_ID
from segwright.data.codecs.segment_ids import read_segment_ids
from segwright.evaluate.panoptic.frame import PanopticFrame, Segment

_FIX = "export the task as COCO panoptic, not as instances, captions or results"


@dataclass(frozen=True)
class CocoPanoptic:
    """Frames of a COCO panoptic JSON file, by the stem of their PNG file.

    A segment without `iscrowd` is no crowd. Areas are counted in the PNG; those of the JSON are only compared.
    """

    path: Path
    classes: ClassTable
    annotations: Mapping[str, Mapping[str, Any]]

    @property
    def place(self) -> str:
        return str(self.path)

    @property
    def stems(self) -> tuple[str, ...]:
        return tuple(self.annotations)

    @property
    def image_ids(self) -> Mapping[str, int | str]:
        return {stem: row["image_id"] for stem, row in self.annotations.items()}

    def read(self, stem: str) -> PanopticFrame:
        """Raises DataError with the PNG's path: it cannot be read, or is not what the JSON names."""
        row = self.annotations[stem]
        path = self.path.with_suffix("") / row["file_name"]
        ids = adopt(read_segment_ids(path))
        segments = {
            each["id"]: Segment(each["category_id"], bool(each.get("iscrowd", 0))) for each in row["segments_info"]
        }
        try:
            return PanopticFrame(stem, ids, segments, self.classes)
        except DataError as error:
            raise DataError(*(replace(problem, place=str(path)) for problem in error.problems)) from None

    def stale_areas(self, frame: PanopticFrame) -> int:
        """How many segments have an `area` in the JSON that is not their number of pixels."""
        counted = dict(zip(frame.table.ids.tolist(), frame.table.area_px.tolist(), strict=True))
        rows = self.annotations[frame.stem]["segments_info"]
        return sum(each["area"] != counted[each["id"]] for each in rows if "area" in each)


def open_coco(path: Path, classes: ClassTable | None) -> CocoPanoptic:
    """The frames of the COCO panoptic JSON at `path`, drawn in the folder of the same name without `.json`.

    Its `categories` make the class table: ids and names, `isthing` for the kind. With `classes` given that table is
    used, and the categories, where there are any, must agree with it on id, name and kind.

    Raises:
        DataError: not JSON, not COCO panoptic, files or segments named twice; all at once.
        ConfigError: no categories and no `classes`, or categories that contradict `classes`.
    """
    data = _load(path)
    table = _class_table(path, data.get("categories"), classes)
    problems: list[Problem] = []
    annotations: dict[str, Mapping[str, Any]] = {}
    for row in data["annotations"]:
        found = list(_annotation_problems(path, row))
        problems += found
        if not found:
            annotations[_stem(row)] = row
    raise_collected([*problems, *_shared(path, data["annotations"])])
    return CocoPanoptic(path, table, annotations)


def _stem(row: Mapping[str, Any]) -> str:
    return str(PurePosixPath(row["file_name"]).with_suffix(""))


def _shared(path: Path, rows: Sequence[object]) -> Iterator[Problem]:
    """Maps and images that two annotations claim."""
    good = [row for row in rows if isinstance(row, dict) and not next(_annotation_problems(path, row), None)]
    for what, values in (("file_name", map(_stem, good)), ("image_id", (row["image_id"] for row in good))):
        twice = _twice(values)
        if twice:
            fix = "export it again, with one annotation an image"
            yield Problem(str(path), f"gives one {what} to two annotations", "each once", twice, fix)


def _load(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise DataError.of(str(path), "does not exist", allowed="COCO panoptic JSON", fix="check the path") from error
    except (OSError, ValueError, RecursionError) as error:
        raise DataError.of(
            str(path), "is not readable JSON", allowed="COCO panoptic JSON", found=str(error),
            fix="export it again, or copy it again from its source",
        ) from error  # fmt: skip
    if not isinstance(data, dict) or not isinstance(data.get("annotations"), list):
        raise DataError.of(
            str(path), "is not COCO panoptic JSON", allowed="an object with a list of annotations",
            found=", ".join(data) if isinstance(data, dict) else type(data).__name__, fix=_FIX,
        )  # fmt: skip
    return data


def _annotation_problems(path: Path, row: object) -> Iterator[Problem]:
    kinds = {"file_name": str, "image_id": int | str, "segments_info": list}
    if not isinstance(row, dict) or not all(isinstance(row.get(key), kind) for key, kind in kinds.items()):
        found = ", ".join(row) if isinstance(row, dict) else type(row).__name__
        allowed = "file_name (a path), image_id (a number or a text), segments_info (a list)"
        yield Problem(f"{path}: annotations", "has one that is not COCO panoptic", allowed, found, _FIX)
        return
    place, segments = f"{path}: {row['file_name']}", row["segments_info"]
    if not all(_is_segment(each) for each in segments):
        allowed = "a list of objects with id and category_id, whole numbers"
        yield Problem(place, "has segments_info that is not COCO panoptic", allowed, "other", _FIX)
        return
    twice = _twice(each["id"] for each in segments)
    if twice:
        yield Problem(place, "names a segment twice", "each id once", twice, "number the segments of a frame anew")


def _is_segment(row: object) -> bool:
    return isinstance(row, dict) and all(isinstance(row.get(key), int) for key in ("id", "category_id"))


def _twice(values: Iterable[object]) -> str:
    """The values that come more than once, for a message; empty where none does."""
    found = [str(value) for value, count in Counter(values).items() if count > 1]
    return ", ".join(found[:8]) + (f" ... ({len(found)} in all)" if len(found) > 8 else "")


def _class_table(path: Path, categories: object, classes: ClassTable | None) -> ClassTable:
    if categories is None and classes is not None:
        return classes
    keys = ("id", "name", "isthing")
    rows = categories if isinstance(categories, list) else []
    if not rows or not all(
        isinstance(row, dict) and all(key in row for key in keys) and isinstance(row["id"], int) for row in rows
    ):
        raise ConfigError.of(
            str(path), "has no categories that make a class table", allowed=f"a list of objects with {', '.join(keys)}",
            found="none" if not rows else "other", fix="take over the categories of the truth, or give a class table",
        )  # fmt: skip
    if classes is None:
        return _table_of(path, rows)
    raise_collected(_contradictions(path, rows, classes), ConfigError)
    return classes


def _table_of(path: Path, rows: Sequence[Mapping[str, Any]]) -> ClassTable:
    specs = tuple(ClassSpec(row["id"], str(row["name"]), "thing" if row["isthing"] else "stuff") for row in rows)
    void_id = DEFAULT_VOID_ID if max(spec.class_id for spec in specs) < DEFAULT_VOID_ID else WIDE_VOID_ID
    try:
        return ClassTable(specs, void_id)
    except ConfigError as error:
        raise ConfigError(*(replace(each, place=f"{path}: categories") for each in error.problems)) from None


def _contradictions(path: Path, rows: Sequence[Mapping[str, Any]], classes: ClassTable) -> Iterator[Problem]:
    """Categories that the class table calls otherwise; ids it does not know matter only where a segment has them."""
    known = {spec.class_id: spec for spec in classes}
    for row in rows:
        spec = known.get(row["id"])
        if spec is not None and (spec.name, spec.kind == "thing") != (str(row["name"]), bool(row["isthing"])):
            yield Problem(
                f"{path}: category {row['id']}", "is another class than in the truth or the class table",
                f"{spec.name}, {spec.kind}", f"{row['name']}, {'thing' if row['isthing'] else 'stuff'}",
                "write both files with one list of categories",
            )  # fmt: skip
