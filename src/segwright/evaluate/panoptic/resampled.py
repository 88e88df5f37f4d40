"""PQ, SQ and RQ of frames drawn again: sums over frames, so a draw is one product of weights and sums."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from segwright.core import ArtefactError, ClassTable
from segwright.evaluate.ratios import ratio

Array = npt.NDArray[np.float64]


def read_sums(rows: Sequence[Mapping[str, Any]], classes: ClassTable) -> Array | None:
    """Sum of IoUs, tp, fp and fn of each frame and class (4, frames, classes); None in evaluations without them.

    Raises:
        ArtefactError: they are garbled.
    """
    if not rows or not all("by_class" in row for row in rows):
        return None
    places = {str(class_id): place for place, class_id in enumerate(classes.ids)}
    sums = np.zeros((4, len(rows), len(classes)))
    try:
        for position, row in enumerate(rows):
            for class_id, values in row["by_class"].items():
                sums[:, position, places[class_id]] = values
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        fix = "evaluate again; the file was edited or cut short"
        raise ArtefactError.of("evaluation.json", f"garbles the sums of its frames: {error}", fix=fix) from error
    return sums


def weighted_qualities(sums: Array, weights: npt.NDArray[np.integer]) -> dict[str, Array]:
    """`pq`, `sq` and `rq` (rounds, classes), NaN where absent; `weights` (rounds, frames) say how often."""
    iou, tp, fp, fn = (weights.astype(np.float64) @ part for part in sums)
    whole = tp + fp / 2 + fn / 2
    sq = np.where((tp == 0) & (whole > 0), 0.0, ratio(iou, tp))
    return {"pq": ratio(iou, whole), "sq": sq, "rq": ratio(tp, whole)}
