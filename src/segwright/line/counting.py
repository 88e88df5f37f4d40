"""Counting the objects that cross a line, or come into a region or leave it: each object once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from segwright.core import Box, ClassTable, Instance
from segwright.line.tracking import TrackedFrame

Point = tuple[float, float]
Direction = Literal["forward", "backward", "in", "out"]


@dataclass(frozen=True)
class CountLine:
    """The straight line from `start` to `end`, points (x, y) in px: x to the right, y down.

    Forward is from its left to its right, seen by someone who walks from start to end: on a line drawn downwards to
    the left of the picture, on one drawn upwards to the right.
    """

    start: Point
    end: Point

    directions = ("forward", "backward")
    once_a_direction = False

    def crossed(self, before: Point, after: Point) -> Direction | None:
        """Which way the step from `before` to `after` crosses the line between its ends; None where it does not.

        A point on the line counts as right of it, so a step that ends there has crossed and the next has not.
        """
        was, now = self._side(before), self._side(after)
        if (was >= 0) == (now >= 0):
            return None
        share = was / (was - now)
        x, y = (then + share * (later - then) for then, later in zip(before, after, strict=True))
        along = (x - self.start[0]) * self._way[0] + (y - self.start[1]) * self._way[1]
        if not 0 <= along <= self._way[0] ** 2 + self._way[1] ** 2:
            return None
        return "forward" if now >= 0 else "backward"

    @property
    def _way(self) -> Point:
        return self.end[0] - self.start[0], self.end[1] - self.start[1]

    def _side(self, point: Point) -> float:
        """Above 0 right of the line, below 0 left of it."""
        return self._way[0] * (point[1] - self.start[1]) - self._way[1] * (point[0] - self.start[0])


@dataclass(frozen=True)
class CountRegion:
    """The inside of `box`, half-open: its left and top edge belong to it."""

    box: Box

    directions = ("in", "out")
    once_a_direction = True

    def crossed(self, before: Point, after: Point) -> Direction | None:
        """Whether the step from `before` to `after` leads in or out; None where it does neither."""
        was, now = self._holds(before), self._holds(after)
        return None if was == now else "in" if now else "out"

    def _holds(self, point: Point) -> bool:
        return self.box.left <= point[0] < self.box.right and self.box.top <= point[1] < self.box.bottom


Gate = CountLine | CountRegion


@dataclass(frozen=True)
class Crossing:
    """A track that crossed: in which frame it was first found beyond, and which way."""

    at: int
    track_id: int
    class_id: int
    direction: Direction


@dataclass(frozen=True)
class Counts:
    """direction -> class -> objects, 0 where there is none.

    `again` counts crossings of objects that were counted before, which are left out. `tracks` are all objects
    followed, by class, whether they crossed or not.
    """

    crossed: Mapping[str, Mapping[str, int]]
    tracks: Mapping[str, int]
    again: int = 0

    def to_json(self) -> dict[str, object]:
        """As plain values."""
        return {
            "crossed": {direction: dict(row) for direction, row in self.crossed.items()},
            "again": self.again,
            "tracks": dict(self.tracks),
        }


@dataclass
class GateCounter:
    """Counts at `gate` frame by frame; without one only tracks are counted.

    An object is where the mean of its pixels is, in frames where it was seen: where it should be is no evidence. What
    crossed while it was hidden is counted when it is found again. At a line an object counts once, by its first
    crossing; at a region once in and once out.
    """

    gate: Gate | None = None
    crossings: list[Crossing] = field(default_factory=list)
    again: int = 0
    _places: dict[int, Point] = field(default_factory=dict)
    _classes: dict[int, int] = field(default_factory=dict)
    _counted: set[tuple[int, Direction | None]] = field(default_factory=set)

    def update(self, frame: TrackedFrame) -> tuple[Crossing, ...]:
        """Take a frame; the crossings that it shows and that count."""
        known = len(self.crossings)
        for at, one in [*frame.earlier, *((frame.at, one) for one in frame.objects)]:
            if one.seen:
                self._step(at, one.track_id, one.instance)
        for track_id in frame.ended:
            self._places.pop(track_id, None)
        return tuple(self.crossings[known:])

    def counts(self, classes: ClassTable) -> Counts:
        """What was counted so far."""
        names = {spec.class_id: spec.name for spec in classes.foreground}
        crossed = {way: dict.fromkeys(names.values(), 0) for way in (self.gate.directions if self.gate else ())}
        for one in self.crossings:
            crossed[one.direction][names[one.class_id]] += 1
        tracks = dict.fromkeys(names.values(), 0)
        for class_id in self._classes.values():
            tracks[names[class_id]] += 1
        return Counts(crossed, tracks, self.again)

    def _step(self, at: int, track_id: int, one: Instance) -> None:
        now = middle(one)
        before = self._places.get(track_id, now)
        self._places[track_id] = now
        self._classes[track_id] = one.class_id
        way = self.gate.crossed(before, now) if self.gate else None
        if self.gate is None or way is None:
            return
        key = (track_id, way if self.gate.once_a_direction else None)
        if key in self._counted:
            self.again += 1
            return
        self._counted.add(key)
        self.crossings.append(Crossing(at, track_id, one.class_id, way))


def count_crossings(frames: Iterable[TrackedFrame], classes: ClassTable, gate: Gate | None = None) -> Counts:
    """What crosses `gate` in all of `frames`; see `GateCounter`."""
    counter = GateCounter(gate)
    for frame in frames:
        counter.update(frame)
    return counter.counts(classes)


def middle(one: Instance) -> Point:
    """The mean place (x, y) of an object's pixels in px; the middle of the first pixel of a frame is (0.5, 0.5)."""
    rows, columns = (np.count_nonzero(one.mask, axis=axis) for axis in (1, 0))
    down, right = (float(count @ (np.arange(len(count)) + 0.5)) / float(count.sum()) for count in (rows, columns))
    return one.box.left + right, one.box.top + down
