"""The ranking of all detections of a class -> precision at each recall, and the recall that was reached.

Precision at recall r is the best precision at any recall of at least r, and 0 where r is not reached; average precision
is its mean over the 101 recalls 0, 0.01, .. 1. Detections out of the count are passed over.

Source: `accumulate` of pycocotools.cocoeval (Lin et al., "Microsoft COCO: Common Objects in Context", ECCV 2014;
interpolation after Everingham et al., "The Pascal VOC Challenge", IJCV 2010, section 4.2, at 101 points).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segwright.evaluate.instances.counts import InstanceCounts
from segwright.evaluate.instances.rules import AREAS, IOU_THRESHOLDS, RECALL_THRESHOLDS, Kind
from segwright.evaluate.kernels import pays


@dataclass(frozen=True, eq=False)
class Accumulated:
    """Curves of every class, in channel order; NaN where a class has no truth that counts.

    `precision` float64 (thresholds, recalls, classes, areas, limits) as in COCO's own arrays; `score` of the same shape
    is the score down to which detections are taken to reach the recall (0 where it is not reached); `recall` float64
    (thresholds, classes, areas, limits). `truths` int64 (classes, areas): truths that count.
    """

    precision: npt.NDArray[np.float64]
    recall: npt.NDArray[np.float64]
    score: npt.NDArray[np.float64]
    truths: npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Ranking:
    """All detections of all frames by class, then falling score, then image order; columns as in `Matches`.

    `start` is int64 (classes + 1,): where each class begins.
    """

    start: npt.NDArray[np.int64]
    score: npt.NDArray[np.float64]
    rank: npt.NDArray[np.int64]
    matched: npt.NDArray[np.uint16]
    ignored: npt.NDArray[np.uint16]
    truths: npt.NDArray[np.int64]

    @staticmethod
    def of(counts: InstanceCounts, kind: Kind) -> Ranking:
        """The ranking for one kind of score."""
        rows = [frame.kinds[kind] for frame in counts.frames]
        channels = np.arange(len(counts.classes) + 1)
        channel = np.concatenate([np.empty(0, dtype=np.int64), *(row.channel for row in rows)])
        score = np.concatenate([np.empty(0), *(row.score for row in rows)])
        order = np.lexsort((-score, channel))
        bits = np.empty((0, len(AREAS)), dtype=np.uint16)
        truths = np.zeros((len(counts.classes), len(AREAS)), dtype=np.int64)
        for row in rows:
            np.add.at(truths, row.truth_channel, row.truth_counted)
        return Ranking(
            np.searchsorted(channel[order], channels).astype(np.int64),
            score[order],
            np.concatenate([np.empty(0, dtype=np.int64), *(row.rank for row in rows)])[order],
            np.concatenate([bits, *(row.matched for row in rows)])[order],
            np.concatenate([bits, *(row.ignored for row in rows)])[order],
            truths,
        )


def accumulate(counts: InstanceCounts, kind: Kind) -> Accumulated:
    """The curves of one kind of score."""
    ranking, most = Ranking.of(counts, kind), counts.rule.most_detections
    if not pays(len(ranking.score)):
        return accumulate_plainly(ranking, most)
    from segwright.evaluate.kernels import matching

    curves = matching.accumulate(
        ranking.start, ranking.score, ranking.rank, ranking.matched, ranking.ignored, ranking.truths,
        np.array(most), len(IOU_THRESHOLDS), RECALL_THRESHOLDS,
    )  # fmt: skip
    return Accumulated(curves[0], curves[1], curves[2], ranking.truths)


def accumulate_plainly(ranking: Ranking, most: tuple[int, ...]) -> Accumulated:
    """What `accumulate` gives, by numpy: all thresholds of a class at once."""
    shape = (len(IOU_THRESHOLDS), len(RECALL_THRESHOLDS), *ranking.truths.shape, len(most))
    precision, score = np.full(shape, np.nan), np.full(shape, np.nan)
    recall = np.full((shape[0], *shape[2:]), np.nan)
    for channel, area in np.argwhere(ranking.truths).tolist():
        rows = np.arange(ranking.start[channel], ranking.start[channel + 1])
        for position, limit in enumerate(most):
            within = rows[ranking.rank[rows] < limit]
            curve = _curve(ranking, within, area, int(ranking.truths[channel, area]))
            precision[:, :, channel, area, position], score[:, :, channel, area, position] = curve[:2]
            recall[:, channel, area, position] = curve[2]
    return Accumulated(precision, recall, score, ranking.truths)


def _curve(ranking: Ranking, rows: npt.NDArray, area: int, truths: int) -> tuple[npt.NDArray, npt.NDArray, npt.NDArray]:
    """Precision and score (thresholds, recalls), and the recall reached (thresholds,), of one class."""
    shape = (len(IOU_THRESHOLDS), len(RECALL_THRESHOLDS))
    if not len(rows):
        return np.zeros(shape), np.zeros(shape), np.zeros(shape[0])
    bits = (1 << np.arange(shape[0])).astype(np.uint16)[:, None]
    matched, counted = (ranking.matched[rows, area] & bits) != 0, (ranking.ignored[rows, area] & bits) == 0
    hits = np.cumsum(matched & counted, axis=1).astype(np.float64)
    wrong = np.cumsum(~matched & counted, axis=1).astype(np.float64)
    best = np.maximum.accumulate((hits / (wrong + hits + np.spacing(1)))[:, ::-1], axis=1)[:, ::-1]
    recall = hits / truths
    at = np.array([np.searchsorted(row, RECALL_THRESHOLDS) for row in recall])
    reached = at < len(rows)
    at = np.minimum(at, len(rows) - 1)
    precision = np.where(reached, np.take_along_axis(best, at, axis=1), 0.0)
    return precision, np.where(reached, ranking.score[rows][at], 0.0), recall[:, -1]
