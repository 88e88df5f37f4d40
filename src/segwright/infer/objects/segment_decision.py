"""What of a panoptic network's answer becomes a segment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from segwright.core import ClassTable, ConfigError
from segwright.infer.objects.decision import ObjectDecision
from segwright.infer.objects.panoptic import MergeRule


@dataclass(frozen=True)
class SegmentDecision:
    """How sure, how whole, how large.

    score: a thing, or any query, needs at least this probability, 0 to 1.
    thresholds: the same by the name of a class of things, where it has its own; for networks of regions.
    mask: a pixel belongs to a mask where the mask's probability is above this.
    keep: a segment that keeps a smaller share of its mask than this, the rest being surer ones', is dropped.
    stuff_area_px: a class of stuff with fewer pixels in a frame is dropped.

    What is dropped is void, unless another segment is below it.
    """

    score: float = 0.5
    thresholds: Mapping[str, float] = field(default_factory=dict)
    mask: float = 0.5
    keep: float = 0.5
    stuff_area_px: int = 1

    def __post_init__(self) -> None:
        shares = {"score": self.score, "keep": self.keep, **self.thresholds}
        wrong = [f"{name} {value}" for name, value in shares.items() if not 0 <= value <= 1]
        wrong += [f"mask {self.mask}"] if not 0 < self.mask < 1 else []
        wrong += [f"stuff_area_px {self.stuff_area_px}"] if self.stuff_area_px < 1 else []
        if wrong:
            raise ConfigError.of(
                "segments",
                "are decided by numbers outside their range",
                allowed="scores and shares 0 to 1, mask between 0 and 1, areas of 1 or more",
                found=", ".join(wrong),
                fix="correct them in segwright.yaml (inference.segments)",
            )

    def check(self, classes: ClassTable) -> None:
        """Raise ConfigError where a threshold names no class of things."""
        known = [spec.name for spec in classes if spec.kind == "thing"]
        foreign = sorted(set(self.thresholds) - set(known))
        if foreign:
            allowed, found = ", ".join(known), ", ".join(foreign)
            fix = "leave it out, or name a class of things (classes.things)"
            raise ConfigError.of("segments.thresholds", "name no thing", allowed=allowed, found=found, fix=fix)

    @property
    def of_things(self) -> ObjectDecision:
        """How candidates of things are decided before they are merged, which is what suppresses doubles."""
        return ObjectDecision(self.score, self.thresholds, self.mask, overlap=1.0)

    @property
    def merge(self) -> MergeRule:
        """How things and stuff become one map."""
        return MergeRule(1 - self.keep, self.stuff_area_px)

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "thresholds": dict(self.thresholds)}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> SegmentDecision:
        return SegmentDecision(**data)
