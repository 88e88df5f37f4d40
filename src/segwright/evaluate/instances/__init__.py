"""Instance scores: mask, box and boundary AP and AR by COCO's and LVIS's rules.

Frames -> counts (`count_instances`), which add up over workers and machines -> scores (`score_instances`);
`evaluate_instances` does it all from COCO JSON.
"""

from segwright.evaluate.instances.counts import FrameMatches, InstanceCounts, count_instances
from segwright.evaluate.instances.curves import Accumulated, accumulate
from segwright.evaluate.instances.evaluate import evaluate_instance_pairs, evaluate_instances, summarise_instances
from segwright.evaluate.instances.frame import Detections, InstanceFrame, Truths
from segwright.evaluate.instances.frames import PairedFrames
from segwright.evaluate.instances.pairs import InstancePairs, pair_instances
from segwright.evaluate.instances.results import Results, read_results
from segwright.evaluate.instances.rules import COCO, LVIS, Kind, Rule
from segwright.evaluate.instances.scores import DEFINITIONS, score_instances
from segwright.evaluate.instances.truth import Truth, read_truth

__all__ = [
    "COCO",
    "DEFINITIONS",
    "LVIS",
    "Accumulated",
    "Detections",
    "FrameMatches",
    "InstanceCounts",
    "InstanceFrame",
    "InstancePairs",
    "Kind",
    "PairedFrames",
    "Results",
    "Rule",
    "Truth",
    "Truths",
    "accumulate",
    "count_instances",
    "evaluate_instance_pairs",
    "evaluate_instances",
    "pair_instances",
    "read_results",
    "read_truth",
    "score_instances",
    "summarise_instances",
]
