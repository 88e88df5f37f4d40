"""What a plan says of objects beyond crops: which are kept when cut, and how candidates become objects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from segwright.infer.objects import ObjectDecision, SegmentDecision


@dataclass(frozen=True, slots=True)
class ObjectPlan:
    """`least_share`: an object of which a crop shows less is ignored there. `least_px`: so is one of fewer pixels
    there, whatever share of it that is. `decision`: how candidates are decided.

    `from_components` says that the labels tell no objects apart, and each connected region counts as one. `scored_from`
    is the lowest score of a candidate that average precision counts while training: AP ranks them itself. `segments` is
    how a panoptic answer is decided; None for other tasks.
    """

    least_share: float = 0.25
    from_components: bool = False
    scored_from: float = 0.05
    least_px: int = 0
    decision: ObjectDecision = field(default_factory=ObjectDecision)
    segments: SegmentDecision | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain values, as they stand in plan.yaml."""
        values = {**asdict(self), "decision": self.decision.to_json()}
        if self.segments is None:
            values.pop("segments")
            return values
        return {**values, "segments": self.segments.to_json()}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> ObjectPlan:
        """The plan in what `to_json` gave."""
        segments = data.get("segments")
        decided = {
            "decision": ObjectDecision.from_json(data["decision"]),
            "segments": None if segments is None else SegmentDecision.from_json(segments),
        }
        return ObjectPlan(**{**data, **decided})
