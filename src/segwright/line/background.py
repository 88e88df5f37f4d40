"""The part as what does not look like the belt: no training, no labels, one frame at a time.

The belt's colour is estimated from the frame's border, where the part is not, and followed inwards: a smooth surface
for the light, then a local mean for stains. What is brighter (or darker) than the belt, or of another hue, is the part;
a shadow is darker and keeps the belt's hue, so it is not. A graph cut settles where the part is hardly brighter than
the belt, and the outline is put where a pixel is half way from the belt to the metal beside it.

Source: Rother, Kolmogorov, Blake, "GrabCut" (SIGGRAPH 2004), for the cut, as OpenCV implements it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from segwright.core import Image, LabelMap
from segwright.infer.overlay import as_display

Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float32]

WORKING_SIDE_PX = 640  # frames are segmented at this length of their longer side, or their own where that is less
LEAST_SIDE_PX = 64
BELT_STEP = 8  # the belt changes slowly: it is modelled at an eighth of the working size
HUE_WEIGHT = 3  # hues differ less than brightness and mean more
REACH = 12  # how far beyond the rough part the cut may find more of it, in pixels of a quarter of the working size
SPREADS = 4.0  # how many spreads of the belt a pixel must be away from it
LEAST_CONTRAST = 0.12  # ... and at least this share of what the metal is away
LEAST_SHARE = 0.005  # a part covers at least this share of the frame
PINHOLE_SHARE = 0.0006  # a gap smaller than this share of the frame is a mark on the part, not a hole through it


@dataclass(frozen=True)
class PartFromBackground:
    """The largest thing on a belt of one colour, its holes left out, its defects left in.

    The part may be brighter or darker than the belt and must leave most of the frame's border free. `reference` is a
    frame of the empty belt under the same light; without it the belt is estimated from each frame. Where nothing
    stands out, or the frame is under 64 px a side, nothing is the part.
    """

    reference: Image | None = None

    @property
    def name(self) -> str:
        if self.reference is None:
            return "background"
        return f"background {hashlib.sha256(self.reference.pixels.tobytes()).hexdigest()[:16]}"

    def __call__(self, image: Image, _labels: LabelMap, /) -> Mask:
        return self.find(image)

    def find(self, image: Image) -> Mask:
        """True on the part (height, width), at the frame's own size."""
        height, width = image.size.height, image.size.width
        if min(height, width) < LEAST_SIDE_PX:
            return np.zeros((height, width), bool)
        scale = min(1.0, WORKING_SIDE_PX / max(height, width))
        shape = (max(1, round(width * scale)), max(1, round(height * scale)))
        pixels = cv2.resize(as_display(image), shape, interpolation=cv2.INTER_AREA)
        mask = _segment(_lab(pixels), self._belt(shape))
        if scale == 1.0:
            return mask
        return cv2.resize(mask.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR) > 0.5

    def _belt(self, shape: tuple[int, int]) -> Floats | None:
        if self.reference is None:
            return None
        pixels = cv2.resize(as_display(self.reference), shape, interpolation=cv2.INTER_AREA)
        small = (max(1, shape[0] // BELT_STEP), max(1, shape[1] // BELT_STEP))
        return np.asarray(cv2.resize(_lab(pixels), small, interpolation=cv2.INTER_AREA), np.float32)


def _lab(pixels: npt.NDArray) -> npt.NDArray[np.uint8]:
    """CIE L*a*b* in 8 bits, after a blur that takes the sensor's noise off: equal steps look equally different."""
    return np.asarray(cv2.cvtColor(cv2.GaussianBlur(pixels, (5, 5), 1.0), cv2.COLOR_RGB2LAB), np.uint8)


def _segment(lab: npt.NDArray[np.uint8], belt: Floats | None) -> Mask:
    """Find the part at half the working size, then draw its outline at the whole."""
    height, width = lab.shape[:2]
    small = np.asarray(cv2.resize(lab, (width // 2, height // 2), interpolation=cv2.INTER_AREA), np.uint8)
    surface = _belt_surface(small) if belt is None else belt
    difference = _difference(small, surface)
    metal = _metal_level(difference)
    rough = _rough(difference, metal)
    if np.count_nonzero(rough) < LEAST_SHARE * rough.size:
        return np.zeros((height, width), bool)
    cut = _without_pinholes(_largest(_cut(difference, metal, rough)))
    whole = cv2.resize(cut * np.float32(1), (width, height), interpolation=cv2.INTER_LINEAR) > 0.5
    return _outlined(_difference(lab, surface), whole.astype(np.uint8))


def _belt_surface(lab: npt.NDArray[np.uint8]) -> Floats:
    """The belt's colour as if no part lay on it, (height, width, 3), at an eighth of the working size."""
    shape = (max(1, lab.shape[1] * 2 // BELT_STEP), max(1, lab.shape[0] * 2 // BELT_STEP))
    small = np.asarray(cv2.resize(lab, shape, interpolation=cv2.INTER_AREA), np.float32)
    height, width = small.shape[:2]
    y, x = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
    terms = np.stack([np.ones_like(x), x, y, x * y, x * x, y * y], axis=-1)
    use, spread, residual = _border(small), np.ones(3), small
    for _ in range(3):
        known = terms[use]
        weights = np.linalg.solve(known.T @ known + 1e-6 * np.eye(6), known.T @ small[use])
        residual = small - (terms @ weights).astype(np.float32)
        spread = _spread(residual[use]) + 0.3
        use = (np.abs(residual) < 3 * spread + 0.5).all(axis=-1)
    part = np.asarray((np.abs(residual) > 2 * spread + 0.5).any(axis=-1), np.uint8)
    near = cv2.dilate(_largest(cv2.morphologyEx(part, cv2.MORPH_OPEN, _disk(1))), _disk(2))
    free = ((near == 0) & (residual[..., 0] > -3 * spread[0])).astype(np.float32)  # the belt without its shadows
    share = cv2.GaussianBlur(free, (0, 0), 5.0)[..., None] + 0.02
    stains = cv2.GaussianBlur(residual * free[..., None], (0, 0), 5.0) / share
    return np.asarray(small - residual + stains, np.float32)


def _border(small: Floats) -> Mask:
    """Pixels along the frame's border, without those unlike the rest of it: a part that reaches it, a seam."""
    thick = max(1, round(0.05 * min(small.shape[:2])))
    border = np.ones(small.shape[:2], bool)
    border[thick:-thick, thick:-thick] = False
    middle = np.median(small[border], axis=0)
    return border & (np.abs(small - middle) < 4 * (_spread(small[border] - middle) + 0.5)).all(axis=-1)


def _difference(lab: npt.NDArray[np.uint8], surface: Floats) -> Floats:
    """How far each pixel is from the belt in brightness and in two hues, (3, height, width).

    A pixel darker than the belt is compared with the hue the belt has in that much shadow.
    """
    belt = cv2.split(cv2.resize(surface, lab.shape[1::-1], interpolation=cv2.INTER_LINEAR))
    planes = cv2.split(lab.astype(np.float32))
    shade = np.minimum(planes[0] / np.maximum(belt[0], 1), 1)
    hues = [plane - 128 - (under - 128) * shade for plane, under in zip(planes[1:], belt[1:], strict=True)]
    return np.stack([planes[0] - belt[0], *hues]).astype(np.float32)


def _metal_level(difference: Floats) -> float:
    """How much brighter than the belt the part is at its middle; a part darker than the belt is turned, in place."""
    brightness = difference[0]
    magnitude = cv2.convertScaleAbs(brightness)
    threshold, _ = cv2.threshold(magnitude, 0, 1, cv2.THRESH_OTSU)
    standing_out = brightness[magnitude > threshold]
    if standing_out.size and np.median(standing_out) < 0:
        np.negative(brightness, out=brightness)
    above = brightness[brightness > threshold]
    return float(np.median(above)) if above.size else 0.0


def _rough(difference: Floats, metal: float) -> npt.NDArray[np.uint8]:
    """The part, to a few pixels: the largest region that is brighter than the belt or of another hue."""
    brightness, *hues = (cv2.GaussianBlur(plane, (0, 0), 1.0) for plane in difference)
    hue = cv2.magnitude(*hues)
    belt = brightness < 0.15 * metal
    if not belt.any():
        return np.zeros(belt.shape, np.uint8)
    spread, hue_spread = float(_spread(brightness[belt])), float(np.median(hue[belt]))
    if metal < 2 * SPREADS * spread:
        return np.zeros(belt.shape, np.uint8)
    bright = brightness > max(SPREADS * spread, LEAST_CONTRAST * metal)
    coloured = (hue > max(6 * hue_spread, 4.0)) & (difference[0] > -0.5 * metal)
    closed = cv2.morphologyEx((bright | coloured).astype(np.uint8), cv2.MORPH_CLOSE, _disk(2))
    return _without_pinholes(_largest(cv2.morphologyEx(closed, cv2.MORPH_OPEN, _disk(2))))


def _cut(difference: Floats, metal: float, rough: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """`rough` after one round of GrabCut at half its size: sure of bright metal, and of the belt farther off."""
    shape = (max(1, rough.shape[1] // 2), max(1, rough.shape[0] // 2))

    def shrunk(values: npt.NDArray) -> Floats:
        return np.asarray(cv2.resize(values.astype(np.float32), shape, interpolation=cv2.INTER_AREA), np.float32)

    share, brightness, *hues = (shrunk(values) for values in (rough, *difference))
    marks = np.where(share > 0.5, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    marks[(share > 0.9) & (shrunk(difference[0] > 0.45 * metal) > 0.9)] = cv2.GC_FGD
    near = cv2.dilate((share > 0.1).astype(np.uint8), _disk(REACH))
    marks[(near == 0) | ((brightness < 0) & (share < 0.1))] = cv2.GC_BGD
    foreground = np.isin(marks, (cv2.GC_FGD, cv2.GC_PR_FGD))
    if foreground.all() or not foreground.any():
        return rough
    features = np.stack([brightness, *(HUE_WEIGHT * hue for hue in hues)], axis=-1) + 128
    features = np.clip(features, 0, 255).astype(np.uint8)
    cv2.setRNGSeed(0)  # its colour models start from a random clustering; the same frame gives the same part
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(features, marks, (0, 0, 0, 0), *models, iterCount=1, mode=cv2.GC_INIT_WITH_MASK)
    part = np.isin(marks, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.float32)
    whole = cv2.resize(part, rough.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    return (whole > 0.5).astype(np.uint8)


def _outlined(difference: Floats, mask: npt.NDArray[np.uint8]) -> Mask:
    """`mask` with its outline moved, by up to 3 px, to half way from the belt to the part beside it."""
    core = cv2.erode(mask, _disk(3))
    band = (cv2.dilate(mask, _disk(2)) > 0) & (core == 0)
    inside = core.astype(np.float32)
    count = np.maximum(cv2.boxFilter(inside, -1, (15, 15), normalize=False), 0.5)
    along, length = np.zeros_like(inside), np.zeros_like(inside)
    for plane in difference:
        beside = cv2.boxFilter(plane * inside, -1, (15, 15), normalize=False) / count
        along += plane * beside
        length += beside * beside
    outlined = (core > 0) | (band & (along > 0.5 * length) & (count > 0.5))
    return cv2.morphologyEx(outlined.astype(np.uint8), cv2.MORPH_OPEN, _disk(1)) > 0


def _largest(mask: npt.NDArray) -> npt.NDArray[np.uint8]:
    """The largest 8-connected region of `mask`; nothing where it is empty."""
    count, regions, statistics, _ = cv2.connectedComponentsWithStats(np.asarray(mask, np.uint8), connectivity=8)
    if count < 2:
        return np.zeros(mask.shape, np.uint8)
    return (regions == 1 + np.argmax(statistics[1:, cv2.CC_STAT_AREA])).astype(np.uint8)


def _without_pinholes(mask: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    _, regions, statistics, _ = cv2.connectedComponentsWithStats(1 - mask, connectivity=4)
    small = statistics[:, cv2.CC_STAT_AREA] < PINHOLE_SHARE * mask.size
    small[0] = False  # region 0 is the mask itself
    return mask | small[np.asarray(regions, np.intp)].astype(np.uint8)


def _spread(values: npt.NDArray) -> npt.NDArray:
    """The standard deviation along the first axis, by the median: a few foreign values move it little."""
    return np.median(np.abs(values), axis=0) * 1.4826


def _disk(radius_px: int) -> npt.NDArray[np.uint8]:
    side = 2 * radius_px + 1
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)), np.uint8)
