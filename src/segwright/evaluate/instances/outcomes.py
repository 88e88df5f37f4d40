"""What became of each object of a frame at IoU 0.5, to be shown; and the confidence from which detections are shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segwright.evaluate.instances.batches import Batch
from segwright.evaluate.instances.counts import InstanceCounts
from segwright.evaluate.instances.frame import InstanceFrame
from segwright.evaluate.instances.matching import turn_order
from segwright.evaluate.instances.overlap import Pairs, overlaps
from segwright.evaluate.instances.rules import IOU_THRESHOLDS, Kind, Rule

Positions = tuple[int, ...]


@dataclass(frozen=True)
class OperatingPoint:
    """The confidence from which on detections of all classes together have the best F1 at IoU 0.5, and that F1.

    None where there is no detection that counts, or no truth.
    """

    score: float | None
    f1: float | None


@dataclass(frozen=True)
class ObjectOutcomes:
    """Positions in the frame's detections (`found`, `invented`, `forgiven`) and truths (`missed`, `ignored`).

    `forgiven` detections are out of the count: on a crowd, or of a class that nobody looked for exhaustively.
    """

    found: Positions
    invented: Positions
    forgiven: Positions
    missed: Positions
    ignored: Positions


def best_f1(counts: InstanceCounts, kind: Kind) -> OperatingPoint:
    """The operating point of all frames together; chosen on the truth it is shown with, so for looking, not for use."""
    rows = [frame.kinds[kind] for frame in counts.frames]
    truths = sum(int(row.truth_counted[:, 0].sum()) for row in rows)
    counted = [(row.ignored[:, 0] & 1) == 0 for row in rows]
    score = np.concatenate([np.empty(0), *(row.score[kept] for row, kept in zip(rows, counted, strict=True))])
    if not truths or not score.size:
        return OperatingPoint(None, None)
    hit = np.concatenate([(row.matched[kept, 0] & 1) != 0 for row, kept in zip(rows, counted, strict=True)])
    order = np.argsort(-score, kind="stable")
    last = np.append(np.diff(score[order]) != 0, True)  # detections of one score are taken together
    f1 = 2 * np.cumsum(hit[order])[last] / (np.flatnonzero(last) + 1 + truths)
    best = int(f1.argmax())
    return OperatingPoint(float(score[order][last][best]), float(f1[best]))


def outcomes_of(
    frame: InstanceFrame, kind: Kind, rule: Rule, *, boundary_ratio: float, least_score: float | None = None
) -> ObjectOutcomes:
    """The outcomes of one frame at IoU 0.5, of the detections from `least_score` up: those that `Matches` counts."""
    turns, _ = turn_order(frame, rule)
    if least_score is not None:
        turns = turns[frame.detections.score[turns] >= least_score]
    truths = np.argsort(frame.truths.channel, kind="stable")
    batch = Batch.of([frame])
    pairs = Pairs.of(batch, turns, truths)
    shared = overlaps(batch, kind, pairs, boundary_ratio=boundary_ratio)
    taken: dict[int, int] = {}  # detection -> truth
    for detections, group, cells in pairs.groups():
        places = range(detections.start, detections.stop)
        rows = shared[cells].reshape(len(places), -1)
        _take_turns(frame, pairs.truths[group], [int(pairs.detections[place]) for place in places], rows, taken)
    return _sorted_out(frame, [int(each) for each in turns], taken)


def _take_turns(
    frame: InstanceFrame,
    truths: npt.NDArray[np.int64],
    detections: Sequence[int],
    shared: npt.NDArray[np.float64],
    taken: dict[int, int],
) -> None:
    """Each detection takes the free truth it overlaps most; those that count come first (see `matching`)."""
    crowd, ignored = frame.truths.crowd[truths], frame.truths.ignored[truths]
    free = np.ones(len(truths), dtype=np.bool_)
    for detection, row in zip(detections, shared, strict=True):
        fits = (row >= IOU_THRESHOLDS[0]) & (free | crowd)
        fits = fits & ~ignored if (fits & ~ignored).any() else fits
        if fits.any():
            best = len(row) - 1 - int(np.where(fits, row, -1.0)[::-1].argmax())
            free[best] = False
            taken[detection] = int(truths[best])


def _sorted_out(frame: InstanceFrame, turns: Sequence[int], taken: dict[int, int]) -> ObjectOutcomes:
    ignored = frame.truths.ignored
    lenient = frame.not_exhaustive
    found = tuple(each for each in turns if each in taken and not ignored[taken[each]])
    forgiven = tuple(
        each for each in turns
        if (each in taken and ignored[taken[each]])
        or (each not in taken and int(frame.detections.channel[each]) in lenient)
    )  # fmt: skip
    known, hit = {*found, *forgiven}, {taken[each] for each in found}
    return ObjectOutcomes(
        found,
        tuple(each for each in turns if each not in known),
        forgiven,
        tuple(each for each in range(len(ignored)) if not ignored[each] and each not in hit),
        tuple(np.flatnonzero(ignored).tolist()),
    )
