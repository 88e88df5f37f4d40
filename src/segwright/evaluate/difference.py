"""Where a prediction is right, misses, invents or confuses, and what another one changes: as maps, and drawn."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from segwright.core import Image, LabelMap
from segwright.evaluate.counts import require_same_frame

Code = TypeVar("Code", bound=IntEnum)


class Outcome(IntEnum):
    """What became of a pixel. EMPTY is background in truth and prediction."""

    EMPTY = 0
    RIGHT = 1
    MISSED = 2
    FALSE = 3
    CONFUSED = 4
    VOID = 5


# RGB, from Okabe & Ito's colour-blind-safe set; void grey.
OUTCOME_COLOURS: dict[Outcome, tuple[int, int, int]] = {
    Outcome.RIGHT: (0, 158, 115),
    Outcome.MISSED: (213, 50, 0),
    Outcome.FALSE: (0, 114, 220),
    Outcome.CONFUSED: (204, 121, 167),
    Outcome.VOID: (150, 150, 150),
}

OUTCOME_MEANINGS: dict[Outcome, str] = {
    Outcome.RIGHT: "right class",
    Outcome.MISSED: "missed: a class in truth, background or undecided in the prediction",
    Outcome.FALSE: "false: background in truth, a class in the prediction",
    Outcome.CONFUSED: "confused: another class than the true one",
    Outcome.VOID: "void in truth: in no score",
}


def outcomes(prediction: LabelMap, truth: LabelMap) -> npt.NDArray[np.uint8]:
    """The `Outcome` of each pixel (height, width).

    Without a background class nothing is EMPTY or FALSE: a pixel is right, confused, missed (undecided) or void.

        truth      0 1 1 1 255      prediction  1 1 0 2 2
        outcome    FALSE RIGHT MISSED CONFUSED VOID

    Raises:
        DataError: the sizes or the class tables differ.
    """
    require_same_frame(prediction, truth)
    void_id, background = truth.classes.void_id, truth.classes.background_id
    result = np.where(prediction.ids == truth.ids, np.uint8(Outcome.RIGHT), np.uint8(Outcome.CONFUSED))
    undecided = prediction.ids == void_id
    if background is not None:
        undecided |= prediction.ids == background
        truly_empty = truth.ids == background
        result[truly_empty] = Outcome.FALSE
        result[truly_empty & undecided] = Outcome.EMPTY
        result[~truly_empty & undecided] = Outcome.MISSED
        result[truly_empty & (prediction.ids == void_id)] = Outcome.MISSED
    else:
        result[undecided] = Outcome.MISSED
    result[truth.ids == void_id] = Outcome.VOID
    return result


def difference_overlay(image: Image, prediction: LabelMap, truth: LabelMap) -> npt.NDArray[np.uint8]:
    """The frame in pale grey with every outcome but EMPTY in its colour; (height, width, 3) uint8 RGB.

    Raises:
        DataError: the sizes or the class tables differ.
    """
    return _painted(image, outcomes(prediction, truth), OUTCOME_COLOURS)


class PixelChange(IntEnum):
    """What the new prediction makes of a pixel. KEPT is right in both."""

    KEPT = 0
    FIXED = 1
    BROKEN = 2
    STILL_WRONG = 3
    VOID = 4


# RGB: green and red-orange as right and missed have them; dark where nothing changed, so that changes are seen first.
CHANGE_COLOURS: dict[PixelChange, tuple[int, int, int]] = {
    PixelChange.FIXED: (0, 158, 115),
    PixelChange.BROKEN: (213, 50, 0),
    PixelChange.STILL_WRONG: (72, 80, 94),
    PixelChange.VOID: (150, 150, 150),
}

CHANGE_MEANINGS: dict[PixelChange, str] = {
    PixelChange.FIXED: "fixed: wrong in the old prediction, right in the new one",
    PixelChange.BROKEN: "broken: right in the old prediction, wrong in the new one",
    PixelChange.STILL_WRONG: "still wrong: in both, perhaps as another class",
    PixelChange.VOID: "void in truth: in no score",
}


def pixel_changes(old: LabelMap, new: LabelMap, truth: LabelMap) -> npt.NDArray[np.uint8]:
    """The `PixelChange` of each pixel (height, width). An undecided (void) prediction is wrong where truth is a class.

        truth      1 1 1 1 255      old  1 0 1 255 0      new  1 1 0 0 1
        change     KEPT FIXED BROKEN STILL_WRONG VOID

    Raises:
        DataError: the sizes or the class tables differ.
    """
    require_same_frame(old, truth, place="old prediction")
    require_same_frame(new, truth, place="new prediction")
    was_right, is_right = old.ids == truth.ids, new.ids == truth.ids
    result = np.full(truth.ids.shape, PixelChange.STILL_WRONG, dtype=np.uint8)
    result[was_right & is_right] = PixelChange.KEPT
    result[is_right & ~was_right] = PixelChange.FIXED
    result[was_right & ~is_right] = PixelChange.BROKEN
    result[truth.ids == truth.classes.void_id] = PixelChange.VOID
    return result


def change_overlay(image: Image, old: LabelMap, new: LabelMap, truth: LabelMap) -> npt.NDArray[np.uint8]:
    """The frame in pale grey with every change but KEPT in its colour; (height, width, 3) uint8 RGB.

    Raises:
        DataError: the sizes or the class tables differ.
    """
    return _painted(image, pixel_changes(old, new, truth), CHANGE_COLOURS)


def _painted(
    image: Image, codes: npt.NDArray[np.uint8], colours: Mapping[Code, tuple[int, int, int]]
) -> npt.NDArray[np.uint8]:
    """The frame in pale grey, and over it the colour of each code that has one; void more faintly."""
    from segwright.infer.overlay import as_display

    grey = as_display(image).mean(axis=2, keepdims=True)
    canvas = np.repeat((grey * 0.45 + 140).clip(0, 255).astype(np.uint8), 3, axis=2)
    for code, colour in colours.items():
        opacity = 0.45 if code.name == "VOID" else 0.85
        mask = codes == code
        canvas[mask] = (canvas[mask] * (1 - opacity) + np.array(colour) * opacity).round().astype(np.uint8)
    return canvas
