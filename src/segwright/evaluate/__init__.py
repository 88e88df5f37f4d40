"""Prediction + truth -> counts -> scores -> report, and the thresholds that follow from them."""

from segwright.evaluate.boundary import BoundaryCounts, boundary_f_score, count_boundaries
from segwright.evaluate.counts import Counts, FrameCounts, FramePair, PixelCounts, count_frame, count_pixels
from segwright.evaluate.evaluation import (
    COLLAPSED_IOU,
    Collapsed,
    Evaluation,
    FrameRow,
    count_frames,
    score_frames,
    summarise,
)
from segwright.evaluate.reliability import Reliability, count_reliability
from segwright.evaluate.scores import DEFINITIONS, Scores, score_counts

__all__ = [
    "COLLAPSED_IOU",
    "DEFINITIONS",
    "BoundaryCounts",
    "Collapsed",
    "Counts",
    "Evaluation",
    "FrameCounts",
    "FramePair",
    "FrameRow",
    "PixelCounts",
    "Reliability",
    "Scores",
    "boundary_f_score",
    "count_boundaries",
    "count_frame",
    "count_frames",
    "count_pixels",
    "count_reliability",
    "score_counts",
    "score_frames",
    "summarise",
]
