"""Sliding-window inference: overlapping tiles on both axes, blended, in memory that does not grow with the height.

Source: Isensee et al., "nnU-Net" (Nature Methods 2021), Methods, "Inference": tiles overlapping by half, weighted by
a Gaussian because the answer near a tile's border knows less of its surroundings. Its sigma is 1/8 of the tile.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from segwright.core import ArtefactError, Box, ConfigError, Size
from segwright.infer.runtimes import Runtime
from segwright.infer.views import Flip, Views, flips_of

Blend = Literal["gaussian", "constant"]
SIGMA_OF_TILE = 1 / 8
Pixels = npt.NDArray[np.float32]
Reader = Callable[[Box], Pixels]


@dataclass(frozen=True)
class TilePlan:
    """How a frame is cut. Neighbouring tiles share at least `overlap_px`; they are spread evenly over each axis.

    An axis no longer than `stretch` times the tile is taken whole, padded by reflection to the network's stride:
    one pass over 640 px costs less than two overlapping passes over 512. `flips`, `quarter_turns` and `scales` average
    every tile's answer over several views of it (see `Views`); true is the horizontal flip. The time is `views.cost`
    times as long.
    """

    tile: Size = field(default_factory=lambda: Size(512, 512))
    overlap_px: int = 128
    blend: Blend = "gaussian"
    stretch: float = 1.25
    flips: tuple[Flip, ...] | bool = ()
    quarter_turns: bool = False
    scales: tuple[float, ...] = (1.0,)

    def __post_init__(self) -> None:
        object.__setattr__(self, "flips", flips_of(self.flips))
        object.__setattr__(self, "scales", self.views.scales)
        if not 0 <= self.overlap_px < min(self.tile.height, self.tile.width):
            raise ConfigError.of(
                "tiles",
                "overlap by more than a tile",
                allowed=f"0 to below {self.tile}",
                found=f"{self.overlap_px} px",
                fix="lower inference.overlap_px, or raise inference.tile",
            )
        if self.blend not in ("gaussian", "constant"):
            raise ConfigError.of(
                "tiles",
                "have an unknown blend",
                allowed="gaussian, constant",
                found=str(self.blend),
                fix="inference.blend=gaussian",
            )
        if self.stretch < 1:
            raise ConfigError.of(
                "tiles",
                "cannot stretch below their size",
                allowed="1 or more",
                found=str(self.stretch),
                fix="leave it out, or say 1 or more",
            )

    @property
    def views(self) -> Views:
        """The views of each tile that are averaged."""
        return Views(flips_of(self.flips), self.quarter_turns, self.scales)

    def boxes(self, size: Size, stride_px: int = 32) -> tuple[Box, ...]:
        """The tiles of a frame, row by row, all of one size; together they cover every pixel.

        A tile may reach past the bottom and right edge, where the frame is padded.
        """
        rows, columns = (_axis(self, length, tile, stride_px) for length, tile in _axes(self, size))
        return tuple(
            Box(top, left, top + rows.length, left + columns.length) for top in rows.starts for left in columns.starts
        )

    def to_json(self) -> dict[str, object]:
        return {
            "height": self.tile.height,
            "width": self.tile.width,
            "overlap_px": self.overlap_px,
            "blend": self.blend,
            "stretch": self.stretch,
            **self.views.to_json(),
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> TilePlan:
        size, views = Size(data["height"], data["width"]), Views.from_json(data)
        cut = data["overlap_px"], data["blend"], data["stretch"]
        return TilePlan(size, *cut, views.flips, views.quarter_turns, views.scales)


def predict_probabilities(pixels: Pixels, runtime: Runtime, plan: TilePlan, *, batch: int = 4) -> Pixels:
    """The blended probabilities (channels, height, width), float32, of a preprocessed frame (bands, height, width).

    A runtime that returns its input gives `pixels` back. Holds all classes of all pixels at once; for frames where
    that is too much, use `probability_bands`.
    """
    size = Size(*pixels.shape[1:])
    output = np.empty((runtime.channels, *pixels.shape[1:]), np.float32)
    for top, band in probability_bands(size, lambda box: pixels[:, *box.slices], runtime, plan, batch=batch):
        output[:, top : top + band.shape[1]] = band
    return output


def probability_bands(
    size: Size, read: Reader, runtime: Runtime, plan: TilePlan, *, batch: int = 4
) -> Iterator[tuple[int, Pixels]]:
    """The blended probabilities in bands of whole rows from the top: (first row, (channels, rows, width) float32).

    `read(box)` gives the preprocessed pixels (bands, height, width) of a box inside the frame. A band is valid only
    until the next is asked for. Peak memory: one row of tiles, `channels * tile height * width` floats (19 classes,
    512 px tiles, a 10,000 px wide frame: 389 MB, where the whole frame would be 7.6 GB), and one batch of tiles.
    """
    rows, columns = (_axis(plan, length, tile, runtime.stride_px) for length, tile in _axes(plan, size))
    run = partial(plan.views.run, partial(_run, runtime), stride_px=runtime.stride_px)
    blended = np.zeros((runtime.channels, rows.length, size.width), np.float32)
    for index, top in enumerate(rows.starts):
        for left, answer, weights in _row_of_tiles(size, top, read, run, (rows, columns), batch):
            vertical = rows.weights[index][:, None]
            inside = answer[:, : len(vertical), : len(weights)]
            blended[:, : len(vertical), left : left + len(weights)] += inside * (vertical * weights[None])
        finished = (*rows.starts[1:], size.height)[index] - top
        yield top, blended[:, :finished]
        blended[:, :-finished] = blended[:, finished:]
        blended[:, -finished:] = 0


def _row_of_tiles(
    size: Size, top: int, read: Reader, run: Callable[[Pixels], Pixels], axes: tuple[_Axis, _Axis], batch: int
) -> Iterator[tuple[int, Pixels, Pixels]]:
    """(left edge, answer, horizontal weights) of each tile in the row that starts at `top`."""
    rows, columns = axes
    shape = Size(rows.length, columns.length)
    for first in range(0, len(columns.starts), batch):
        lefts = columns.starts[first : first + batch]
        boxes = [Box(top, left, top + shape.height, left + shape.width).clipped(size) for left in lefts]
        answers = run(np.stack([padded(read(box), shape) for box in boxes]))
        for offset, left in enumerate(lefts):
            yield left, answers[offset], columns.weights[first + offset]


def padded(pixels: Pixels, shape: Size) -> Pixels:
    """Reflected at the bottom and right to `shape`; a single row or column has no reflection and is repeated."""
    below, right = shape.height - pixels.shape[1], shape.width - pixels.shape[2]
    return np.pad(pixels, ((0, 0), (0, below), (0, right)), mode="reflect") if below or right else pixels


def _run(runtime: Runtime, batch: Pixels) -> Pixels:
    answer = runtime(batch)
    expected = (batch.shape[0], runtime.channels, *batch.shape[2:])
    if answer.shape != expected:
        raise ArtefactError.of(
            runtime.name,
            "answered with another shape than its input has",
            allowed=f"{expected} for an input of {batch.shape}",
            found=str(answer.shape),
            fix="export the network again: its file was made for another input",
        )
    if not np.isfinite(answer.sum(dtype=np.float64)):
        raise ArtefactError.of(
            runtime.name,
            "answered with numbers that are not finite",
            allowed="probabilities in 0..1",
            found=f"{int(np.count_nonzero(~np.isfinite(answer)))} of {answer.size} values are not a number or infinite",
            fix="run the network in float32, or train it again: its weights or its activations overflow",
        )
    return answer


@dataclass(frozen=True)
class _Axis:
    """One axis of the grid: where tiles start, how long they are, and each tile's share of every pixel it covers.

    The grid is a product of two axes, so its blending weights are too: normalised on each axis they sum to one at
    every pixel, and nothing needs dividing afterwards. The smallest share before normalising is exp(-8), never 0.
    """

    starts: tuple[int, ...]
    length: int
    weights: tuple[Pixels, ...]


def _axes(plan: TilePlan, size: Size) -> tuple[tuple[int, int], tuple[int, int]]:
    return (size.height, plan.tile.height), (size.width, plan.tile.width)


def _axis(plan: TilePlan, length: int, tile: int, stride_px: int) -> _Axis:
    if tile % stride_px:
        allowed = f"a multiple of {stride_px} px, such as {math.ceil(tile / stride_px) * stride_px}"
        raise ConfigError.of(
            "tiles",
            "have a size the network cannot take",
            allowed=allowed,
            found=f"{tile} px",
            fix=f"inference.tile={math.ceil(tile / stride_px) * stride_px}",
        )
    if length <= tile * plan.stretch:
        whole = math.ceil(length / stride_px) * stride_px
        return _Axis((0,), whole, (np.ones(length, np.float32),))
    count = math.ceil((length - plan.overlap_px) / (tile - plan.overlap_px))
    starts = tuple(round(float(start)) for start in np.linspace(0, length - tile, count))
    window = _window(plan.blend, tile)
    total = np.zeros(length)
    for start in starts:
        total[start : start + tile] += window
    return _Axis(starts, tile, tuple((window / total[start : start + tile]).astype(np.float32) for start in starts))


def _window(blend: Blend, tile: int) -> npt.NDArray[np.float64]:
    if blend == "constant":
        return np.ones(tile)
    return np.exp(-0.5 * ((np.arange(tile) - (tile - 1) / 2) / (tile * SIGMA_OF_TILE)) ** 2)
