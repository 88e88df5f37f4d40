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
from segwright.evaluate.cldice import CldiceCounts, cldice_score, count_cldice
from segwright.evaluate.compare import Change, Comparison, FrameChange, compare
from segwright.evaluate.compare_objects import ObjectComparison, compare_objects, object_intervals
from segwright.evaluate.component_sizes import SizeCounts, count_by_size
from segwright.evaluate.components import ComponentCounts, count_components, score_components
from segwright.evaluate.counts import Counts, FramePair, PixelCounts, count_frame, count_pixels
from segwright.evaluate.difference import Outcome, difference_overlay, outcomes
from segwright.evaluate.entry import evaluate, evaluate_predicted, evaluate_stored
from segwright.evaluate.evaluation import count_frames, score_frames, summarise, with_reliability
from segwright.evaluate.frame_counts import FrameCounts
from segwright.evaluate.gate import fail_if, no_worse_than
from segwright.evaluate.instances import evaluate_instances
from segwright.evaluate.objects import ObjectEvaluation
from segwright.evaluate.pairs import HoldOut, PredictedPairs, StoredPairs, pair_up
from segwright.evaluate.panoptic import evaluate_panoptic
from segwright.evaluate.reconcile import Convention, reconcile
from segwright.evaluate.reliability import ClassReliability, Reliability, count_reliability
from segwright.evaluate.resample import Interval, Intervals, confidence_intervals
from segwright.evaluate.result import COLLAPSED_IOU, Collapsed, Evaluation, FrameRow, collapse_lines
from segwright.evaluate.scores import DEFINITIONS, Scores, score_counts
from segwright.evaluate.surface import SurfaceCounts, count_surfaces, count_volume_surfaces, score_surfaces
from segwright.evaluate.target import Target
from segwright.evaluate.threshold_curves import ThresholdCurves, count_threshold_curves
from segwright.evaluate.volume_evaluation import evaluate_volumes

__all__ = [
    "COLLAPSED_IOU",
    "DEFINITIONS",
    "BoundaryCounts",
    "Calibration",
    "Change",
    "ClassReliability",
    "CldiceCounts",
    "Collapsed",
    "Comparison",
    "ComponentCounts",
    "Convention",
    "Counts",
    "Evaluation",
    "FrameChange",
    "FrameCounts",
    "FramePair",
    "FrameRow",
    "HoldOut",
    "Interval",
    "Intervals",
    "ObjectComparison",
    "ObjectEvaluation",
    "Outcome",
    "PixelCounts",
    "PredictedPairs",
    "Reliability",
    "Scores",
    "SizeCounts",
    "StoredPairs",
    "SurfaceCounts",
    "Target",
    "ThresholdCurves",
    "boundary_f_score",
    "choose_thresholds",
    "cldice_score",
    "collapse_lines",
    "compare",
    "compare_objects",
    "confidence_intervals",
    "count_boundaries",
    "count_by_size",
    "count_cldice",
    "count_components",
    "count_frame",
    "count_frames",
    "count_pixels",
    "count_reliability",
    "count_surfaces",
    "count_threshold_curves",
    "count_volume_surfaces",
    "difference_overlay",
    "evaluate",
    "evaluate_instances",
    "evaluate_panoptic",
    "evaluate_predicted",
    "evaluate_stored",
    "evaluate_volumes",
    "fail_if",
    "no_worse_than",
    "object_intervals",
    "outcomes",
    "pair_up",
    "reconcile",
    "score_components",
    "score_counts",
    "score_frames",
    "score_surfaces",
    "summarise",
    "with_reliability",
]


class _CallableRoom(ModuleType):
    __call__ = staticmethod(evaluate)


sys.modules[__name__].__class__ = _CallableRoom
