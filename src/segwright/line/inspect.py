"""One frame through the line: prediction, part, verdict, and the picture people see."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image as Picture
from PIL import ImageDraw, ImageFont

from segwright.core import ClassTable
from segwright.infer.overlay import as_display, outline, tint
from segwright.infer.prediction import SemanticPrediction
from segwright.infer.predictor import Frame, Predictor
from segwright.line.part import Mask, PartSource, part_setting, part_source
from segwright.line.rules import AreaRule, Verdict, area_rule, judge

PART_COLOUR = (255, 255, 255)
BANNER_COLOURS = {"ok": (0, 110, 70), "alert": (190, 30, 20), "no_part": (150, 95, 0)}
BANNER_WORDS = {"ok": "OK", "alert": "ALERT", "no_part": "NO PART"}


@dataclass(frozen=True, eq=False)
class Inspection:
    """Everything said about one frame; `part` (height, width) is True on the part."""

    prediction: SemanticPrediction
    part: Mask
    verdict: Verdict

    def plot(self) -> npt.NDArray[np.uint8]:
        """The frame with the part's outline, the judged classes in their colours and the verdict, RGB uint8.

        A banner of a few lines is added above the frame, so no pixel of it is hidden.
        """
        canvas = as_display(self.prediction.image)
        labels = self.prediction.label_map
        outline(canvas, self.part, PART_COLOUR)
        for name in self.verdict.area_px:
            tint(canvas, labels.mask(name), labels.classes.colour(labels.classes[name].class_id), opacity=0.45)
        return np.vstack([_banner(self.verdict, labels.classes, canvas.shape[1]), canvas])


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


def _banner(verdict: Verdict, classes: ClassTable, width: int) -> npt.NDArray[np.uint8]:
    """The verdict and each class's share of the part in words, (lines, width, 3)."""
    font = _font(max(11, min(width // 36, 40)))
    line_px = int(font.size * 1.5)
    total = "" if verdict.total_percent is None else f"  {verdict.total_percent:.2f} % of the part"
    picture = Picture.new("RGB", (width, 2 * line_px), BANNER_COLOURS[verdict.kind])
    draw = ImageDraw.Draw(picture)
    draw.text((line_px // 3, line_px // 6), f"{BANNER_WORDS[verdict.kind]}{total}", fill="white", font=font)
    left = line_px // 3
    for name, percent in verdict.percent.items():
        colour = classes.colour(classes[name].class_id)
        side = line_px // 2
        draw.rectangle(
            (left, line_px + side // 2, left + side, line_px + side // 2 + side), fill=colour, outline="white"
        )
        text = f"{name} {percent:.2f} %"
        draw.text((left + 1.5 * side, line_px + line_px // 6), text, fill="white", font=font)
        left += int(draw.textlength(text, font=font)) + 3 * side
    return np.asarray(picture, np.uint8)


@lru_cache(maxsize=4)
def _font(size_px: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size_px)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise TypeError("Pillow was built without FreeType, which draws the verdict")
    return font
