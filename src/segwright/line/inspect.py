"""One frame through the line: prediction, part, verdict, and the picture people see."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from segwright.infer.overlay import as_display, outline, tint
from segwright.infer.prediction import SemanticPrediction
from segwright.infer.predictor import Frame, Predictor
from segwright.line.banner import banner
from segwright.line.part import Mask, PartSource, part_setting, part_source
from segwright.line.rules import AreaRule, Verdict, area_rule, judge

PART_COLOUR = (255, 255, 255)


@dataclass(frozen=True, eq=False)
class Inspection:
    """Everything said about one frame; `part` (height, width) is True on the part."""

    prediction: SemanticPrediction
    part: Mask
    verdict: Verdict

    def plot(self) -> npt.NDArray[np.uint8]:
        """The frame with the part's outline, the judged classes in their colours and the verdict, RGB uint8.

        The banner is added above the frame, so no pixel of it is hidden. Frames of one size give pictures of one size.
        """
        canvas = as_display(self.prediction.image)
        labels = self.prediction.label_map
        outline(canvas, self.part, PART_COLOUR)
        for name in self.verdict.area_px:
            tint(canvas, labels.mask(name), labels.classes.colour(labels.classes[name].class_id), opacity=0.45)
        above = banner(self.verdict, labels.classes, canvas.shape[1])
        beside = above.shape[1] - canvas.shape[1]
        return np.vstack([above, np.pad(canvas, ((0, 0), (0, beside), (0, 0)))])


@dataclass(frozen=True)
class Inspector:
    """A predictor, where the part is, and the rule. Frames go in, inspections come out."""

    predictor: Predictor
    part: PartSource
    rule: AreaRule

    def __post_init__(self) -> None:
        self.rule.check(self.predictor.classes)

    def inspect(self, frame: Frame) -> Inspection:
        """The prediction, part and verdict of one frame."""
        prediction = self.predictor.predict(frame, confidence=False)
        part = self.part(prediction.image, prediction.label_map)
        return Inspection(prediction, part, judge(prediction.label_map, part, self.rule))

    @property
    def rule_hash(self) -> str:
        """A hash of rule and part source: another limit is another inspection."""
        text = json.dumps([self.rule.to_json(), self.part.name], ensure_ascii=False, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def inspector_for(predictor: Predictor, alerts: Mapping[str, Any] | None) -> Inspector:
    """The inspector a bundle's `alerts` block describes; without one, 2 % of the frame for all foreground classes."""
    part = part_source(part_setting(alerts), predictor.classes)
    return Inspector(predictor, part, area_rule(alerts, predictor.classes))
