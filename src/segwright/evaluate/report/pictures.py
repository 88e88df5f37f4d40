"""Frames as pictures inside the page: image, truth, prediction and difference, as data URIs."""

from __future__ import annotations

import base64
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from segwright.core import Box, Image, LabelMap, Size
from segwright.evaluate.difference import Outcome, difference_overlay, outcomes
from segwright.infer.overlay import as_display, overlay

# A frame up to this side is shown whole at one pixel a pixel. Shrunk, a two-pixel scratch disappears: of larger frames
# the window with the most wrong pixels is shown, and the caption says so.
WINDOW_PX = 768
JPEG_QUALITY = 88


@dataclass(frozen=True)
class FramePanel:
    """What the report shows of one frame, all of one size."""

    stem: str
    image: Image
    truth: LabelMap
    prediction: LabelMap


@dataclass(frozen=True)
class Pictures:
    """Four data URIs of one frame, and what part of it they show."""

    image: str
    truth: str
    prediction: str
    difference: str
    caption: str


def draw(panel: FramePanel) -> Pictures:
    """The four pictures of a frame."""
    window = _window(panel)
    image, truth, prediction = panel.image.crop(window), panel.truth.crop(window), panel.prediction.crop(window)
    whole = window == Box.of(panel.image.size)
    caption = f"{panel.image.size} px" if whole else (
        f"{window.width}x{window.height} px at column {window.left}, row {window.top} of {panel.image.size} px"
    )  # fmt: skip
    return Pictures(
        _data_uri(as_display(image)),
        _data_uri(overlay(image, truth)),
        _data_uri(overlay(image, prediction)),
        _data_uri(difference_overlay(image, prediction, truth)),
        caption,
    )


def _window(panel: FramePanel) -> Box:
    """The whole frame, or the window of it with the most wrong pixels."""
    size = panel.image.size
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
    # without chroma subsampling: at half resolution a two-pixel coloured line would be a smear
    sampling = [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
    flags = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY, *sampling]
    ok, encoded = cv2.imencode(".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), flags)
    if not ok:
        raise RuntimeError("OpenCV could not encode a picture of the report")
    return "data:image/jpeg;base64," + base64.b64encode(encoded.tobytes()).decode()
