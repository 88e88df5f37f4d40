"""The predictions: COCO results JSON as columns over all detections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from segwright.core import DataError, raise_collected
from segwright.evaluate.instances.findings import Findings
from segwright.evaluate.instances.objects import (
    NUMBERS,
    boxes_of,
    cycles_uncollected,
    load_json,
    masks_of,
    positions_of,
    values_of,
)
from segwright.evaluate.instances.rules import Kind
from segwright.evaluate.instances.run_texts import RunTexts
from segwright.evaluate.instances.truth import Truth

BOX_AREAS = (
    "results have boxes: small, medium and large detections are told apart by the area of their box, for masks too, as "
    "pycocotools does it; results without bbox are told apart by their mask"
)


@dataclass(frozen=True, eq=False)
class Results:
    """All detections in the file's order; columns as in `Truth`.

    `boxes` are None where the results have none: then box and area are those of the mask. `masks` are None where
    nothing needs them.
    """

    frame: npt.NDArray[np.int64]
    channel: npt.NDArray[np.int64]
    score: npt.NDArray[np.float64]
    boxes: npt.NDArray[np.float64] | None
    masks: RunTexts | None
    notes: tuple[str, ...] = ()


@cycles_uncollected()
def read_results(source: Path | str | Sequence[Mapping[str, Any]], truth: Truth, kinds: Sequence[Kind]) -> Results:
    """The detections of a COCO results file, of the `instances.json` in a folder of predictions, or of its content.

    Raises:
        DataError: not a list of results, or what does not fit the truth; every finding at once.
    """
    if isinstance(source, Path | str) and Path(source).is_dir():
        source = Path(source) / "instances.json"
    place, rows = load_json(source, "COCO results JSON")
    if not isinstance(rows, list | tuple):
        found = ", ".join(map(str, rows)) if isinstance(rows, Mapping) else type(rows).__name__
        fix = "name the predictions; annotations have no scores, and come second"
        raise DataError.of(place, "is not COCO results JSON", allowed="a list of objects", found=found, fix=fix)
    findings = Findings(place, "result")
    frame, channel = positions_of(rows, truth.pictures, truth.channels, findings)
    raise_collected(findings.problems())
    score = _scores(rows, findings)
    has_boxes = bool(rows) and any(row.get("bbox") for row in rows)
    boxes = boxes_of(rows, findings) if has_boxes else None
    masks, needs_masks = None, bool(set(kinds) - {"box"})
    if needs_masks or not has_boxes:
        fix = "score boxes only (kinds=('box',)), or write results with a segmentation"
        fix = fix if has_boxes else "write results with a bbox or a mask"
        masks = masks_of(rows, truth.pictures, frame, findings, fix=fix)
    raise_collected(findings.problems())
    return Results(frame, channel, score, boxes, masks, (BOX_AREAS,) if needs_masks and has_boxes else ())


def _scores(rows: Sequence[Mapping[str, Any]], findings: Findings) -> npt.NDArray[np.float64]:
    found = values_of(rows, "score")
    scores = np.array([score if type(score) in NUMBERS else np.nan for score in found], dtype=np.float64)
    for index in np.flatnonzero(~np.isfinite(scores)).tolist():
        fix = "write results with the score of each detection"
        findings.add(index, "has no usable score", allowed="a finite number", found=found[index], fix=fix)
    return scores
