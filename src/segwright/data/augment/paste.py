"""Copy-paste: a mark cut out of one frame and put on another, its label with it to the pixel.

Pixels keep their values, so that any type and any bands go; colour is varied afterwards, over both alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from segwright.core import Box, Size
from segwright.data.augment.components import Channels, component_at
from segwright.data.augment.cut import cut
from segwright.data.augment.geometry import GeometryRanges, draw_geometry
from segwright.data.augment.mix import same_bands

# In a piece's own map: the mark, what may be blended in around its edge, and what is never taken over.
_MARK, _AROUND, _NEVER = 1, 0, 255
TRIES = 10


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """A mark cut out: `pixels` (height, width, bands), where it is (`mark`), and where its surroundings are known to be
    background (`around`): only there may its edge be blended."""

    pixels: npt.NDArray
    mark: npt.NDArray[np.bool_]
    around: npt.NDArray[np.bool_]
    channel: int


@dataclass(frozen=True, slots=True)
class PasteRule:
    """What a mark may be put on: pixels of the channels `onto`. Void is no channel, so never.

    `edge_px` is the width over which the mark passes into what is around it; 0 cuts hard along its label. Only
    `background` is blended, of both frames; where there is no such class every mark is cut hard.
    """

    onto: tuple[int, ...]
    background: int | None
    edge_px: float = 1.5


def cut_piece(
    pixels: npt.NDArray,
    channels: Channels,
    pixel: tuple[int, int],
    box: Box,
    ranges: GeometryRanges,
    rule: PasteRule,
    rng: np.random.Generator,
) -> Piece | None:
    """The mark that holds `pixel` and has the bounding `box`, turned and scaled at random; None if nothing is left.

    Nothing void in its frame, nothing of another mark and nothing from outside the frame is taken along.
    """
    around = _grown(box, rule, Size(*channels.shape))
    known = np.full((around.height, around.width), _NEVER, np.uint8)
    if rule.background is not None:
        known[channels[around.slices] == rule.background] = _AROUND
    known[component_at(channels, pixel, around)] = _MARK
    longest = int(np.ceil(np.hypot(around.height, around.width) * max(1.0, ranges.scale[1]))) + 2
    geometry = draw_geometry(Size(longest, longest), ranges, rng)
    centre = ((around.height - 1) / 2, (around.width - 1) / 2)
    source = pixels[around.slices].copy()
    # A warp mixes neighbours: what is never taken over must not reach the mark's rim by that either.
    source[known == _NEVER] = source[known == _MARK].mean(axis=0).astype(source.dtype)
    taken, moved = cut(source, known, geometry, centre, void=_NEVER)
    rows, columns = (np.flatnonzero((moved == _MARK).any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return None
    mark = Box(int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)
    window = _grown(mark, rule, geometry.size).slices
    moved = moved[window]
    return Piece(taken[window], moved == _MARK, moved == _AROUND, int(channels[pixel]))


def paste(
    pixels: npt.NDArray, channels: Channels, piece: Piece, rule: PasteRule, rng: np.random.Generator
) -> tuple[npt.NDArray, Channels] | None:
    """A crop and its labels with the piece on it at random; None where no place was found that takes all of it.

    Where the mark lies its channel stands in the labels, and nowhere else; every pixel under it was of `rule.onto`.
    """
    height, width = channels.shape
    tall, wide = piece.mark.shape
    if tall > height or wide > width:
        return None
    free = np.isin(channels, rule.onto)
    for _ in range(TRIES):
        top, left = int(rng.integers(height - tall + 1)), int(rng.integers(width - wide + 1))
        window = slice(top, top + tall), slice(left, left + wide)
        if free[window][piece.mark].all():
            break
    else:
        return None
    (pixels, channels), (over, _) = same_bands([(pixels.copy(), channels.copy()), (piece.pixels, channels)])
    share = _share(piece, rule) * free[window]
    pixels[window] = _blended(pixels[window], over, share[:, :, np.newaxis])
    channels[window][piece.mark] = piece.channel
    return pixels, channels


def _grown(box: Box, rule: PasteRule, frame: Size) -> Box:
    """The box with as much around it, inside the frame, as the blended edge reaches."""
    margin = int(np.ceil(2 * rule.edge_px))
    return Box(box.top - margin, box.left - margin, box.bottom + margin, box.right + margin).clipped(frame)


def _share(piece: Piece, rule: PasteRule) -> npt.NDArray[np.float32]:
    """How much of each pixel is the piece's: 1 on the mark, falling off over its surroundings where they are known."""
    solid = piece.mark.astype(np.float32)
    if rule.edge_px <= 0:
        return solid
    soft = cv2.GaussianBlur(solid, (0, 0), rule.edge_px, borderType=cv2.BORDER_CONSTANT)
    # Doubled, the blur is 1 at a straight edge of the mark, so that thin marks keep their full contrast.
    return np.where(piece.mark, solid, np.where(piece.around, np.minimum(2 * soft, 1), 0)).astype(np.float32)


def _blended(under: npt.NDArray, over: npt.NDArray, share: npt.NDArray[np.float32]) -> npt.NDArray:
    mixed = under + (over.astype(np.float64) - under) * share
    return (mixed if under.dtype.kind == "f" else np.rint(mixed)).astype(under.dtype)
