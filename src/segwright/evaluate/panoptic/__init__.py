"""Panoptic quality: frames of segments -> counts under COCO's or BDD100K's void rule -> PQ, SQ and RQ."""

from segwright.evaluate.panoptic.bdd100k import BDD100K_CLASSES
from segwright.evaluate.panoptic.counts import (
    PanopticCounts,
    PanopticRow,
    count_panoptic_frame,
    count_panoptic_frames,
)
from segwright.evaluate.panoptic.evaluation import evaluate_panoptic, evaluate_panoptic_pairs, summarise_panoptic
from segwright.evaluate.panoptic.frame import PanopticFrame, Segment
from segwright.evaluate.panoptic.matching import RULES, Rule
from segwright.evaluate.panoptic.pairs import PanopticPairs, pair_panoptic
from segwright.evaluate.panoptic.scores import DEFINITIONS, score_panoptic_rows
from segwright.evaluate.panoptic.sources import open_panoptic

__all__ = [
    "BDD100K_CLASSES",
    "DEFINITIONS",
    "RULES",
    "PanopticCounts",
    "PanopticFrame",
    "PanopticPairs",
    "PanopticRow",
    "Rule",
    "Segment",
    "count_panoptic_frame",
    "count_panoptic_frames",
    "evaluate_panoptic",
    "evaluate_panoptic_pairs",
    "open_panoptic",
    "pair_panoptic",
    "score_panoptic_rows",
    "summarise_panoptic",
]
