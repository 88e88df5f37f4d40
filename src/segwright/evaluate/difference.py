"""Where a prediction is right, misses, invents or confuses: as a map, and drawn over the frame."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
import numpy.typing as npt

from segwright.core import Image, LabelMap
from segwright.evaluate.counts import require_same_frame


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
    from segwright.infer.overlay import as_display

    grey = as_display(image).mean(axis=2, keepdims=True)
    canvas = np.repeat((grey * 0.45 + 140).clip(0, 255).astype(np.uint8), 3, axis=2)
    found = outcomes(prediction, truth)
    for outcome, colour in OUTCOME_COLOURS.items():
        opacity = 0.45 if outcome == Outcome.VOID else 0.85
        mask = found == outcome
        canvas[mask] = (canvas[mask] * (1 - opacity) + np.array(colour) * opacity).round().astype(np.uint8)
    return canvas
