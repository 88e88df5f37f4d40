"""What the training frames say of objects: how many there are in a frame, and how large they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from segwright.core import DataError, InstanceSet, Problem
from segwright.data import Dataset, Frame
from segwright.data.frame_objects import has_objects, read_objects
from segwright.data.frame_segments import read_things
from segwright.data.workers import in_threads

ReadObjects = Callable[[Dataset, Frame], InstanceSet]


@dataclass(frozen=True, slots=True)
class ObjectFacts:
    """Of `frames` frames: objects in all and the most in one, frames without, crowds, and sides of boxes.

    `sides_px` are the 10th, 50th and 90th percentile of the square root of the area of the objects' boxes.
    `from_components` says that the labels tell no objects apart, and each connected region counts as one.
    """

    frames: int
    objects: int
    most: int
    empty: int
    crowds: int
    sides_px: tuple[float, float, float]
    from_components: bool

    def to_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__} | {"sides_px": list(self.sides_px)}


def facts_for(task: str, dataset: Dataset, stems: Sequence[str]) -> ObjectFacts | None:
    """The facts of what `task` counts; None where it counts nothing. Raises as `object_facts`."""
    readers = {"instance": read_objects, "panoptic": read_things}
    return object_facts(dataset, stems, readers[task]) if task in readers else None


def object_facts(dataset: Dataset, stems: Sequence[str], read: ReadObjects = read_objects) -> ObjectFacts:
    """The facts of the frames `stems`, whose objects `read` gives.

    Raises:
        DataError: frames whose labels cannot be read, all of them; or not one object in any.
    """
    problems: list[Problem] = []
    sets: list[tuple[int, int, list[float]]] = []
    for answer in in_threads(lambda stem: _measured(dataset, stem, read), list(stems)):
        if isinstance(answer, DataError):
            problems += answer.problems
        else:
            sets.append(answer)
    if problems:
        raise DataError(*problems)
    sides = [side for _, _, found in sets for side in found]
    if not sides:
        raise DataError.of(
            str(dataset.root),
            "has no object in its training frames",
            allowed="at least one object to learn",
            found=f"{len(sets)} frames, {sum(crowds for _, crowds, _ in sets)} crowds",
            fix="label objects, or put frames that have some into the training part: segwright split",
        )
    low, middle, high = (round(float(value), 1) for value in np.percentile(sides, (10, 50, 90)))
    return ObjectFacts(
        frames=len(sets),
        objects=len(sides),
        most=max(count for count, _, _ in sets),
        empty=sum(count == 0 for count, _, _ in sets),
        crowds=sum(crowds for _, crowds, _ in sets),
        sides_px=(low, middle, high),
        from_components=not has_objects(dataset),
    )


def _measured(dataset: Dataset, stem: str, read: ReadObjects) -> tuple[int, int, list[float]] | DataError:
    """Objects, crowds, and the side of each object's box."""
    try:
        objects = read(dataset, dataset.frame(stem))
    except DataError as error:
        return error
    things = [one for one in objects if not one.crowd]
    return len(things), len(objects) - len(things), [one.box.area_px**0.5 for one in things]
