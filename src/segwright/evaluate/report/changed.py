"""The panels of the frames that changed: truth, both predictions, and what became of each pixel."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from segwright.core import Image, LabelMap, SegwrightError
from segwright.evaluate.compare import FrameChange
from segwright.evaluate.difference import PixelChange, change_overlay, difference_overlay, pixel_changes
from segwright.evaluate.earlier import EarlierPredictions, reason
from segwright.evaluate.report.pictures import caption, data_uri, plain, window, wrong_pixels
from segwright.evaluate.report.worst import Rereadable
from segwright.infer.overlay import overlay


@dataclass(frozen=True)
class ChangedPanel:
    """What the report shows of one frame, all of one size; `missing` says why there is no old prediction."""

    change: FrameChange
    image: Image | None
    truth: LabelMap
    old: LabelMap | None
    new: LabelMap
    missing: str = ""


@dataclass(frozen=True)
class ChangedPictures:
    """Data URIs of one frame, what part of it they show, and how many pixels (or objects) of the whole frame changed.

    `old`, `change` and the numbers are None where there is no old prediction.
    """

    truth: str
    old: str | None
    new: str
    change: str | None
    caption: str
    fixed: int | None
    broken: int | None


def changed_panels(
    rows: Iterable[FrameChange], pairs: Rereadable, earlier: EarlierPredictions | None
) -> Iterator[ChangedPanel]:
    """A panel for each of `rows`, read again one at a time; without `earlier` none has an old prediction."""
    for row in rows:
        pair, image = pairs.pair(row.stem), pairs.image(row.stem)
        old, missing = None, ""
        if earlier is not None:
            try:
                old = earlier.of(pair, image)
            except SegwrightError as error:
                missing = reason(error)
        yield ChangedPanel(row, image, pair.truth, old, pair.prediction, missing)


def draw_changed(panel: ChangedPanel) -> ChangedPictures:
    """The pictures of a frame; of a large one the window with the most changed pixels."""
    changes = None if panel.old is None else pixel_changes(panel.old, panel.new, panel.truth)
    moved = np.zeros(panel.truth.ids.shape, bool)
    if changes is not None:
        moved = (changes == PixelChange.FIXED) | (changes == PixelChange.BROKEN)
    box = window(moved if moved.any() else wrong_pixels(panel.new, panel.truth))
    image = (panel.image or plain(panel.truth.size)).crop(box)
    truth, new = panel.truth.crop(box), panel.new.crop(box)
    old = None if panel.old is None else panel.old.crop(box)
    return ChangedPictures(
        data_uri(overlay(image, truth)),
        None if old is None else data_uri(difference_overlay(image, old, truth)),
        data_uri(difference_overlay(image, new, truth)),
        None if old is None else data_uri(change_overlay(image, old, new, truth)),
        caption(box, panel.truth.size),
        None if changes is None else int((changes == PixelChange.FIXED).sum()),
        None if changes is None else int((changes == PixelChange.BROKEN).sum()),
    )
