"""Tracks of a folder of predictions, as a file: COCO results that also say which object is which.

tracks.json
  settings, classes    what was asked for
  images               the frames in time order: id, file_name (the stem), width, height
  annotations          one row an object and frame: image_id, track_id, category_id, score, bbox [x, y, width, height],
                       segmentation (compressed run lengths), age, seen
  tracks               one row a track: id, category_id, first and last image_id in which it was seen, frames seen
  counts, crossings    what crossed the line or the region
  left_out             how many objects are in no track, by reason
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from segwright._version import __version__
from segwright.core import (
    ArtefactError,
    ClassTable,
    DataError,
    InstanceSet,
    Listener,
    Size,
    silent,
    tracked,
)
from segwright.infer.objects.results import categories, object_rows
from segwright.line.counting import Counts, Crossing, Gate, GateCounter
from segwright.line.predicted_objects import predicted_sets
from segwright.line.tracking import TrackedFrame, TrackedObject, Tracker, TrackSettings

SCHEMA_VERSION = 1
KIND = "tracks"
TRACKS = "tracks.json"
FRAME_STAGE = "track"


@dataclass(frozen=True)
class Tracks:
    """The tracks of a sequence: the objects of each frame by its stem, in time order, and what was counted."""

    size: Size | None
    classes: ClassTable
    frames: tuple[tuple[str, tuple[TrackedObject, ...]], ...]
    counts: Counts
    crossings: tuple[Crossing, ...]
    left_out: dict[str, int]
    settings: TrackSettings


def in_time(stems: Iterable[str]) -> list[str]:
    """Stems in the order of their names, numbers by their value: frame_9 comes before frame_10."""
    return sorted(stems, key=lambda stem: ([_part(part) for part in re.split(r"(\d+)", stem)], stem))


def track_folder(
    folder: Path,
    stems: Sequence[str],
    classes: ClassTable,
    settings: TrackSettings = TrackSettings(),
    *,
    gate: Gate | None = None,
    listener: Listener = silent,
) -> Tracks:
    """The tracks through the frames `stems` of the predictions in `folder`, taken in time order (`in_time`).

    Frames in which a track was found before it was known for one hold it too.

    Raises:
        ArtefactError: the folder's objects cannot be read.
        DataError: frames of several sizes.
    """
    ordered = in_time(stems)
    size, sets = predicted_sets(folder, ordered, classes)
    tracker, counter = Tracker(settings), GateCounter(gate)
    found: list[list[TrackedObject]] = [[] for _ in ordered]
    left_out: Counter[str] = Counter()
    for stem, objects in zip(ordered, tracked(sets, listener, FRAME_STAGE, len(ordered)), strict=False):
        frame = _updated(tracker, objects, stem)
        for at, one in [*frame.earlier, *((frame.at, one) for one in frame.objects)]:
            found[at].append(one)
        left_out.update(one.reason for one in frame.left_out)
        counter.update(frame)
    left_out.update(one.reason for one in tracker.finish())
    rows = [tuple(sorted(row, key=lambda one: one.track_id)) for row in found]
    frames, counts = tuple(zip(ordered, rows, strict=True)), counter.counts(classes)
    return Tracks(size, classes, frames, counts, tuple(counter.crossings), dict(sorted(left_out.items())), settings)


def write_tracks(path: Path, tracks: Tracks, source: dict[str, Any], gate: Gate | None = None) -> None:
    """Write `tracks.json`, whole or not at all; `source` says what was tracked.

    Raises:
        ArtefactError: the file cannot be written.
    """
    size = tracks.size
    shape = {} if size is None else {"width": size.width, "height": size.height}
    content = {
        "schema_version": SCHEMA_VERSION,
        "kind": KIND,
        "segwright": __version__,
        "source": source,
        "settings": asdict(tracks.settings),
        "gate": None if gate is None else asdict(gate),
        "classes": tracks.classes.to_json(),
        "categories": categories(tracks.classes, set(tracks.classes.ids)),
        "images": [{"id": at, "file_name": stem, **shape} for at, (stem, _) in enumerate(tracks.frames, start=1)],
        "annotations": [
            {"image_id": at, "track_id": one.track_id, **row, "age": one.age, "seen": one.seen}
            for at, (_, objects) in enumerate(tracks.frames, start=1)
            for one, row in zip(objects, _written(objects, tracks), strict=True)
        ],
        "tracks": _summary(tracks),
        "counts": tracks.counts.to_json(),
        "crossings": [
            {"image_id": one.at + 1, "track_id": one.track_id, "category_id": one.class_id, "direction": one.direction}
            for one in tracks.crossings
        ],
        "left_out": tracks.left_out,
    }
    temporary = path.with_name(path.name + ".part")
    try:
        temporary.write_text(json.dumps(content, ensure_ascii=False) + "\n", encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        found = error.strerror or str(error)
        fix = "free space, or choose another --out"
        raise ArtefactError.of(str(path), "cannot be written", found=found, fix=fix) from error


def _summary(tracks: Tracks) -> list[dict[str, Any]]:
    """One row a track; the frames in which it was seen."""
    seen: dict[int, list[int]] = defaultdict(list)
    kinds: dict[int, int] = {}
    for at, (_, objects) in enumerate(tracks.frames, start=1):
        for one in objects:
            kinds[one.track_id] = one.instance.class_id
            if one.seen:
                seen[one.track_id].append(at)
    return [
        {"id": name, "category_id": kinds[name], "first": at[0], "last": at[-1], "frames": len(at)}
        for name, at in sorted(seen.items())
    ]


def _written(objects: Sequence[TrackedObject], tracks: Tracks) -> list[dict[str, Any]]:
    if tracks.size is None:
        return []
    return object_rows(InstanceSet(tracks.size, tuple(one.instance for one in objects), tracks.classes))


def _updated(tracker: Tracker, objects: InstanceSet, stem: str) -> TrackedFrame:
    try:
        return tracker.update(objects)
    except DataError as error:
        problem = error.problems[0]
        raise DataError.of(stem, problem.rule, allowed=problem.allowed, found=problem.found, fix=problem.fix) from error


def _part(text: str) -> tuple[int, int, str]:
    return (0, int(text), "") if text.isdigit() else (1, 0, text)
