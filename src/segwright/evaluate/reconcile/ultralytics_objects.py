"""Ultralytics: the mean average precision that its instance and detection tasks print.

Its rules, counted here from the same detections and truths at their native size:

- At most 300 detections an image of all classes together, of a confidence above 0.001. (Its own suppression of
  overlapping boxes comes before that, and is the model's.)
- Crowds are no truths: its converter of COCO files leaves them out, so a detection on one is false.
- At each of ten IoU thresholds a detection can take the one truth of its class that it overlaps most, and no other; of
  several detections that want a truth, the surest has it.
- A class counts where it has a truth. Precision falls from 1 at recall 0, is joined by straight lines between the
  recalls that were reached, and is 0 beyond the last; its integral is that of trapezoids between the 101 recalls.
- There are no area ranges.

Its masks are compared at the size of the network's masks unless it writes JSON, and in single precision; neither is
part of this.

Source: ultralytics 8.4, `utils/metrics.py` (`compute_ap`, `ap_per_class`), `engine/validator.py` (`match_predictions`),
`models/yolo/segment/val.py`, `data/converter.py`: read for their rules. tests/evaluate/reconcile/test_objects.py has
figures computed by hand.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
import numpy.typing as npt

from segwright.evaluate.instances.batches import Batch
from segwright.evaluate.instances.frame import InstanceFrame
from segwright.evaluate.instances.overlap import Pairs, overlaps
from segwright.evaluate.instances.pairs import InstancePairs
from segwright.evaluate.instances.rules import AP50, IOU_THRESHOLDS, RECALL_THRESHOLDS, Kind
from segwright.evaluate.reconcile.convention import Convention

MOST_DETECTIONS, LEAST_SCORE = 300, 0.001
LETTERS: dict[Kind, str] = {"mask": "M", "box": "B"}

_WHY = (
    "precision is joined by straight lines over the recalls and integrated by trapezoids, not taken at 101 recalls; a "
    "detection can only take the truth it overlaps most; crowds are no truths, so what lies on them is false; 300 "
    "detections an image count, of all classes together"
)
_row = partial(Convention, "ultralytics", "8.4, ultralytics/utils/metrics.py: compute_ap")

Flags = npt.NDArray[np.bool_]


def conventions(pairs: InstancePairs) -> Iterator[Convention]:
    """The rows of Ultralytics' instance task, of the kinds that were scored."""
    for kind, letter in LETTERS.items():
        if kind in pairs.kinds:
            by_class = average_precision(pairs, kind)
            for name, values in (("mAP50-95", by_class), ("mAP50", by_class[:, AP50])):
                value = float(values.mean()) if values.size else None
                yield _row(f"metrics/{name}({letter})", value, _WHY)


def average_precision(pairs: InstancePairs, kind: Kind) -> npt.NDArray[np.float64]:
    """Its AP (classes with a truth, thresholds)."""
    columns: list[tuple[npt.NDArray, npt.NDArray, Flags]] = []
    truths = np.zeros(len(pairs.frames.truth.classes), np.int64)
    for frame in pairs.frames:
        chosen = _detections(frame)
        columns.append((frame.detections.channel[chosen], frame.detections.score[chosen], _hits(frame, chosen, kind)))
        np.add.at(truths, frame.truths.channel[~frame.truths.crowd], 1)
    channel, score = (np.concatenate([np.empty(0), *(row[place] for row in columns)]) for place in (0, 1))
    hits = np.concatenate([np.empty((0, len(IOU_THRESHOLDS)), np.bool_), *(row[2] for row in columns)])
    order = np.argsort(-score.astype(np.float64), kind="stable")
    channel, hits = channel[order], hits[order]
    rows = [
        [_integral(column, int(truths[each])) for column in hits[channel == each].T] for each in np.flatnonzero(truths)
    ]
    return np.array(rows, np.float64).reshape(-1, len(IOU_THRESHOLDS))


def _detections(frame: InstanceFrame) -> npt.NDArray[np.int64]:
    """Positions of the detections that count, the surest first."""
    order = np.argsort(-frame.detections.score, kind="stable")
    return order[frame.detections.score[order] > LEAST_SCORE][:MOST_DETECTIONS]


def _hits(frame: InstanceFrame, chosen: npt.NDArray[np.int64], kind: Kind) -> Flags:
    """Whether each of the `chosen` detections has a truth, at each threshold (detections, thresholds)."""
    hits = np.zeros((len(chosen), len(IOU_THRESHOLDS)), np.bool_)
    by_class = np.argsort(frame.detections.channel[chosen], kind="stable")  # inside a class the surest first, as before
    truths = np.flatnonzero(~frame.truths.crowd)
    truths = truths[np.argsort(frame.truths.channel[truths], kind="stable")]
    batch = Batch.of([frame])
    pairs = Pairs.of(batch, chosen[by_class], truths)
    shared = overlaps(batch, kind, pairs, boundary_ratio=0.02)
    for detections, found, cells in pairs.groups():
        rows = shared[cells].reshape(detections.stop - detections.start, found.stop - found.start)
        wanted, most = rows.argmax(axis=1), rows.max(axis=1)
        for threshold, least in enumerate(IOU_THRESHOLDS):
            places = np.flatnonzero(most >= least)
            _, first = np.unique(wanted[places], return_index=True)  # of those that want a truth, the surest
            hits[by_class[detections.start + places[first]], threshold] = True
    return hits


def _integral(hits: Flags, truths: int) -> float:
    """The area under precision over recall of one class; `hits` in the order of the ranking."""
    if not len(hits):
        return 0.0
    found = np.cumsum(hits)
    recall, precision = found / truths, found / np.arange(1, len(hits) + 1)
    reached = np.concatenate([[0.0], recall, [recall[-1], 1.0]])
    best = np.maximum.accumulate(np.concatenate([[1.0], precision, [0.0, 0.0]])[::-1])[::-1]
    return float(np.trapezoid(np.interp(RECALL_THRESHOLDS, reached, best), RECALL_THRESHOLDS))
