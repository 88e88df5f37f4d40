"""The worst frames of a panoptic evaluation: segments as they are, as they were found, and what became of each."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import numpy.typing as npt

from segwright.core import Box, Image
from segwright.evaluate.difference import OUTCOME_COLOURS, Outcome
from segwright.evaluate.objects import ObjectEvaluation
from segwright.evaluate.panoptic.frame import VOID, PanopticFrame
from segwright.evaluate.panoptic.matching import Rule, match_segments
from segwright.evaluate.panoptic.pairs import PanopticPairs
from segwright.evaluate.report.object_pictures import (
    LEFT_OUT,
    WORST_FRAMES,
    ObjectPanel,
    PicturesByName,
    Views,
    ground,
    worst_rows,
)
from segwright.evaluate.report.paint import WHITE, Canvas, fill, outline_px, pale
from segwright.evaluate.report.pictures import window
from segwright.infer.overlay import as_display

Ids = npt.NDArray[np.uint32]
FILLED = 0.5


def panoptic_panels(
    evaluation: ObjectEvaluation, pairs: PanopticPairs, images: PicturesByName, count: int = WORST_FRAMES
) -> Iterator[ObjectPanel]:
    """The `count` worst frames, worst first."""
    rule: Rule = evaluation.provenance["rule"]
    for _, row in worst_rows(evaluation)[:count]:
        prediction, truth = pairs.pair(row["stem"])
        views = panoptic_views(prediction, truth, images.of(row["stem"], truth.size), rule)
        yield ObjectPanel(row["stem"], row, views.pictures())


def panoptic_views(
    prediction: PanopticFrame, truth: PanopticFrame, image: Image | None, rule: Rule, shown: Box | None = None
) -> Views:
    """The frame painted, or the part `shown`; None takes the window with the most wrong pixels."""
    codes = segment_outcomes(prediction, truth, rule)
    box = shown or window(np.isin(codes, [Outcome.MISSED, Outcome.FALSE, Outcome.CONFUSED]))
    base = ground(image, box, truth.size)
    difference = pale(base)
    for code, colour in OUTCOME_COLOURS.items():
        faint = code in (Outcome.RIGHT, Outcome.VOID)
        fill(difference, codes[box.slices] == code, colour, 0.45 if faint else 0.8)
    _edges(difference, _cut(truth.ids, box), outline_px(difference))
    return Views(
        image, box, truth.size, _segments(as_display(base), truth, box),
        _segments(as_display(base), prediction, box), difference,
    )  # fmt: skip


def segment_outcomes(prediction: PanopticFrame, truth: PanopticFrame, rule: Rule) -> npt.NDArray[np.uint8]:
    """The `Outcome` of each pixel (height, width), by what became of the two segments it lies in.

    RIGHT: they are matched with each other. MISSED, FALSE: the true or the predicted one is unmatched. CONFUSED: both
    are, or both are matched, with others. VOID: void or a crowd in the truth.
    """
    found = match_segments(prediction, truth, rule)
    true, predicted = truth.table, prediction.table
    place = np.searchsorted(true.ids, truth.ids.astype(np.int64)).clip(max=max(len(true.ids) - 1, 0))
    other = np.searchsorted(predicted.ids, prediction.ids.astype(np.int64)).clip(max=max(len(predicted.ids) - 1, 0))
    partner = np.full(len(true.ids) + 1, -1, np.int64)
    partner[found.true] = found.predicted
    missed, false = np.zeros(len(true.ids) + 1, np.bool_), np.zeros(len(predicted.ids) + 1, np.bool_)
    missed[found.missed], false[found.invented] = True, True
    crowd = np.append(true.is_crowd, False)
    named = prediction.ids != VOID
    is_false = false[other] & named
    codes = np.full(truth.ids.shape, Outcome.CONFUSED, np.uint8)
    codes[is_false & ~missed[place]] = Outcome.FALSE
    codes[missed[place] & ~is_false] = Outcome.MISSED
    codes[~named] = Outcome.MISSED
    codes[named & (partner[place] == other)] = Outcome.RIGHT
    codes[(truth.ids == VOID) | crowd[place]] = Outcome.VOID
    return codes


def _segments(canvas: Canvas, frame: PanopticFrame, box: Box) -> Canvas:
    """Each segment in its class's colour, white lines between them; void and crowds in grey."""
    ids, table = _cut(frame.ids, box), frame.table
    known = zip(table.class_ids.tolist(), table.is_crowd.tolist(), strict=True)
    colours = [LEFT_OUT if crowd else frame.classes.colour(class_id) for class_id, crowd in known]
    colours = np.array([LEFT_OUT, *colours], np.float64)
    places = np.where(ids == VOID, 0, np.searchsorted(table.ids, ids.astype(np.int64)) + 1)
    painted = canvas * (1 - FILLED) + colours[places] * FILLED
    canvas[:] = painted.round().astype(np.uint8)
    _edges(canvas, ids, outline_px(canvas))
    return canvas


def _edges(canvas: Canvas, ids: Ids, thickness: int) -> None:
    """White lines where one segment meets another."""
    edge = np.zeros(ids.shape, np.uint8)
    edge[:-1] |= ids[1:] != ids[:-1]
    edge[:, :-1] |= ids[:, 1:] != ids[:, :-1]
    width = max(1, round(thickness / 2))
    canvas[cv2.dilate(edge, np.ones((width, width), np.uint8)) > 0] = WHITE


def _cut(ids: Ids, box: Box) -> Ids:
    return ids[box.slices]
