"""The objects in a folder that `segwright predict` wrote, frame by frame: instances.json, or the things of its maps."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from segwright.core import (
    ArtefactError,
    ClassTable,
    Instance,
    InstanceSet,
    SegwrightError,
    Size,
    instance_from_mask,
)
from segwright.data.codecs.segment_ids import read_segment_ids
from segwright.data.rasterise import runs_mask, unpacked_runs
from segwright.infer.prediction_folder import INSTANCES, MANIFEST, PANOPTIC

TASKS = ("instance", "panoptic")
Sets = tuple[Size | None, Iterator[InstanceSet]]


def predicted_stems(folder: Path) -> tuple[list[str], ClassTable]:
    """The frames of a finished folder of predicted objects or segments, and its classes.

    Raises:
        ArtefactError: no such folder, or one whose model names pixels and not objects.
    """
    path = folder / MANIFEST
    manifest = _json_of(path, "a folder that `segwright predict` wrote", "segwright predict BUNDLE FRAMES --out DIR")
    if not isinstance(manifest, dict) or manifest.get("task") not in TASKS:
        raise ArtefactError.of(
            str(folder),
            "holds no predictions of objects",
            allowed="predictions of task instance or panoptic",
            found=f"task {manifest.get('task')}" if isinstance(manifest, dict) else "something else",
            fix="predict with the bundle of an instance or panoptic network",
        )
    return [row["stem"] for row in manifest["frames"]], ClassTable.from_json(manifest["classes"])


def objects_file(folder: Path) -> Path:
    """The file of the folder that says what was found."""
    return folder / (PANOPTIC if (folder / PANOPTIC).is_file() else INSTANCES)


def predicted_sets(folder: Path, stems: Sequence[str], classes: ClassTable) -> Sets:
    """The size of the frames and the objects of each of `stems`; nothing where no frame has one.

    Raises:
        ArtefactError: the folder's files cannot be read; of a frame, when it is its turn.
    """
    if objects_file(folder).name == PANOPTIC:
        return _of_segments(folder, stems, classes)
    return _of_results(folder, stems, classes)


def _of_results(folder: Path, stems: Sequence[str], classes: ClassTable) -> Sets:
    path = folder / INSTANCES
    frames: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in _json_of(path, "COCO results, as `segwright predict` writes them", "predict the frames again"):
        frames[str(row["image_id"])].append(row)
    try:
        size = next((_size_of(row) for frame in frames.values() for row in frame), None)
    except (KeyError, TypeError, ValueError) as error:
        raise _unreadable(path, "", error) from error
    found = () if size is None else (_objects(path, stem, frames.get(stem, []), size, classes) for stem in stems)
    return size, iter(found)


def _objects(path: Path, stem: str, rows: Sequence[dict[str, Any]], size: Size, classes: ClassTable) -> InstanceSet:
    """The objects of one frame; a frame without any has the size of the others."""
    try:
        own = _size_of(rows[0]) if rows else size
        found = (_object(row) for row in rows)
        return InstanceSet(own, tuple(one for one in found if one is not None), classes)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise _unreadable(path, f", frame {stem}", error) from error


def _object(row: dict[str, Any]) -> Instance | None:
    runs = unpacked_runs(row["segmentation"]["counts"])
    mask = runs_mask(runs, _size_of(row), by_column=True)
    return instance_from_mask(mask, row["category_id"], score=float(row["score"]))


def _size_of(row: dict[str, Any]) -> Size:
    height, width = row["segmentation"]["size"]
    return Size(height, width)


def _of_segments(folder: Path, stems: Sequence[str], classes: ClassTable) -> Sets:
    """The things of panoptic maps, with the scores that the segments carry. Lost: stuff."""
    path = folder / PANOPTIC
    content = _json_of(path, "COCO panoptic JSON, as `segwright predict` writes it", "predict the frames again")
    counted = {spec.class_id for spec in classes if spec.kind == "thing"}
    try:
        rows = {
            str(frame["image_id"]): [row for row in frame["segments_info"] if row["category_id"] in counted]
            for frame in content["annotations"]
        }
        size = next((Size(row["height"], row["width"]) for row in content["images"]), None)
    except (KeyError, TypeError, ValueError) as error:
        raise _unreadable(path, "", error) from error
    if not any(rows.values()):
        return None, iter(())
    return size, (_things(folder, stem, rows.get(stem, []), classes) for stem in stems)


def _things(folder: Path, stem: str, rows: Sequence[dict[str, Any]], classes: ClassTable) -> InstanceSet:
    """The things of one frame, cut out of its map of ids."""
    ids = read_segment_ids(folder / "panoptic" / f"{stem}.png")
    found: list[Instance] = []
    try:
        for row in rows:
            left, top, width, height = row["bbox"]
            mask = ids[top : top + height, left : left + width] == row["id"]
            score = row.get("score")
            one = instance_from_mask(mask, row["category_id"], at=(top, left), crowd=bool(row["iscrowd"]), score=score)
            found += [] if one is None else [one]
        return InstanceSet(Size(*ids.shape), tuple(found), classes)
    except (KeyError, TypeError, ValueError) as error:
        raise _unreadable(folder / PANOPTIC, f", frame {stem}", error) from error


def _json_of(path: Path, allowed: str, fix: str) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        found = getattr(error, "strerror", None) or str(error)
        raise ArtefactError.of(str(path), "cannot be read", allowed=allowed, found=found, fix=fix) from error


def _unreadable(path: Path, where: str, error: Exception) -> SegwrightError:
    whole = "category_id, score and a segmentation of compressed run lengths"
    return ArtefactError.of(
        f"{path}{where}",
        "has an object that cannot be read",
        allowed=whole if path.name == INSTANCES else "segments with id, category_id and bbox",
        found=f"{type(error).__name__}: {error}",
        fix="predict the frames again",
    )
