"""Frames as pictures inside the page: image, truth, prediction and difference, as data URIs."""

from __future__ import annotations

import base64
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from segwright.core import Box, Image, LabelMap, Size
from segwright.data.codecs import encode_image
from segwright.evaluate.difference import Outcome, difference_overlay, outcomes
from segwright.infer.overlay import as_display, overlay

# A frame up to this side is shown whole at one pixel a pixel. Shrunk, a two-pixel scratch disappears: of larger frames
# the window with the most wrong pixels is shown, and the caption says so.
WINDOW_PX = 1024
JPEG_QUALITY = 88
PLAIN = 225


@dataclass(frozen=True)
class FramePanel:
    """What the report shows of one frame, all of one size; without an image the maps are drawn on plain grey."""

    stem: str
    image: Image | None
    truth: LabelMap
    prediction: LabelMap


@dataclass(frozen=True)
class Pictures:
    """Data URIs of one frame, and what part of it they show; `image` is None where there was none."""

    image: str | None
    truth: str
    prediction: str
    difference: str
    caption: str


def draw(panel: FramePanel) -> Pictures:
    """The pictures of a frame; of a large one the window with the most wrong pixels."""
    size = panel.truth.size
    box = window(wrong_pixels(panel.prediction, panel.truth))
    image = (panel.image or plain(size)).crop(box)
    truth, prediction = panel.truth.crop(box), panel.prediction.crop(box)
    return Pictures(
        None if panel.image is None else data_uri(as_display(image)),
        data_uri(overlay(image, truth)),
        data_uri(overlay(image, prediction)),
        data_uri(difference_overlay(image, prediction, truth)),
        caption(box, size),
    )


def wrong_pixels(prediction: LabelMap, truth: LabelMap) -> npt.NDArray[np.bool_]:
    """Where the prediction is not right and the truth is not void; (height, width)."""
    return np.isin(outcomes(prediction, truth), [Outcome.MISSED, Outcome.FALSE, Outcome.CONFUSED])


def window(marked: npt.NDArray[np.bool_]) -> Box:
    """The whole frame, or of a large one the window with the most pixels of `marked` (height, width)."""
    size = Size(*marked.shape)
    shown = Size(min(size.height, WINDOW_PX), min(size.width, WINDOW_PX))
    if shown == size:
        return Box.of(size)
    sums = cv2.integral(marked.astype(np.uint8))
    totals = (
        sums[shown.height :, shown.width :] - sums[: -shown.height, shown.width :]
        - sums[shown.height :, : -shown.width] + sums[: -shown.height, : -shown.width]
    )  # fmt: skip
    top, left = (int(value) for value in np.unravel_index(_middle_of_best(totals), totals.shape))
    return Box(top, left, top + shown.height, left + shown.width)


def caption(box: Box, size: Size) -> str:
    """Which part of a frame of `size` is shown."""
    place = f"{box.width}x{box.height} px at column {box.left}, row {box.top} of {size} px"
    return f"{size} px" if box == Box.of(size) else place


def plain(size: Size) -> Image:
    """What maps are drawn on where there is no picture."""
    return Image(np.full((size.height, size.width, 3), PLAIN, dtype=np.uint8))


def data_uri(pixels: npt.NDArray[np.uint8]) -> str:
    """RGB (height, width, 3) as a JPEG data URI."""
    encoded = encode_image(Image(pixels), ".jpg", jpeg_quality=JPEG_QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(encoded).decode()


def _middle_of_best(totals: npt.NDArray) -> int:
    """Of all windows as good as the best, the middle one: it does not cut the error off at its edge."""
    best = np.flatnonzero(totals.ravel() == totals.max())
    return int(best[best.size // 2])
