"""A generated belt with objects that cross, what a network would say of it, and scores of tracks against it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from segwright.core import ClassSpec, ClassTable, Instance, InstanceSet, Size, instance_from_mask
from segwright.line.association import mask_iou
from segwright.line.tracking import TrackedFrame, TrackSettings, track_frames

CLASSES = ClassTable(
    (ClassSpec(0, "background"), ClassSpec(1, "bracket", "thing"), ClassSpec(2, "bolt", "thing")),
    background="background",
)
SIZE = Size(160, 320)
LEAST_SEEN = 0.25  # of an object's pixels: one that is hidden more is neither asked for nor wrong


@dataclass(frozen=True)
class Part:
    """An ellipse on its way: `start` and `velocity` are (down, right) in px and px a frame."""

    start: tuple[float, float]
    velocity: tuple[float, float]
    radii: tuple[float, float]
    class_id: int = 1

    def mask(self, at: int, size: Size = SIZE) -> np.ndarray:
        rows, columns = np.ogrid[: size.height, : size.width]
        down, right = (begin + at * step for begin, step in zip(self.start, self.velocity, strict=True))
        return ((rows - down) / self.radii[0]) ** 2 + ((columns - right) / self.radii[1]) ** 2 <= 1


@dataclass(frozen=True)
class Truth:
    """The objects of a frame: number -> its pixels that are seen, and those seen too little to ask for."""

    seen: dict[int, Instance]
    hidden: dict[int, Instance]


def parts_of(seed: int, count: int, size: Size = SIZE) -> list[Part]:
    """Parts that enter from the left over time, each with a drift and a speed of its own, so that their ways cross."""
    rng = np.random.default_rng(seed)
    parts = []
    for at in range(count):
        radii = (rng.uniform(7, 13), rng.uniform(7, 16))
        speed, drift = rng.uniform(3, 8), rng.uniform(-1.6, 1.6)
        start = (rng.uniform(25, size.height - 25), -20.0 - at * 14 * rng.uniform(0.5, 1.5))
        parts.append(Part(start, (drift, speed), radii, 1 + int(rng.random() < 0.3)))
    return parts


def conveyor(
    seed: int, *, frames: int = 80, count: int = 12, miss: float = 0.05, ghosts: float = 0.05, size: Size = SIZE
) -> tuple[list[Truth], list[InstanceSet]]:
    """The truth of each frame and what a network says: later parts lie over earlier ones.

    An object's score falls with what is hidden of it; with chance `miss` it is not found; its outline loses or gains a
    ragged border; with chance `ghosts` there is an object that is none.
    """
    rng, parts = np.random.default_rng(seed + 1000), parts_of(seed, count, size)
    truths, said = [], []
    for at in range(frames):
        whole = [part.mask(at, size) for part in parts]
        above, seen, hidden, found = np.zeros((size.height, size.width), bool), {}, {}, []
        for number in reversed(range(len(parts))):
            one = instance_from_mask(whole[number] & ~above, parts[number].class_id)
            above |= whole[number]
            if one is None:
                continue
            share = one.area_px / whole[number].sum()
            (seen if share >= LEAST_SEEN else hidden)[number] = one
            if share >= 0.1 and rng.random() >= miss:
                found.append(
                    shaken(one, rng, size, score=float(np.clip(0.3 + 0.65 * share + rng.normal(0, 0.03), 0, 1)))
                )
        if rng.random() < ghosts:
            ghost = Part((rng.uniform(20, size.height - 20), rng.uniform(20, size.width - 20)), (0, 0), (8, 8))
            found.append(instance_from_mask(ghost.mask(0, size), 1, score=0.6))
        truths.append(Truth(seen, hidden))
        said.append(InstanceSet(size, tuple(one for one in found if one is not None), CLASSES))
    return truths, said


def shaken(one: Instance, rng: np.random.Generator, size: Size, score: float) -> Instance | None:
    """The object with a shaky outline: a pixel at the border is kept by chance."""
    mask = one.over(size)
    inner = mask.copy()
    for axis in (0, 1):
        for step in (1, -1):
            inner &= np.roll(mask, step, axis)
    ragged = inner | (mask & (rng.random(mask.shape) < 0.6))
    return instance_from_mask(ragged, one.class_id, score=score)


@dataclass(frozen=True)
class MotScores:
    """CLEAR MOT counts at mask IoU 0.5 over frames (Bernardin and Stiefelhagen 2008).

    misses: asked for and found by no track; false: found by a track and nothing there; switches: an object found by
    another track than the last time. MOTA = 1 - (misses + false + switches) / objects.
    """

    objects: int
    misses: int
    false: int
    switches: int

    @property
    def mota(self) -> float:
        return 1 - (self.misses + self.false + self.switches) / self.objects


def mot_scores(truths: Sequence[Truth], tracks: Sequence[dict[int, Instance]], least_iou: float = 0.5) -> MotScores:
    """A pair of the frame before stays one while it can; the rest are assigned by the largest sum of IoU."""
    last: dict[int, int] = {}
    objects = misses = false = switches = 0
    for truth, found in zip(truths, tracks, strict=True):
        numbers, names = [*truth.seen, *truth.hidden], [*found]
        iou = mask_iou([*truth.seen.values(), *truth.hidden.values()], [*found.values()], least_iou)
        pairs = {}
        for row, number in enumerate(numbers):
            if last.get(number) in found and iou[row, names.index(last[number])]:
                pairs[number] = last[number]
                iou[row, :] = iou[:, names.index(last[number])] = 0
        if iou.size:
            for row, column in zip(*linear_sum_assignment(iou, maximize=True), strict=True):
                if iou[row, column]:
                    pairs[numbers[row]] = names[column]
        objects += len(truth.seen)
        misses += len(truth.seen.keys() - pairs.keys())
        false += len(found) - len(pairs)
        switches += sum(last.get(number, name) != name for number, name in pairs.items())
        last |= pairs
    return MotScores(objects, misses, false, switches)


def followed(frames: Sequence[InstanceSet], settings: TrackSettings = TrackSettings()) -> list[TrackedFrame]:
    return list(track_frames(frames, settings))


def seen_by_frame(answers: Sequence[TrackedFrame]) -> list[dict[int, Instance]]:
    """track id -> object of each frame, those found before their track was known for one among them."""
    rows: list[dict[int, Instance]] = [{} for _ in answers]
    for answer in answers:
        for at, one in [*answer.earlier, *((answer.at, one) for one in answer.objects)]:
            if one.seen:
                rows[at][one.track_id] = one.instance
    return rows
