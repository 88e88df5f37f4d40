"""One crop, from the frames to what colour is then varied on: where it lies, how it is warped, what is mixed in."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from segwright.core import ClassTable, Size
from segwright.data.augment import (
    PasteRule,
    Piece,
    centre_anywhere,
    centre_on,
    cut,
    cut_piece,
    cutmix_box,
    draw_geometry,
    mosaic,
    mosaic_sizes,
    paste,
    put,
)
from segwright.train.frames import VOID, TrainingFrames
from segwright.train.hard_places import Hardest, Place
from segwright.train.sampling_plan import SamplingPlan

MOST_PASTED = 3
# A piece larger than this share of the crop's side would seldom find room.
LARGEST_PASTED = 0.75
TRIES = 4


class Crop(NamedTuple):
    """Pixels (height, width, bands) of the frames' type, channel numbers (height, width), and the frame and centre they
    are from; None where they are from several."""

    pixels: npt.NDArray
    channels: npt.NDArray[np.uint8]
    place: Place | None


class Cropper:
    """Cuts the crops that a sampling plan asks for out of indexed frames, and from nothing else."""

    def __init__(self, frames: TrainingFrames, classes: ClassTable, plan: SamplingPlan) -> None:
        self._frames = frames
        self._plan = plan
        self._holders = _holders(frames, classes, plan.class_shares)
        pasted = {name: share for name, share in plan.class_shares.items() if name in plan.mix.pasted}
        self._donors = _holders(frames, classes, pasted)
        background = None if classes.background is None else classes.channel(classes.background)
        onto = range(len(classes)) if background is None else (background,)
        self._paste_rule = PasteRule(tuple(onto), background, plan.mix.paste_edge_px)

    def crop(self, size: Size, hard: Hardest | None, rng: np.random.Generator) -> Crop:
        """A crop of `size` with everything mixed in that the plan says."""
        mix = self._plan.mix
        if mix.mosaic and rng.random() < mix.mosaic:
            parts = [self._cut(part, hard, rng) for part in mosaic_sizes(size, rng)]
            pixels, channels = mosaic([part[:2] for part in parts])
            crop = Crop(pixels, channels, None)
        else:
            crop = self._cut(size, hard, rng)
        if mix.cutmix and rng.random() < mix.cutmix:
            box = cutmix_box(size, rng)
            other = self._cut(Size(box.height, box.width), hard, rng)
            crop = Crop(*put(crop[:2], other[:2], box), None)
        if mix.copy_paste and rng.random() < mix.copy_paste:
            crop = self._with_pieces(crop, rng)
        return crop

    def choose(self, hard: Hardest | None, rng: np.random.Generator) -> tuple[int, tuple[int, int] | None]:
        """A frame, and the pixel the crop should hold; None for anywhere."""
        if hard is not None and rng.random() < self._plan.hard_share:
            index, (row, column) = hard.draw(self._plan.crop, rng)
            height, width = self._frames[index].channels.shape
            return index, (min(row, height - 1), min(column, width - 1))
        if self._holders and rng.random() < self._plan.rare_share:
            index, channel = _drawn(self._holders, rng)
            if self._plan.rare_by == "component":
                pieces = self._frames.components[index][channel].pixels
                row, column = pieces[rng.integers(len(pieces)), rng.integers(pieces.shape[1])]
            else:
                places = self._frames.places[index][channel]
                row, column = places[rng.integers(len(places))]
            return index, (int(row), int(column))
        return int(rng.integers(len(self._frames))), None

    def _cut(self, size: Size, hard: Hardest | None, rng: np.random.Generator) -> Crop:
        index, place = self.choose(hard, rng)
        frame = self._frames[index]
        geometry = draw_geometry(size, self._plan.geometry, rng)
        shape = Size(*frame.channels.shape)
        centre = centre_anywhere(geometry, shape, rng) if place is None else centre_on(geometry, shape, place, rng)
        return Crop(*cut(frame.pixels, frame.channels, geometry, centre, void=VOID), (index, *centre))

    def _with_pieces(self, crop: Crop, rng: np.random.Generator) -> Crop:
        """The crop with one to three pieces pasted on, as far as there are donors and room."""
        for _ in range(int(rng.integers(1, MOST_PASTED + 1))):
            piece = self._piece(max(crop.channels.shape), rng) if self._donors else None
            done = None if piece is None else paste(crop.pixels, crop.channels, piece, self._paste_rule, rng)
            if done is not None:
                crop = Crop(*done, crop.place)
        return crop

    def _piece(self, side: int, rng: np.random.Generator) -> Piece | None:
        """A piece that fits a crop of `side`, of a class drawn by its share; None where a few tries found none."""
        for _ in range(TRIES):
            index, channel = _drawn(self._donors, rng)
            components = self._frames.components[index][channel]
            number = int(rng.integers(len(components)))
            box = components.box(number)
            if max(box.height, box.width) <= LARGEST_PASTED * side:
                row, column = components.pixels[number, 0]
                frame, ranges = self._frames[index], self._plan.geometry
                pixel = int(row), int(column)
                return cut_piece(frame.pixels, frame.channels, pixel, box, ranges, self._paste_rule, rng)
        return None


Holders = dict[int, tuple[float, npt.NDArray[np.int64]]]


def channels_apart(classes: ClassTable, plan: SamplingPlan) -> set[int]:
    """The channels whose pieces must be known, for `TrainingFrames.index`."""
    names = set(plan.class_shares) if plan.rare_by == "component" else set()
    return {classes.channel(name) for name in names | (set(plan.mix.pasted) if plan.mix.copy_paste else set())}


def _holders(frames: TrainingFrames, classes: ClassTable, shares: dict[str, float]) -> Holders:
    """channel -> (how often it is asked for, the frames that hold it)."""
    holders = {}
    for name, share in shares.items():
        channel = classes.channel(name)
        inside = np.array([index for index, places in enumerate(frames.places) if channel in places], dtype=np.int64)
        if share > 0 and len(inside):
            holders[channel] = (share, inside)
    return holders


def _drawn(holders: Holders, rng: np.random.Generator) -> tuple[int, int]:
    """A frame and a channel it holds."""
    channels = list(holders)
    shares = np.array([holders[channel][0] for channel in channels])
    channel = channels[int(rng.choice(len(channels), p=shares / shares.sum()))]
    inside = holders[channel][1]
    return int(inside[rng.integers(len(inside))]), channel
