"""An outline crosses itself or leaves the frame.

## What it does

Reports polygons with points more than a pixel outside the frame, and polygons whose edges cross.

## Why is this bad?

What lies outside is cut off, so the object is not where somebody drew it: often the image was scaled and the
annotation was not. Inside a loop of a crossing outline, tools disagree on what is painted: even-odd or not.

## Example

```text
(10, 10) (90, 60) (90, 10) (10, 60)     a bow tie
(10, 10) (2100, 10) (2100, 60)          in a frame 1920 px wide
```

## Use instead

Correct the outline in the annotation tool and export again. Where all points are too large by one factor, annotate at,
or export for, the size of the images that are there.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from segwright.core import SegwrightError, Size
from segwright.data.checks.evidence import Evidence
from segwright.data.checks.finding import Finding, Rule
from segwright.data.dataset import Frame
from segwright.data.shapes import Outlines, ShapeMask

_MARGIN_PX = 1.0
_MOST_POINTS = 2000  # edges are compared pairwise; an outline of more points was traced by a machine


def judge(evidence: Evidence) -> Iterator[Finding]:
    """One finding a frame and kind, of frames whose labels are shapes."""
    by_stem = {facts.stem: facts for facts in evidence.facts}
    for frame in evidence.dataset.frames:
        if isinstance(frame.mask, ShapeMask) and frame.stem in by_stem:
            yield from _of_frame(evidence, frame, frame.mask, by_stem[frame.stem].subject)


def _of_frame(evidence: Evidence, frame: Frame, mask: ShapeMask, subject: str) -> Iterator[Finding]:
    outlines = [points for shape in mask.shapes if isinstance(shape, Outlines) for points in shape.outlines]
    if not outlines:
        return
    size = mask.annotated or _size(evidence, frame)
    outside = 0 if size is None else sum(_leaves(points, size) for points in outlines)
    crossing = sum(_crosses_itself(points) for points in outlines)
    for count, what, allowed in (
        (outside, f"leave the frame of {size}", "points inside the frame"),
        (crossing, "cross themselves", "edges that meet at points only"),
    ):
        if count:
            yield Finding(
                mask.place,
                f"has {count} outlines that {what}",
                "correct the outlines in the annotation tool and export again",
                f"{subject} {what}",
                frame=frame.stem,
                allowed=allowed,
                found=f"{count} of {len(outlines)} outlines",
            )


def _size(evidence: Evidence, frame: Frame) -> Size | None:
    try:
        return evidence.dataset.read_labels(frame).size
    except SegwrightError:
        return None


def _leaves(points: np.ndarray, size: Size) -> bool:
    low, high = points.min(axis=0), points.max(axis=0)
    return bool((low < -_MARGIN_PX).any() or high[0] > size.width + _MARGIN_PX or high[1] > size.height + _MARGIN_PX)


def _crosses_itself(points: np.ndarray) -> bool:
    """Whether two edges that are no neighbours cross at a point inside both."""
    corners = np.asarray(points, float)
    corners = corners[np.any(corners != np.roll(corners, 1, axis=0), axis=1)]
    if not 4 <= len(corners) <= _MOST_POINTS:
        return False
    start, end = corners, np.roll(corners, -1, axis=0)
    first = _side(start[:, None], end[:, None], start[None]) * _side(start[:, None], end[:, None], end[None]) < 0
    return bool(np.any(first & first.T))


def _side(start: np.ndarray, end: np.ndarray, point: np.ndarray) -> np.ndarray:
    """The sign of which side of the line start-end the point is on; 0 on the line."""
    along, to = end - start, point - start
    return np.sign(along[..., 0] * to[..., 1] - along[..., 1] * to[..., 0])


RULE = Rule("SEG024", "outline-geometry", "warning", judge, __doc__ or "")
