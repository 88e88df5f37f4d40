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
    """The pictures of a frame."""
    size = panel.truth.size
    window = _window(panel)
    whole = panel.image or Image(np.full((size.height, size.width, 3), PLAIN, dtype=np.uint8))
    image, truth, prediction = whole.crop(window), panel.truth.crop(window), panel.prediction.crop(window)
    place = f"{window.width}x{window.height} px at column {window.left}, row {window.top} of {size} px"
    return Pictures(
        None if panel.image is None else _data_uri(as_display(image)),
        _data_uri(overlay(image, truth)),
        _data_uri(overlay(image, prediction)),
        _data_uri(difference_overlay(image, prediction, truth)),
        f"{size} px" if window == Box.of(size) else place,
    )


def _window(panel: FramePanel) -> Box:
    """The whole frame, or the window of it with the most wrong pixels."""
    size = panel.truth.size
    window = Size(min(size.height, WINDOW_PX), min(size.width, WINDOW_PX))
    if window == size:
        return Box.of(size)
    found = outcomes(panel.prediction, panel.truth)
    wrong = np.isin(found, [Outcome.MISSED, Outcome.FALSE, Outcome.CONFUSED]).astype(np.uint8)
    sums = cv2.integral(wrong)
    totals = (
        sums[window.height :, window.width :] - sums[: -window.height, window.width :]
        - sums[window.height :, : -window.width] + sums[: -window.height, : -window.width]
    )  # fmt: skip
    top, left = (int(value) for value in np.unravel_index(_middle_of_best(totals), totals.shape))
    return Box(top, left, top + window.height, left + window.width)


def _middle_of_best(totals: npt.NDArray) -> int:
    """Of all windows as good as the best, the middle one: it does not cut the error off at its edge."""
    best = np.flatnonzero(totals.ravel() == totals.max())
    return int(best[best.size // 2])


def _data_uri(pixels: npt.NDArray[np.uint8]) -> str:
    """RGB (height, width, 3) as a JPEG data URI."""
    encoded = encode_image(Image(pixels), ".jpg", jpeg_quality=JPEG_QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(encoded).decode()
