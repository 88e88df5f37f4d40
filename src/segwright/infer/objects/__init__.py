"""What networks say of objects and segments -> objects, panoptic maps: at the frame's own size, tiles stitched."""

from segwright.infer.objects.answers import ObjectRuntime, Queries, Regions
from segwright.infer.objects.candidates import Candidates
from segwright.infer.objects.decision import ObjectDecision, objects_of
from segwright.infer.objects.panoptic import MergeRule, merged
from segwright.infer.objects.panoptic_predictor import PanopticPredictor
from segwright.infer.objects.prediction import InstancePrediction, PanopticPrediction
from segwright.infer.objects.predictor import ObjectPredictor
from segwright.infer.objects.query_candidates import CandidatesOfQueries
from segwright.infer.objects.segment_decision import SegmentDecision
from segwright.infer.objects.stitching import stitched
from segwright.infer.objects.suppress import suppressed

__all__ = [
    "Candidates",
    "CandidatesOfQueries",
    "InstancePrediction",
    "MergeRule",
    "ObjectDecision",
    "ObjectPredictor",
    "ObjectRuntime",
    "PanopticPrediction",
    "PanopticPredictor",
    "Queries",
    "Regions",
    "SegmentDecision",
    "merged",
    "objects_of",
    "stitched",
    "suppressed",
]
