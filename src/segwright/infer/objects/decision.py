"""Which candidates become objects: per-class scores, one object one answer, no specks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from scipy.special import expit, logit

from segwright.core import Box, ClassTable, ConfigError, Instance, Size, instance_from_mask
from segwright.infer.objects.candidates import Candidates
from segwright.infer.objects.paste import pasted
from segwright.infer.objects.suppress import suppressed


@dataclass(frozen=True)
class ObjectDecision:
    """How sure, how much, how many.

    score: an object needs at least this score, 0 to 1.
    thresholds: the same by class name, where a class has its own (`segwright calibrate` chooses them).
    mask: a pixel belongs to an object where its mask's probability is above this.
    overlap: of two objects of a class whose masks have a higher IoU than this the surer one stays; 1 keeps all.
    contained: the same for shared pixels by the smaller one's pixels, 1 keeps all: fragments inside a whole.
    min_area_px: smaller objects are dropped.
    most: no more objects than this in a frame, the surest first.
    """

    score: float = 0.5
    thresholds: Mapping[str, float] = field(default_factory=dict)
    mask: float = 0.5
    overlap: float = 0.5
    contained: float = 1.0
    min_area_px: int = 1
    most: int = 1000

    def __post_init__(self) -> None:
        shares = {"score": self.score, "overlap": self.overlap, "contained": self.contained}
        wrong = [f"{name} {value}" for name, value in {**shares, **self.thresholds}.items() if not 0 <= value <= 1]
        wrong += [f"mask {self.mask}"] if not 0 < self.mask < 1 else []
        wrong += [f"{name} {getattr(self, name)}" for name in ("min_area_px", "most") if getattr(self, name) < 1]
        if wrong:
            raise ConfigError.of(
                "objects",
                "are decided by numbers outside their range",
                allowed="scores and overlaps 0 to 1, mask between 0 and 1, counts of 1 or more",
                found=", ".join(wrong),
                fix="correct them in segwright.yaml (inference.objects)",
            )

    def check(self, classes: ClassTable) -> None:
        """Raise ConfigError where a threshold names no class of objects."""
        known = [spec.name for spec in classes.foreground]
        foreign = sorted(set(self.thresholds) - set(known))
        if foreign:
            allowed, found = ", ".join(known), ", ".join(foreign)
            fix = "leave it out, or name a class of objects"
            raise ConfigError.of("objects.thresholds", "name no class", allowed=allowed, found=found, fix=fix)

    def least_scores(self, classes: ClassTable) -> np.ndarray:
        """The score each channel needs, float32 (channels,): one a class but the background, in the table's order."""
        return np.array([self.thresholds.get(spec.name, self.score) for spec in classes.foreground], np.float32)

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "thresholds": dict(self.thresholds)}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> ObjectDecision:
        return ObjectDecision(**data)


def objects_of(
    candidates: Candidates, decision: ObjectDecision, classes: ClassTable, *, size: Size | None = None
) -> list[Instance]:
    """The objects among the candidates of one input, surest first, at the input's own resolution.

    `size` is the part of the input that is frame, from its top left: what was padded on is cut off.
    """
    size = size or Size(candidates.height, candidates.width)
    sure = (candidates.scores >= decision.least_scores(classes)[candidates.channels]) & (candidates.scores > 0)
    order = np.flatnonzero(sure)
    order = order[np.argsort(-candidates.scores[order], kind="stable")]
    found = (_object(candidates, int(at), size, decision.mask, classes) for at in order)
    large = [one for one in found if one is not None and one.area_px >= decision.min_area_px]
    return decided(large, decision)


def decided(objects: list[Instance], decision: ObjectDecision) -> list[Instance]:
    """`objects` without doubles and fragments, the surest `most` of them."""
    if decision.overlap < 1:
        objects = suppressed(objects, decision.overlap)
    if decision.contained < 1:
        objects = suppressed(objects, decision.contained, measure="smaller")
    return sorted(objects, key=lambda one: -(one.score or 0.0))[: decision.most]


def _object(candidates: Candidates, at: int, size: Size, cut: float, classes: ClassTable) -> Instance | None:
    coarse, limit = candidates.mask_logits[at], float(logit(cut))
    if candidates.between == "shares":
        coarse, limit = expit(coarse), cut
    window = pasted(coarse, candidates.mask_box(at), size, threshold=limit)
    if window is None:
        return None
    class_id = classes.foreground[int(candidates.channels[at])].class_id
    return instance_from_mask(window[1], class_id, at=window[0], score=float(candidates.scores[at]))


def moved(one: Instance, down: int, right: int) -> Instance:
    """The object as many pixels further down and to the right."""
    box = Box(one.box.top + down, one.box.left + right, one.box.bottom + down, one.box.right + right)
    return Instance(one.class_id, box, one.mask, one.crowd, one.score, one.attributes)
