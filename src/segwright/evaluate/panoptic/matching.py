"""One frame's segments, predicted and true, matched under the void rule of COCO or of BDD100K.

Both rules match a predicted and a true segment of one class whose IoU is above 0.5; at most one partner can be. They
differ in what void does:

- The union of a pair is without the predicted pixels on void truth (`coco`), or with them (`bdd100k`).
- A predicted segment without a match is no false positive if over half of it lies on void or on the crowd of its own
  class (`coco`), or off every true segment that counts: on void, on a crowd of any class (`bdd100k`).
- A crowd in the truth is never matched and never missed, under either. A crowd in the prediction is a segment like any
  other (`coco`), or never matched and never a false positive (`bdd100k`).

Comparisons with a half are made in whole pixels, so no rounding decides them.

Source: Kirillov et al., "Panoptic Segmentation", CVPR 2019, section 4; `pq_compute_single_core` of
cocodataset/panopticapi, evaluation.py; `pq_per_image` of bdd100k/bdd100k, eval/pan_seg.py
(tests/evaluate/panoptic/test_counts.py compares with both, written out segment by segment).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from segwright.evaluate.panoptic.frame import VOID, PanopticFrame, SegmentTable
from segwright.evaluate.panoptic.overlap import Overlaps, count_overlaps

Rule = Literal["coco", "bdd100k"]
RULES: tuple[Rule, ...] = ("coco", "bdd100k")


@dataclass(frozen=True)
class Matches:
    """What became of each segment, as places in the two segment tables.

    `true`, `predicted`, `intersection_px` and `union_px` are int64 (matches,); `missed` holds the true segments that
    are false negatives, `invented` the predicted ones that are false positives.
    """

    true: npt.NDArray[np.int64]
    predicted: npt.NDArray[np.int64]
    intersection_px: npt.NDArray[np.int64]
    union_px: npt.NDArray[np.int64]
    missed: npt.NDArray[np.int64]
    invented: npt.NDArray[np.int64]


@dataclass(frozen=True)
class _Meetings:
    """The overlaps of a true and a predicted segment, by place, and each prediction's pixels on void truth."""

    true: npt.NDArray[np.int64]
    predicted: npt.NDArray[np.int64]
    px: npt.NDArray[np.int64]
    on_void_px: npt.NDArray[np.int64]


def match_segments(prediction: PanopticFrame, truth: PanopticFrame, rule: Rule) -> Matches:
    """The matches of one frame; both are of one size and one class table."""
    predicted, true = prediction.table, truth.table
    met = _meetings(count_overlaps(truth.ids, prediction.ids), predicted, true)
    union_px = true.area_px[met.true] + predicted.area_px[met.predicted] - met.px
    may_match = (true.class_ids[met.true] == predicted.class_ids[met.predicted]) & ~true.is_crowd[met.true]
    if rule == "coco":
        union_px = union_px - met.on_void_px[met.predicted]
        forgiven_px = met.on_void_px + _on_own_crowd_px(met, predicted, truth)
        never_false = np.zeros(len(predicted.ids), np.bool_)
    else:
        may_match = may_match & ~predicted.is_crowd[met.predicted]
        forgiven_px = predicted.area_px - _summed(met, ~true.is_crowd[met.true], len(predicted.ids))
        never_false = predicted.is_crowd
    matched = may_match & (2 * met.px > union_px)
    unmatched_true, unmatched_predicted = ~true.is_crowd, ~never_false & (2 * forgiven_px <= predicted.area_px)
    unmatched_true[met.true[matched]] = False
    unmatched_predicted[met.predicted[matched]] = False
    return Matches(
        met.true[matched],
        met.predicted[matched],
        met.px[matched],
        union_px[matched],
        np.flatnonzero(unmatched_true),
        np.flatnonzero(unmatched_predicted),
    )


def _meetings(overlaps: Overlaps, predicted: SegmentTable, true: SegmentTable) -> _Meetings:
    on_void_px = np.zeros(len(predicted.ids), np.int64)
    on_void = (overlaps.one == VOID) & (overlaps.other != VOID)
    on_void_px[np.searchsorted(predicted.ids, overlaps.other[on_void])] = overlaps.px[on_void]
    both = (overlaps.one != VOID) & (overlaps.other != VOID)
    return _Meetings(
        np.searchsorted(true.ids, overlaps.one[both]),
        np.searchsorted(predicted.ids, overlaps.other[both]),
        overlaps.px[both],
        on_void_px,
    )


def _on_own_crowd_px(met: _Meetings, predicted: SegmentTable, truth: PanopticFrame) -> npt.NDArray[np.int64]:
    """Pixels of each prediction on the crowd segment of its class; of several, the one named last, as panopticapi."""
    crowds = {segment.class_id: each for each, segment in truth.segments.items() if segment.is_crowd}
    if not crowds:
        return np.zeros(len(predicted.ids), np.int64)
    is_last_crowd = np.isin(truth.table.ids, list(crowds.values()))
    own = truth.table.class_ids[met.true] == predicted.class_ids[met.predicted]
    return _summed(met, own & is_last_crowd[met.true], len(predicted.ids))


def _summed(met: _Meetings, chosen: npt.NDArray[np.bool_], segments: int) -> npt.NDArray[np.int64]:
    """Pixels of the chosen meetings, summed for each prediction; float64 holds pixel counts exactly."""
    return np.bincount(met.predicted[chosen], weights=met.px[chosen], minlength=segments).astype(np.int64)
