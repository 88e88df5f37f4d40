"""What the instance scores are computed at: thresholds, area ranges, and the two rules, COCO's and LVIS's.

Source: `Params` of pycocotools.cocoeval and of lvis-dataset/lvis-api.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from segwright.core import ConfigError

Kind = Literal["mask", "box", "boundary"]

# kind -> what is compared
KINDS: Mapping[str, str] = {
    "mask": "masks: pixels in both over pixels in either",
    "box": "boxes: area of both over area of either",
    "boundary": "masks: the smaller of mask IoU and boundary IoU",
}

# As numpy rounds them, not 0.5 + 0.05 i: an IoU that lies on a threshold must fall on COCO's side of it.
IOU_THRESHOLDS = np.linspace(0.5, 0.95, 10)
RECALL_THRESHOLDS = np.linspace(0.0, 1.0, 101)
AP50, AP75 = 0, 5  # their positions in IOU_THRESHOLDS
_BOUNDLESS_PX = 1e5**2

# name -> smallest and largest area in px, both inside; 1024 px is small and medium, 9216 px medium and large
AREA_RANGES: Mapping[str, tuple[float, float]] = {
    "all": (0.0, _BOUNDLESS_PX),
    "small": (0.0, 32.0**2),
    "medium": (32.0**2, 96.0**2),
    "large": (96.0**2, _BOUNDLESS_PX),
}
AREAS = np.array(list(AREA_RANGES.values()))

# LVIS's letter -> word: a class with fewer than 10 training images, fewer than 100, or more
FREQUENCIES: Mapping[str, str] = {"r": "rare", "c": "common", "f": "frequent"}


@dataclass(frozen=True)
class Rule:
    """How many detections count, and what is known of images that no annotator has seen for a class.

    `most_detections`: recall is given for so many detections of a class in an image; precision for the last.
    `most_in_frame`: so many detections of all classes in an image are looked at, the best scores first; None is all.
    `federated`: a class counts only in images where annotators looked for it (LVIS); crowds are plain truths.
    """

    name: str
    most_detections: tuple[int, ...]
    most_in_frame: int | None = None
    federated: bool = False


COCO = Rule("coco", (1, 10, 100))
LVIS = Rule("lvis", (300,), most_in_frame=300, federated=True)
RULES: Mapping[str, Rule] = {rule.name: rule for rule in (COCO, LVIS)}


def rule_called(name: str) -> Rule:
    """The rule `coco` or `lvis`.

    Raises:
        ConfigError: there is no such rule.
    """
    if name not in RULES:
        raise ConfigError.of(
            "rule", "is not known", allowed=", ".join(RULES), found=name,
            fix="take coco, or lvis for images that are labelled with some of the classes only",
        )  # fmt: skip
    return RULES[name]


def require_kinds(kinds: Iterable[str]) -> tuple[Kind, ...]:
    """The kinds, each once, in the order of `KINDS`.

    Raises:
        ConfigError: none is named, or one that does not exist.
    """
    asked = set(kinds)
    if not asked or asked - set(KINDS):
        found = ", ".join(sorted(asked - set(KINDS))) or "none"
        fix = "name at least one of them"
        raise ConfigError.of("kinds", "are not what can be scored", allowed=", ".join(KINDS), found=found, fix=fix)
    return tuple(kind for kind in ("mask", "box", "boundary") if kind in asked)
