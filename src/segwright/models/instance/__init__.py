"""Networks that answer with objects: one contract, one file a concept, one folder a network."""

from segwright.models.instance.contract import Candidates, InstanceNetwork, InstanceTargets, MaskFrame

__all__ = ["Candidates", "InstanceNetwork", "InstanceTargets", "MaskFrame"]
