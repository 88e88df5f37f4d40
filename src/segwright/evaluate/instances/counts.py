"""Instances counted frame by frame; counts of frames add up over workers and machines, ratios come later, in `scores`.

The rows keep each detection's score and what it was at each threshold: average precision is a figure of the ranking of
all detections together, so no smaller count would add up to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from operator import length_hint

from segwright.core import ClassTable, DataError, Listener, Problem, Progress, silent
from segwright.data.workers import in_threads
from segwright.evaluate.boundary_iou import DILATION_RATIO
from segwright.evaluate.instances.batches import Batch, batches
from segwright.evaluate.instances.frame import ImageId, InstanceFrame, image_order
from segwright.evaluate.instances.matching import Matches, match_batch
from segwright.evaluate.instances.rules import COCO, Kind, Rule, require_kinds


@dataclass(frozen=True)
class FrameMatches:
    """One frame's part of the counts: what was matched, for each kind; `columns` say its domains."""

    image_id: ImageId
    name: str
    kinds: Mapping[Kind, Matches]
    columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class InstanceCounts:
    """The counts of any number of frames; equal by value, added with `+`.

    `frames` are in the order of their image ids, whatever order they were counted in: where scores tie, COCO ranks by
    this order, so any order and any sharding of the frames gives the same scores. Counts of the same classes, kinds,
    rule and boundary ratio add up.

    Raises:
        DataError: an image is counted twice.
    """

    classes: ClassTable
    kinds: tuple[Kind, ...]
    rule: Rule = COCO
    boundary_ratio: float = DILATION_RATIO
    frames: tuple[FrameMatches, ...] = ()

    def __post_init__(self) -> None:
        ordered = tuple(sorted(self.frames, key=lambda row: image_order(row.image_id)))
        object.__setattr__(self, "frames", ordered)
        twice = [row for row, following in pairwise(ordered) if row.image_id == following.image_id]
        if twice:
            fix = "give every image an id of its own"
            raise DataError(
                *(Problem(f"image {row.image_id}", "is counted twice", "each image once", fix=fix) for row in twice)
            )

    def __add__(self, other: InstanceCounts) -> InstanceCounts:
        mine, theirs = (
            (counts.classes.content_hash, counts.kinds, counts.rule, counts.boundary_ratio) for counts in (self, other)
        )
        if mine != theirs:
            raise ValueError("only counts of the same classes, kinds, rule and boundary ratio add up")
        frames = self.frames + other.frames
        return InstanceCounts(self.classes, self.kinds, self.rule, self.boundary_ratio, frames)


def count_instances(
    frames: InstanceFrame | Iterable[InstanceFrame],
    classes: ClassTable,
    *,
    kinds: Iterable[Kind] = ("mask", "box"),
    rule: Rule = COCO,
    boundary_ratio: float = DILATION_RATIO,
    workers: int | None = None,
    listener: Listener = silent,
) -> InstanceCounts:
    """The counts of one frame or of a stream of frames.

    Some hundred frames are held at a time, and a few numbers a detection.
    Detections are ranked by score in their class and frame, and those beyond the rule's number left out.
    `boundary_ratio` is the share of the frame's diagonal that a rim is wide; `workers` is a number of threads, None as
    many as there are cores, up to 8. Source: `evaluate` of pycocotools.cocoeval and of lvis-dataset/lvis-api.

    Raises:
        ConfigError: `kinds` names what does not exist.
        DataError: an image comes twice.
        ValueError: a frame lacks the boxes or the masks that a kind needs.
    """
    asked = require_kinds(kinds)
    stream = [frames] if isinstance(frames, InstanceFrame) else frames
    total, rows = length_hint(stream), []

    def count(batch: Batch) -> list[FrameMatches]:
        found = [match_batch(batch, kind, rule, boundary_ratio=boundary_ratio) for kind in asked]
        return [
            FrameMatches(frame.image_id, frame.name, dict(zip(asked, matches, strict=True)))
            for frame, *matches in zip(batch.frames, *found, strict=True)
        ]

    for counted in in_threads(count, batches(stream), workers):
        for row in counted:
            rows.append(row)
            listener(Progress("evaluate", len(rows), max(total, len(rows))))
    return InstanceCounts(classes, asked, rule, boundary_ratio, tuple(rows))
