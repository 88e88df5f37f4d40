"""Prediction + truth -> counts -> scores -> report, and the thresholds that follow from them.

`segwright.evaluate` is a function to its users and this package to the import system, which writes the package over
any function of that name. So the package can be called: that calls `evaluate.entry.evaluate`, with its arguments.

Raises:
    DataError, ConfigError, ArtefactError: when called; see `evaluate.entry.evaluate`.
"""

import sys
from types import ModuleType

from segwright.evaluate.boundary import BoundaryCounts, boundary_f_score, count_boundaries
from segwright.evaluate.calibrate import Calibration, choose_thresholds
from segwright.evaluate.compare import Change, Comparison, FrameChange, compare
from segwright.evaluate.counts import Counts, FrameCounts, FramePair, PixelCounts, count_frame, count_pixels
from segwright.evaluate.difference import Outcome, difference_overlay, outcomes
from segwright.evaluate.entry import evaluate, evaluate_predicted, evaluate_stored
from segwright.evaluate.evaluation import count_frames, score_frames, summarise, with_reliability
from segwright.evaluate.gate import fail_if, no_worse_than
from segwright.evaluate.pairs import HoldOut, PredictedPairs, StoredPairs, pair_up
from segwright.evaluate.reliability import Reliability, count_reliability
from segwright.evaluate.resample import Interval, Intervals, confidence_intervals
from segwright.evaluate.result import COLLAPSED_IOU, Collapsed, Evaluation, FrameRow, collapse_lines
from segwright.evaluate.scores import DEFINITIONS, Scores, score_counts
from segwright.evaluate.target import Target
from segwright.evaluate.threshold_curves import ThresholdCurves, count_threshold_curves

__all__ = [
    "COLLAPSED_IOU",
    "DEFINITIONS",
    "BoundaryCounts",
    "Calibration",
    "Change",
    "Collapsed",
    "Comparison",
    "Counts",
    "Evaluation",
    "FrameChange",
    "FrameCounts",
    "FramePair",
    "FrameRow",
    "HoldOut",
    "Interval",
    "Intervals",
    "Outcome",
    "PixelCounts",
    "PredictedPairs",
    "Reliability",
    "Scores",
    "StoredPairs",
    "Target",
    "ThresholdCurves",
    "boundary_f_score",
    "choose_thresholds",
    "collapse_lines",
    "compare",
    "confidence_intervals",
    "count_boundaries",
    "count_frame",
    "count_frames",
    "count_pixels",
    "count_reliability",
    "count_threshold_curves",
    "difference_overlay",
    "evaluate",
    "evaluate_predicted",
    "evaluate_stored",
    "fail_if",
    "no_worse_than",
    "outcomes",
    "pair_up",
    "score_counts",
    "score_frames",
    "summarise",
    "with_reliability",
]


class _CallableRoom(ModuleType):
    __call__ = staticmethod(evaluate)


sys.modules[__name__].__class__ = _CallableRoom
