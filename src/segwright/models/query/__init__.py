"""Networks of queries, each with a class and a mask: one network for semantic, instance and panoptic segmentation.

`network.py` says how the rest of segwright knows them, `loss.py` how they learn; `mask2former.py` and `eomt.py` need
transformers and are loaded when one is built.
"""

from segwright.models.query.building import eomt, mask2former
from segwright.models.query.loss import QueryLoss
from segwright.models.query.network import QueryNetwork
from segwright.models.query.output import QueryOutput, semantic_logits
from segwright.models.query.targets import SegmentTargets

QUERY_NETWORKS = ("mask2former", "eomt")

__all__ = [
    "QUERY_NETWORKS",
    "QueryLoss",
    "QueryNetwork",
    "QueryOutput",
    "SegmentTargets",
    "eomt",
    "mask2former",
    "semantic_logits",
]
