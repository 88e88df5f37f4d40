"""An instance network's candidates -> objects: masks at the frame's own size, one answer an object, tiles stitched."""

from segwright.infer.objects.candidates import Candidates
from segwright.infer.objects.decision import ObjectDecision, objects_of
from segwright.infer.objects.panoptic import MergeRule, merged
from segwright.infer.objects.prediction import InstancePrediction, PanopticPrediction
from segwright.infer.objects.predictor import ObjectPredictor, ObjectRuntime
from segwright.infer.objects.stitching import stitched
from segwright.infer.objects.suppress import suppressed

__all__ = [
    "Candidates",
    "InstancePrediction",
    "MergeRule",
    "ObjectDecision",
    "ObjectPredictor",
    "ObjectRuntime",
    "PanopticPrediction",
    "merged",
    "objects_of",
    "stitched",
    "suppressed",
]
