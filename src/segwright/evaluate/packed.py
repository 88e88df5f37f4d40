"""The counts of many frames in one array, so that what stays of a frame is some hundred bytes.

A frame's counts as Python objects take fifteen times as much as the counts themselves. They are made again where
somebody asks for a frame.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from segwright.evaluate.boundary import BoundaryCounts
from segwright.evaluate.frame_counts import FrameCounts
from segwright.evaluate.ratios import ratio
from segwright.evaluate.rows import require_once

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

# rows of a frame's table, each a number a class; after them, for each distance, the matched pixels of the predicted
# and of the true outline
CORRECT, TRUTH, PREDICTED, PRESENT = range(4)
OUTLINES, REGIONS, MATCHED = slice(4, 6), slice(6, 9), 9

_FRAMES_A_BLOCK = 256
_NOTHING: Mapping[str, Any] = {}


@dataclass(frozen=True, eq=False)
class PackedFrames(Sequence[FrameCounts]):
    """Counts of frames, each made a `FrameCounts` when it is asked for; equal to any sequence of the same counts.

    `numbers` is (frames, rows, classes), of the narrowest unsigned integers that hold them; `void_px` int64 (frames,).
    `columns` share one mapping for all frames of the same columns; `further` is as in `FrameCounts`, a mapping a frame.
    """

    stems: tuple[str, ...]
    columns: tuple[Mapping[str, str], ...]
    boundary_px: tuple[int, ...]
    numbers: npt.NDArray[np.unsignedinteger]
    void_px: Integers
    further: tuple[Mapping[str, Any], ...]

    @staticmethod
    def of(frames: Iterable[FrameCounts]) -> PackedFrames:
        """The same frames, packed one by one; what is packed already is given back."""
        if isinstance(frames, PackedFrames):
            return frames
        packer = FramePacker()
        for frame in frames:
            packer.add(frame)
        return packer.packed()

    @staticmethod
    def joined(parts: Sequence[PackedFrames]) -> PackedFrames:
        """The frames of several in a row; all have the same classes and distances."""
        filled = [part for part in parts if len(part)]
        if len(filled) < 2:
            return filled[0] if filled else parts[0]
        return PackedFrames(
            sum((part.stems for part in filled), ()),
            sum((part.columns for part in filled), ()),
            filled[0].boundary_px,
            np.concatenate([part.numbers for part in filled]),
            np.concatenate([part.void_px for part in filled]),
            sum((part.further for part in filled), ()),
        )

    def taken(self, positions: Sequence[int]) -> PackedFrames:
        """The frames at these positions, in this order."""
        chosen = np.asarray(positions, dtype=np.intp)
        return PackedFrames(
            tuple(self.stems[position] for position in positions),
            tuple(self.columns[position] for position in positions),
            self.boundary_px,
            self.numbers[chosen],
            self.void_px[chosen],
            tuple(self.further[position] for position in positions),
        )

    def in_order(self) -> PackedFrames:
        """The frames sorted by stem, so that counts do not depend on the order in which they were added.

        Raises:
            DataError: stems that come twice, all of them.
        """
        order = sorted(range(len(self)), key=self.stems.__getitem__)
        require_once([self.stems[position] for position in order])
        return self if order == list(range(len(self))) else self.taken(order)

    def table(self, row: int) -> Integers:
        """One row of all frames, int64 (frames, classes)."""
        return self.numbers[:, row].astype(np.int64)

    def regions(self) -> Integers:
        """Pixels in both, the true and the predicted boundary region, int64 (3, classes), summed over the frames."""
        return self.numbers[:, REGIONS].sum(axis=0, dtype=np.int64)

    def boundary_scores(self, distance_px: int) -> tuple[Floats, Floats, Floats]:
        """Precision, recall and F of the outlines at a distance, (frames, classes); NaN for a class in neither map.

        The rules of `BoundaryCounts.precision_recall` and `f_scores`, for all frames at once.
        """
        first = MATCHED + 2 * self.boundary_px.index(distance_px)
        outline = self.numbers[:, OUTLINES]
        shares = np.where(outline > 0, ratio(self.numbers[:, first : first + 2], outline), 1.0)
        shares = np.where(self.numbers[:, PRESENT, None] > 0, shares, np.nan)
        precision, recall = shares[:, 0], shares[:, 1]
        both = precision + recall
        return precision, recall, np.where(both == 0, 0.0, ratio(2 * precision * recall, both))

    def __len__(self) -> int:
        return len(self.stems)

    @overload
    def __getitem__(self, index: int) -> FrameCounts: ...

    @overload
    def __getitem__(self, index: slice) -> PackedFrames: ...

    def __getitem__(self, index: int | slice) -> FrameCounts | PackedFrames:
        if isinstance(index, slice):
            return self.taken(range(len(self))[index])
        position = range(len(self))[index]
        rows = self.numbers[position].astype(np.int64)
        matched = rows[MATCHED:].reshape(len(self.boundary_px), 2, rows.shape[1]).transpose(0, 2, 1)
        return FrameCounts(
            self.stems[position],
            self.columns[position],
            rows[CORRECT],
            rows[TRUTH],
            rows[PREDICTED],
            int(self.void_px[position]),
            BoundaryCounts(self.boundary_px, rows[PRESENT] > 0, rows[OUTLINES].T, matched),
            rows[REGIONS],
            self.further[position],
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and all(mine == theirs for mine, theirs in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]


@dataclass
class FramePacker:
    """Takes the counts of one frame after another, all of the same classes and distances; `packed` has them all."""

    _stems: list[str] = field(default_factory=list)
    _columns: list[Mapping[str, str]] = field(default_factory=list)
    _void_px: list[int] = field(default_factory=list)
    _further: list[Mapping[str, Any]] = field(default_factory=list)
    _boundary_px: tuple[int, ...] = ()
    _blocks: list[npt.NDArray] = field(default_factory=list)
    _open: list[Integers] = field(default_factory=list)
    _shared: dict[tuple[tuple[str, str], ...], Mapping[str, str]] = field(default_factory=dict)

    def add(self, frame: FrameCounts) -> None:
        """Keep the numbers of a frame.

        Raises:
            ValueError: they are of other distances than those before.
        """
        if self._stems and frame.boundaries.boundary_px != self._boundary_px:
            raise ValueError("only counts of the same boundary distances are kept together")
        self._boundary_px = frame.boundaries.boundary_px
        self._stems.append(frame.stem)
        self._columns.append(self._shared.setdefault(tuple(frame.columns.items()), dict(frame.columns)))
        self._void_px.append(frame.void_px)
        self._further.append(frame.further or _NOTHING)
        self._open.append(_rows(frame))
        if len(self._open) == _FRAMES_A_BLOCK:
            self._close()

    def packed(self) -> PackedFrames:
        """All frames that were added, in their order."""
        self._close()
        numbers = np.concatenate(self._blocks) if self._blocks else np.zeros((0, MATCHED, 0), np.uint8)
        void_px = np.array(self._void_px, dtype=np.int64)
        stems, columns, more = tuple(self._stems), tuple(self._columns), tuple(self._further)
        return PackedFrames(stems, columns, self._boundary_px, numbers, void_px, more)

    def _close(self) -> None:
        if self._open:
            block = np.stack(self._open)
            self._blocks.append(block.astype(np.min_scalar_type(block.max(initial=0))))
            self._open.clear()


def _rows(frame: FrameCounts) -> Integers:
    """The table of a frame, int64 (rows, classes)."""
    bounds = frame.boundaries
    matched = bounds.matched_px.transpose(0, 2, 1).reshape(2 * len(bounds.boundary_px), len(bounds.present))
    pixels = [frame.correct_px, frame.truth_px, frame.predicted_px, bounds.present]
    return np.concatenate([np.array(pixels, np.int64), bounds.outline_px.T, frame.boundary_regions, matched])
