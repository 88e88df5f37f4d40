"""What a classical detector sees: how far each pixel of a bracket stands out from the metal around it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import cv2
import numpy as np
import numpy.typing as npt

from segwright.core import DataError, Image
from segwright.demo.frames.knobs import REFERENCE_WIDTH_PX

NEIGHBOURHOOD_SIGMA_PX = 18.0
LINE_KERNEL_PX = 9
SMOOTHING_SIGMA_PX = 1.0
EDGE_MARGIN_PX = 6
SATURATED = 248
Mask = npt.NDArray[np.bool_]
Unit = Literal["percent", "sigmas"]


@dataclass(frozen=True, slots=True)
class BlobParameters:
    """The detector's settings; areas in px at 640 px frame width.

    contrast_cut: brighter or darker than the neighbourhood, in `unit`: percent of its brightness, or robust sigmas of
    the part's own texture. colour_cut: off the part's own hue, in robust sigmas; infinity is off. smallest_px: blobs
    under this are texture. reject_percent: marked area, percent of the part, above which a bracket is rejected.
    """

    contrast_cut: float = 12.0
    colour_cut: float = 9.0
    smallest_px: int = 30
    reject_percent: float = 2.0
    unit: Unit = "percent"


def find_part(image: Image) -> Mask:
    """The bracket by brightness: Otsu's threshold on a blurred frame, largest piece, small dark specks filled."""
    scale = scale_of(image)
    soft = cv2.GaussianBlur(grey_of(image), (0, 0), 2.0 * scale).astype(np.uint8)
    _level, bright = cv2.threshold(soft, 0, 1, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    part = _largest_piece(bright)
    specks = _pieces_under(~part, 250 * scale**2)
    return part | specks


@dataclass(frozen=True, slots=True)
class Evidence:
    """How far each pixel of one frame stands out; computed once, cut many times."""

    contrast: npt.NDArray[Any]
    colour: npt.NDArray[Any]
    inside: Mask
    part_px: int
    scale: float

    def blobs(self, parameters: BlobParameters) -> Mask:
        """What stands out by more than the cuts, gaps closed, small pieces left out: bool (height, width)."""
        marked = ((self.contrast > parameters.contrast_cut) | (self.colour > parameters.colour_cut)) & self.inside
        reach = 2 * round(2 * self.scale) + 1
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
        closed = cv2.morphologyEx(marked.astype(np.uint8), cv2.MORPH_CLOSE, kernel) > 0
        return closed & self.inside & ~_pieces_under(closed & self.inside, parameters.smallest_px * self.scale**2)


def gather_evidence(image: Image, part: Mask | None, unit: Unit) -> Evidence:
    """How far each pixel of the image stands out from the part around it; the part is found where it is not given."""
    found = find_part(image) if part is None else part
    scale = scale_of(image)
    grey = grey_of(image)
    inside = inner_part(found, scale) & _not_glaring(grey, scale)
    flat = _flat_field(grey, found, scale)
    soft = cv2.GaussianBlur(flat, (0, 0), SMOOTHING_SIGMA_PX)
    lines = np.maximum(_line_response(soft, cv2.MORPH_TOPHAT), _line_response(soft, cv2.MORPH_BLACKHAT))
    measured = _in_sigmas if unit == "sigmas" else _in_percent
    contrast = np.maximum(np.abs(measured(soft, inside)), measured(lines, inside))
    return Evidence(contrast, _colour_distance(image, inside), inside, max(1, int(np.count_nonzero(found))), scale)


def _flat_field(grey: npt.NDArray[Any], part: Mask, scale: float) -> npt.NDArray[Any]:
    """Each part pixel over the mean of its neighbourhood on the part, minus 1; 0 off the part."""
    weight = part.astype(np.float32)
    sigma = NEIGHBOURHOOD_SIGMA_PX * scale
    mean = _wide_blur(grey * weight, sigma) / np.maximum(_wide_blur(weight, sigma), 1e-3)
    return np.where(part, grey / np.maximum(mean, 1) - 1, 0).astype(np.float32)


def _wide_blur(field: npt.NDArray[Any], sigma: float) -> npt.NDArray[Any]:
    small = cv2.resize(field, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    return cv2.resize(cv2.GaussianBlur(small, (0, 0), sigma / 4), field.shape[::-1], interpolation=cv2.INTER_LINEAR)


def _line_response(flat: npt.NDArray[Any], kind: int) -> npt.NDArray[Any]:
    """Top-hat or black-hat: what is narrower than 9 px at any frame size: scratches do not grow."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (LINE_KERNEL_PX, LINE_KERNEL_PX))
    return cv2.morphologyEx(flat, kind, kernel)


def _colour_distance(image: Image, inside: Mask) -> npt.NDArray[Any]:
    """How far the hue is off the part's own, in robust sigmas of the part."""
    pixels = cv2.GaussianBlur(image.pixels, (0, 0), 1.5).astype(np.float32) + 1
    total = pixels.sum(axis=2)
    distance = np.zeros(total.shape, dtype=np.float32)
    for band in (0, 2):
        distance += np.square(_in_sigmas(pixels[:, :, band] / total, inside))
    return np.sqrt(distance)


def _in_sigmas(field: npt.NDArray[Any], inside: Mask) -> npt.NDArray[Any]:
    """The field less its median, over its median absolute deviation as a sigma, both taken inside."""
    values = field[inside][::5]
    if values.size == 0:
        return np.zeros_like(field)
    median = np.median(values)
    sigma = 1.4826 * np.median(np.abs(values - median))
    return (field - median) / max(float(sigma), 1e-6)


def _in_percent(field: npt.NDArray[Any], inside: Mask) -> npt.NDArray[Any]:
    """The field less its median inside, times 100."""
    values = field[inside][::5]
    return 100 * (field - (np.median(values) if values.size else 0))


def _not_glaring(grey: npt.NDArray[Any], scale: float) -> Mask:
    reach = 2 * round(3 * scale) + 1
    hot = cv2.dilate((grey >= SATURATED).astype(np.uint8), np.ones((reach, reach), np.uint8))
    return hot == 0


def inner_part(part: Mask, scale: float) -> Mask:
    """The part without its rims, whose highlights are no defects."""
    return cv2.distanceTransform(part.astype(np.uint8), cv2.DIST_L2, 3) > EDGE_MARGIN_PX * scale


def _largest_piece(bright: npt.NDArray[Any]) -> Mask:
    _count, pieces, boxes, _centres = cv2.connectedComponentsWithStats(bright, connectivity=4)
    if len(boxes) < 2:
        return np.zeros(bright.shape, dtype=bool)
    return pieces == 1 + int(np.argmax(np.asarray(boxes)[1:, cv2.CC_STAT_AREA]))


def _pieces_under(mask: Mask, area_px: float) -> Mask:
    """The pieces of a mask (8-connected) smaller than an area."""
    _count, pieces, boxes, _centres = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    small = np.asarray(boxes)[:, cv2.CC_STAT_AREA] < area_px
    small[0] = False
    return small[np.asarray(pieces, dtype=np.intp)]


def grey_of(image: Image) -> npt.NDArray[Any]:
    """The image's brightness, float32 (height, width), 0..255.

    Raises:
        DataError: an image of more than 8 bits.
    """
    if image.pixels.dtype != np.uint8:
        raise DataError.of(
            "blob heuristic",
            "reads frames of 8 bits only",
            allowed="uint8",
            found=str(image.pixels.dtype),
            fix="convert the frames to 8 bits first",
        )
    return cv2.cvtColor(image.as_rgb().pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)


def scale_of(image: Image) -> float:
    """How many pixels of this image are one at the width the settings are given for; at least 1."""
    return max(1.0, image.size.width / REFERENCE_WIDTH_PX)
