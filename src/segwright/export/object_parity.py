"""The proof that an exported instance pipeline finds the objects the trained one finds, over whole frames."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from segwright.core import Image, Instance, InstanceSet, Listener, Note, silent
from segwright.export.proof import Proof, over_frames
from segwright.infer.objects import ObjectPredictor
from segwright.infer.objects.overlap import shared_px

NOTHING_FOUND = (
    "neither pipeline finds an object in the frames of the proof, so it shows nothing: train longer, lower "
    "inference.objects.score, or prove it on more frames (--frames)"
)


@dataclass(frozen=True)
class ObjectTolerance:
    """How far an exported instance pipeline may be from its reference.

    alone_share: of all objects, how many may be found by only one of them, or with masks whose IoU is below `iou`.
    few: so many objects alone pass whatever their share: a candidate on the edge of its threshold is no fault.
    score: by how much the score of an object that both find may differ.
    """

    alone_share: float = 0.01
    few: int = 2
    iou: float = 0.95
    score: float = 0.01


@dataclass(frozen=True)
class ObjectFrameOfProof:
    """A frame to compare on."""

    stem: str
    image: Image


@dataclass(frozen=True)
class ObjectProof(Proof):
    """What was compared, by how much it differs, and whether that is within `tolerance`."""

    reference: str
    exported: str
    frames: int
    objects: int
    alone: int
    smallest_iou: float | None
    largest_score_difference: float
    tolerance: ObjectTolerance
    worst: tuple[str, ...]

    @property
    def reasons(self) -> tuple[str, ...]:
        """What exceeds the tolerance."""
        limits, found = self.tolerance, []
        if self.alone > max(limits.few, limits.alone_share * self.objects):
            found.append(f"{self.alone} of {self.objects} objects are found by one pipeline only")
        if self.largest_score_difference > limits.score:
            found.append(f"a score differs by {self.largest_score_difference:.4f}")
        return tuple(found)


def object_parity(
    reference: ObjectPredictor,
    exported: ObjectPredictor,
    frames: Iterable[ObjectFrameOfProof],
    tolerance: ObjectTolerance = ObjectTolerance(),
    *,
    total: int = 0,
    listener: Listener = silent,
) -> ObjectProof:
    """Run both pipelines on whole `frames` and compare their objects, partnered one to one by the IoU of their masks.

    Raises:
        ConfigError: there is no frame to compare on.
    """

    def compared(frame: ObjectFrameOfProof) -> _Compared:
        ours, theirs = (each.predict(frame.image).objects for each in (reference, exported))
        return _Compared(frame.stem, partners(ours, theirs, tolerance.iou), len(ours) + len(theirs))

    seen = over_frames(frames, compared, total=total, listener=listener)
    if not any(row.on_both_sides for row in seen):
        listener(Note("parity", NOTHING_FOUND, "warning"))
    pairs = [pair for row in seen for pair in row.pairs]
    return ObjectProof(
        reference.runtime.name,
        exported.runtime.name,
        len(seen),
        sum(len(row.pairs) + row.alone for row in seen),
        sum(row.alone for row in seen),
        min((iou for _, _, iou in pairs), default=None),
        max((abs((one.score or 0.0) - (other.score or 0.0)) for one, other, _ in pairs), default=0.0),
        tolerance,
        tuple(row.stem for row in sorted(seen, key=lambda row: -row.alone)[:3] if row.alone),
    )


@dataclass(frozen=True)
class _Compared:
    """A frame: the objects that both pipelines find, and how many there are on both sides together."""

    stem: str
    pairs: list[tuple[Instance, Instance, float]]
    on_both_sides: int

    @property
    def alone(self) -> int:
        """Objects that only one of them finds."""
        return self.on_both_sides - 2 * len(self.pairs)


def partners(ours: InstanceSet, theirs: InstanceSet, least_iou: float) -> list[tuple[Instance, Instance, float]]:
    """Objects of one class partnered so that the sum of their masks' IoU is largest; below `least_iou` none are."""
    ious = np.zeros((len(ours), len(theirs)))
    for row, one in enumerate(ours):
        for column, other in enumerate(theirs):
            if one.class_id == other.class_id and (shared := shared_px(one, other)):
                ious[row, column] = shared / (one.area_px + other.area_px - shared)
    rows, columns = linear_sum_assignment(-ious)
    pairs = ((ours.instances[row], theirs.instances[column], float(ious[row, column]))
             for row, column in zip(rows, columns, strict=True))  # fmt: skip
    return [pair for pair in pairs if pair[2] >= least_iou]
