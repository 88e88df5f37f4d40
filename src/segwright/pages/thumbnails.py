"""Small pictures of single regions, with the class outlined, as data URIs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from segwright.core import Box, Listener, Size, silent, tracked
from segwright.data import Dataset, LabelledFrame
from segwright.data.stats import RegionSample
from segwright.data.workers import in_threads
from segwright.evaluate.report.pictures import data_uri
from segwright.infer.overlay import as_display

SIDE_PX = 132
_CONTEXT, _LEAST_PX = 0.3, 28
_LIGHT = (255, 255, 255)


@dataclass(frozen=True)
class Thumbnail:
    """A picture of a region: its data URI, where it is from, and its numbers."""

    uri: str
    stem: str
    area_px: int
    width_px: float


def thumbnails(
    dataset: Dataset, samples: Sequence[RegionSample], listener: Listener = silent
) -> Mapping[RegionSample, Thumbnail]:
    """A picture of each region; each frame is read once, several at a time."""
    by_stem: dict[str, list[RegionSample]] = defaultdict(list)
    for sample in samples:
        by_stem[sample.stem].append(sample)

    def draw(stem: str) -> list[tuple[RegionSample, Thumbnail]]:
        labelled = dataset.read(dataset.frame(stem))
        return [(sample, _drawn(labelled, sample)) for sample in by_stem[stem]]

    answers = tracked(in_threads(draw, by_stem), listener, "drawing", len(by_stem))
    return dict(pair for pairs in answers for pair in pairs)


def frame_thumbnail(dataset: Dataset, stem: str) -> str:
    """A whole frame, small, as a data URI."""
    pixels = as_display(dataset.read_image(dataset.frame(stem)))
    scale = 1.6 * SIDE_PX / max(pixels.shape[:2])
    return data_uri(cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))  # type: ignore[arg-type]


def _drawn(labelled: LabelledFrame, sample: RegionSample) -> Thumbnail:
    box = _around(sample.box, labelled.labels.size)
    classes = labelled.labels.classes
    class_id = classes.ids[sample.channel]
    painted = labelled.labels.ids[box.slices] == class_id
    pixels = as_display(labelled.image.crop(box))
    scale = SIDE_PX / max(box.height, box.width)
    size = max(1, round(scale * box.width)), max(1, round(scale * box.height))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST
    canvas = np.ascontiguousarray(cv2.resize(pixels, size, interpolation=how), dtype=np.uint8)
    # Of a mask that is shrunk a thin line must not vanish: a pixel is painted where any of its own is.
    share = cv2.resize(painted.astype(np.float32), size, interpolation=how)
    colour = _LIGHT if class_id == classes.background_id else classes.colour(class_id)
    canvas[_edge(share > 0)] = colour
    return Thumbnail(data_uri(canvas), sample.stem, sample.area_px, sample.width_px)


def _edge(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """The mask's pixels within two of its outside: an edge that is still seen when the page shows it smaller."""
    cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    return mask & (cv2.erode(mask.view(np.uint8), cross, iterations=2) == 0)


def _around(box: Box, size: Size) -> Box:
    """A square about the region with some of what surrounds it, within the frame."""
    side = max(_LEAST_PX, round((1 + 2 * _CONTEXT) * max(box.height, box.width)))
    top, bottom = _span(box.top, box.bottom, side, size.height)
    left, right = _span(box.left, box.right, side, size.width)
    return Box(top, left, bottom, right)


def _span(low: int, high: int, side: int, limit: int) -> tuple[int, int]:
    side = min(side, limit)
    start = min(max(0, (low + high - side) // 2), limit - side)
    return start, start + side
