"""Where a model confidently disagrees with labels: confident learning at pixel and component level, void left out.

Source: Northcutt, Jiang and Chuang, "Confident Learning: Estimating Uncertainty in Dataset Labels", JAIR 70 (2021),
section 3: the threshold of a class is the mean probability the model gives it over the examples labelled with it; an
example is counted as of another class where that class's probability reaches its threshold, and of several such
classes the most probable.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from segwright.core import Box, ClassTable, Image, LabelMap, Listener, Note, Probabilities, tracked
from segwright.data.dataset import Dataset

LEAST_PX = 16
_KEPT_A_FRAME = 50

Predict = Callable[[Image], Probabilities]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Region:
    """A connected region painted one class and confidently predicted another; `score` is the sum of its disagreement.

    The disagreement of a pixel is the probability of the predicted class less that of the painted one.
    """

    stem: str
    box: Box
    painted: str
    predicted: str
    area_px: int
    confidence: float
    score: float


def ranked_regions(dataset: Dataset, stems: Sequence[str], predict: Predict, listener: Listener) -> list[Region]:
    """The regions of all frames, largest disagreement first. Frames are predicted twice: thresholds, then regions.

    A class that the model gives less than chance where it is painted is told as a note: it has not learned the class,
    or most of these labels are wrong. Its regions are ranked all the same: leaving them out would hide such labels.
    """
    sums = np.zeros((2, len(dataset.classes)))
    for stem in tracked(stems, listener, "confidence", len(stems)):
        read = dataset.read(dataset.frame(stem))
        sums += _self_confidence(predict(read.image).values, read.labels)
    thresholds = np.where(sums[1] > 0, sums[0] / np.maximum(sums[1], 1), 1.0).astype(np.float32)
    doubtful = [name for name, own in zip(dataset.classes.names, thresholds, strict=True) if own < 1 / len(thresholds)]
    if doubtful:
        text = f"the model gives less than chance to the pixels painted {', '.join(doubtful)}"
        listener(Note("lint", f"{text}: it has not learned that, or most of these labels are wrong", "warning"))
    regions: list[Region] = []
    for stem in tracked(stems, listener, "disagreement", len(stems)):
        read = dataset.read(dataset.frame(stem))
        found = sorted(
            regions_in_doubt(stem, predict(read.image).values, read.labels, thresholds), key=lambda row: -row.score
        )
        regions += found[:_KEPT_A_FRAME]
    return sorted(regions, key=lambda row: -row.score)


def _self_confidence(values: Floats, labels: LabelMap) -> npt.NDArray[np.float64]:
    """(2, classes): for each class the sum of its probability over the pixels painted with it, and their number."""
    found = np.zeros((2, len(labels.classes)))
    for channel, class_id in enumerate(labels.classes.ids):
        painted = labels.ids == class_id
        found[:, channel] = float(values[channel][painted].sum(dtype=np.float64)), np.count_nonzero(painted)
    return found


def regions_in_doubt(stem: str, values: Floats, labels: LabelMap, thresholds: Floats) -> Iterator[Region]:
    """The regions of one frame: `values` (classes, height, width) are its probabilities."""
    reached = np.where(values >= thresholds[:, None, None], values, -1.0)
    best = reached.argmax(axis=0)
    confident = reached.max(axis=0) >= 0
    channels = labels.channels(void_as=-1)
    off = confident & (channels >= 0) & (best != channels)
    if not off.any():
        return
    rows, columns = np.nonzero(off)
    margin = np.zeros(off.shape, np.float32)
    margin[off] = values[best[off], rows, columns] - values[channels[off], rows, columns]
    for painted, predicted in {*zip(channels[off].tolist(), best[off].tolist(), strict=True)}:
        where = off & (channels == painted) & (best == predicted) & (margin > 0)
        yield from _regions(stem, where, (painted, predicted), margin, values[predicted], labels.classes)


def _regions(
    stem: str,
    where: npt.NDArray[np.bool_],
    pair: tuple[int, int],
    margin: Floats,
    confidence: Floats,
    classes: ClassTable,
) -> Iterator[Region]:
    count, numbered, stats, _ = cv2.connectedComponentsWithStats(where.view(np.uint8), connectivity=8)
    for number in range(1, count):
        left, top, width, height, area = (int(value) for value in stats[number])
        if area >= LEAST_PX:
            box = Box(top, left, top + height, left + width)
            inside = numbered[box.slices] == number
            score = float(margin[box.slices][inside].sum())
            sure = float(confidence[box.slices][inside].mean())
            yield Region(stem, box, classes.names[pair[0]], classes.names[pair[1]], area, sure, score)
