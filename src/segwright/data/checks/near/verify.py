"""Whether a candidate really is the same picture: aligned, and compared block by block in fine detail.

Frames of one camera agree in what is coarse: the scene, the belt, the light. Copies agree in what is fine, and they do
so all over the frame. So each block of 16 px of a thumbnail votes by the correlation of its fine detail, once the
detail that all frames of the set share (a mask around the picture, the lines of a belt) is taken out.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt

from segwright.data.checks.near.descriptor import SIDE_PX, Floats, normalised, turned
from segwright.data.checks.near.search import Window

_BLOCK_PX = 16
_BLOCKS = SIDE_PX // _BLOCK_PX
_FINE_PX, _COARSE_PX = 1.2, 4.0  # standard deviations of the two blurs between which detail lies
_SAME_DETAIL = 0.5  # correlation of two blocks from which they show the same
_LEAST_DETAIL = 0.02  # of the frame's own contrast; below it a block shows nothing
_LEAST_GRAIN = 0.008  # the same, in larger pictures, where grain and noise shall count
_LEAST_BLOCKS = 8
_MIDDLE_PX = 192  # of the larger pictures, looked at first
_ENOUGH_BLOCKS = 16  # of the middle's 144, from which their vote counts
_NO_COPY = 0.35  # share of the middle's grain below which two are no copy: copies have 0.97 and more
_LEAST_ALIGNED = 0.6  # correlation of the two frames, laid over each other, below which nobody looks closer
_LEAST_OVERLAP = 0.3
_SHARED_FROM = 20  # frames from which "what all frames share" means something
_LOOKED_AT = 400


@dataclass(frozen=True, slots=True)
class Match:
    """The share of blocks with detail that agree, over the overlap of the two; `zoom` is 1 for frames of one extent.

    `warp` (2, 3) maps pixels of the turned query to pixels of the other, in thumbnails of 128 px.
    """

    agreement: float
    overlap: float
    zoom: float
    warp: Floats = field(compare=False, repr=False)


def shared_detail(thumbnails: npt.NDArray[np.uint8]) -> Floats | None:
    """What all frames (n, 128, 128) have in common at the same place: the mean frame; None for fewer than 20."""
    if len(thumbnails) < _SHARED_FROM:
        return None
    step = max(1, len(thumbnails) // _LOOKED_AT)
    return np.mean(normalised(thumbnails[::step]), axis=0)


def compare(
    query: npt.NDArray[np.uint8], other: npt.NDArray[np.uint8], symmetry: int, window: Window, shared: Floats | None
) -> Match | None:
    """How far `query`, turned, agrees with the `window` of `other`; None where they cannot be laid over each other."""
    first, second = normalised(query), normalised(other)
    warp = _aligned(turned(first, symmetry), second, window)
    if warp is None:
        return None
    if shared is not None and symmetry == 0 and _in_place(warp):
        first, second = _without(first, shared), _without(second, shared)
    size = (SIDE_PX, SIDE_PX)
    laid = cv2.warpAffine(second, warp, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    covered = cv2.warpAffine(np.ones_like(second), warp, size, flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP)
    overlap = float(covered.mean())
    if overlap < _LEAST_OVERLAP:
        return None
    agreement = _agreement(turned(first, symmetry), np.asarray(laid, np.float32), np.asarray(covered, np.float32))
    return Match(agreement, overlap, float(np.sqrt(abs(np.linalg.det(warp[:, :2])))), warp)


def _in_place(warp: Floats) -> bool:
    """Whether the map moves no corner by more than half a block: only then does what a camera adds lie on itself."""
    corners = np.array([[0, 0, 1], [SIDE_PX, 0, 1], [0, SIDE_PX, 1], [SIDE_PX, SIDE_PX, 1]], np.float32)
    return bool(np.abs(corners @ warp.T - corners[:, :2]).max() <= _BLOCK_PX / 2)


def _aligned(query: Floats, other: Floats, window: Window) -> Floats | None:
    """The affine map (2, 3) from pixels of `query` to pixels of `other`, coarse then fine; None where there is none."""
    offset = (window.share - 1) / 2
    warp = np.array(
        [
            [window.share, 0, window.left * SIDE_PX + offset],
            [0, window.share, window.top * SIDE_PX + offset],
        ],
        np.float32,
    )
    for shrink, rounds in ((4, 30), (2, 20), (1, 10)):
        sized = [_shrunk(pixels, shrink) for pixels in (query, other)]
        criteria = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, rounds, 1e-4)
        warp = _rescaled(warp, 1 / shrink)
        try:
            alike, warp = cv2.findTransformECC(*sized, warp, cv2.MOTION_AFFINE, criteria, None, 5)  # type: ignore[call-overload]
        except cv2.error:  # it does not converge: the two have nothing in common there
            return None
        if alike < _LEAST_ALIGNED:
            return None
        warp = _rescaled(np.asarray(warp, np.float32), shrink)
    stretches = np.linalg.svd(warp[:, :2])[1]
    plausible = stretches.min() >= 0.45 and stretches.max() <= 1.3 and stretches.max() <= 1.4 * stretches.min()
    return warp if plausible else None


def _shrunk(pixels: Floats, shrink: int) -> Floats:
    side = SIDE_PX // shrink
    if shrink == 1:
        return pixels
    return np.asarray(cv2.resize(pixels, (side, side), interpolation=cv2.INTER_AREA), np.float32)


def _rescaled(warp: Floats, factor: float) -> Floats:
    """The same map for frames `factor` times as large; pixel centres lie at halves."""
    half = (warp[:, :2].sum(axis=1) - 1) / 2
    scaled = warp.copy()
    scaled[:, 2] = (warp[:, 2] + half) * factor - half
    return scaled


def _detail(pixels: Floats) -> Floats:
    fine = cv2.GaussianBlur(pixels, (0, 0), _FINE_PX)
    return np.asarray(fine - cv2.GaussianBlur(pixels, (0, 0), _COARSE_PX), np.float32)


def _without(pixels: Floats, shared: Floats) -> Floats:
    """The frame less the detail it shares with all others, block by block, where a block shows that detail."""
    own, common = _in_blocks(_detail(pixels)), _in_blocks(_detail(shared))
    product, power = (own * common).sum(axis=1), (common**2).sum(axis=1)
    alike = product / np.sqrt((own**2).sum(axis=1) * power + 1e-12)
    strength = np.where(alike > _SAME_DETAIL, product / (power + 1e-6), 0).reshape(_BLOCKS, _BLOCKS)
    if not strength.any():
        return pixels
    spread = np.kron(strength, np.ones((_BLOCK_PX, _BLOCK_PX))).astype(np.float32)
    return np.asarray(pixels - spread * (shared - cv2.GaussianBlur(shared, (0, 0), 2 * _COARSE_PX)), np.float32)


def _in_blocks(pixels: Floats) -> Floats:
    """(blocks, 256): the pixels of each block of a square picture."""
    count = len(pixels) // _BLOCK_PX
    return pixels.reshape(count, _BLOCK_PX, count, _BLOCK_PX).transpose(0, 2, 1, 3).reshape(count * count, -1)


def compare_closely(query: npt.NDArray[np.uint8], other: npt.NDArray[np.uint8], symmetry: int, warp: Floats) -> float:
    """The share of blocks whose faintest detail, grain and noise included, agrees in larger pictures (side, side).

    Parts of one shape before one belt agree in every outline; but each picture has its own grain, and only a copy
    shares it. Blocks in which either picture has none (a copy that was compressed hard) do not vote. 1 where fewer
    than eight blocks can. Where the middle alone says that the two share nothing, the rest is not looked at: most pairs
    that come here are no copies, and the middle takes a seventh of the time.
    """
    first, second = normalised(turned(query, symmetry)), normalised(other)
    warp = _rescaled(warp, len(first) / SIDE_PX)
    try:
        agreement, voting = _shared_grain(*_middle(first, second, warp))
        if voting >= _ENOUGH_BLOCKS and agreement < _NO_COPY:
            return agreement
    except cv2.error:  # the middle shows nothing: all of it may
        pass
    try:
        agreement, voting = _shared_grain(first, second, warp)
    except cv2.error:
        return 0.0
    return 1.0 if voting < _LEAST_BLOCKS else agreement


def _middle(first: Floats, second: Floats, warp: Floats) -> tuple[Floats, Floats, Floats]:
    """The middle of `first`, what of `second` it is laid over with room to move, and the map between the two."""
    start = (len(first) - _MIDDLE_PX) // 2
    moved = warp.copy()
    moved[:, 2] += warp[:, :2].sum(axis=1) * start
    corners = np.array([[x, y, 1] for x in (0, _MIDDLE_PX) for y in (0, _MIDDLE_PX)], np.float32) @ moved.T
    low = np.maximum(np.floor(corners.min(axis=0)) - _BLOCK_PX, 0).astype(int)
    high = np.ceil(corners.max(axis=0)).astype(int) + _BLOCK_PX
    moved[:, 2] -= low
    middle = first[start : start + _MIDDLE_PX, start : start + _MIDDLE_PX]
    return np.ascontiguousarray(middle), np.ascontiguousarray(second[low[1] : high[1], low[0] : high[0]]), moved


def _shared_grain(first: Floats, second: Floats, warp: Floats) -> tuple[float, int]:
    """The share of voting blocks of `first` whose grain is that of `second` below them, and how many vote."""
    criteria = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 8, 1e-5)
    _, refined = cv2.findTransformECC(first, second, warp, cv2.MOTION_AFFINE, criteria, None, 5)  # type: ignore[call-overload]
    warp, size = np.asarray(refined, np.float32), (len(first), len(first))
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    laid = np.asarray(cv2.warpAffine(second, warp, size, flags=flags), np.float32)
    covered = np.asarray(cv2.warpAffine(np.ones_like(second), warp, size, flags=flags), np.float32)
    one, two = (_in_blocks(_detail(pixels)) for pixels in (first, laid))
    one, two = one - one.mean(axis=1, keepdims=True), two - two.mean(axis=1, keepdims=True)
    spread = one.std(axis=1), two.std(axis=1)
    voting = (np.minimum(*spread) > _LEAST_GRAIN) & (_in_blocks(covered).mean(axis=1) > 0.99)
    same = (one * two).mean(axis=1) > _SAME_DETAIL * spread[0] * spread[1]
    count = int(np.count_nonzero(voting))
    return (float(np.mean(same[voting])) if count else 0.0), count


def _agreement(first: Floats, second: Floats, covered: Floats) -> float:
    """The share of covered blocks with detail whose detail is the same; 0 where too few have any."""
    one, two = _in_blocks(_detail(first)), _in_blocks(_detail(second * covered))
    one = one - one.mean(axis=1, keepdims=True)
    two = two - two.mean(axis=1, keepdims=True)
    strong = (one.std(axis=1) > _LEAST_DETAIL) | (two.std(axis=1) > _LEAST_DETAIL)
    voting = strong & (_in_blocks(covered).mean(axis=1) > 0.95)
    if np.count_nonzero(voting) < _LEAST_BLOCKS:
        return 0.0
    same = (one * two).mean(axis=1) > _SAME_DETAIL * (one.std(axis=1) * two.std(axis=1) + 1e-6)
    return float(np.mean(same[voting]))
