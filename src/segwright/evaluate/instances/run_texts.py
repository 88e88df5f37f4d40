"""Compressed run lengths of many masks in one piece of memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, overload

import numpy as np
import numpy.typing as npt

# what pycocotools.mask takes: {"size": [height, width], "counts": bytes or text}, compressed run lengths by columns
Runs = Any

Integers = npt.NDArray[np.int64]

_SOME_MASKS = 2048  # a thread's turn: long enough to pay for it, short enough that all cores are busy to the end


@dataclass(frozen=True, eq=False)
class RunTexts(Sequence[Runs]):
    """Masks as a sequence of `Runs`, without an object for each.

    `text` uint8 (letters,) holds the letters of all masks in a row, those of mask m from `start[m]` to `start[m + 1]`,
    int64 (masks + 1,). `height` and `width` are int64 (masks,), in px.
    """

    text: npt.NDArray[np.uint8]
    start: Integers
    height: Integers
    width: Integers

    @staticmethod
    def of(masks: Sequence[Runs]) -> RunTexts:
        """The same masks; what is a `RunTexts` already is given back."""
        if isinstance(masks, RunTexts):
            return masks
        sizes = np.array([mask["size"] for mask in masks], dtype=np.int64).reshape(-1, 2)
        return RunTexts.of_texts([text_of(mask) for mask in masks], sizes[:, 0].copy(), sizes[:, 1].copy())

    @staticmethod
    def of_texts(texts: Iterable[bytes | memoryview], height: Integers, width: Integers) -> RunTexts:
        """Masks of these letters, for images of these sizes (masks,)."""
        pieces = list(texts)
        return RunTexts(np.frombuffer(b"".join(pieces), dtype=np.uint8), starts_of(map(len, pieces)), height, width)

    @staticmethod
    def joined(parts: Sequence[RunTexts]) -> RunTexts:
        """The masks of several in a row."""
        if len(parts) == 1:
            return parts[0]
        counts = [part.start[1:] - part.start[:-1] for part in parts]
        nothing = np.empty(0, dtype=np.int64)
        letters = [part.text[part.start[0] : part.start[-1]] for part in parts]
        return RunTexts(
            np.concatenate([np.empty(0, dtype=np.uint8), *letters]),
            starts_of(np.concatenate([nothing, *counts])),
            np.concatenate([nothing, *(part.height for part in parts)]),
            np.concatenate([nothing, *(part.width for part in parts)]),
        )

    def taken(self, chosen: npt.NDArray[np.intp]) -> RunTexts:
        """The masks at these positions, in this order."""
        if len(chosen) == len(self) and np.array_equal(chosen, np.arange(len(self))):
            return self
        letters, start = self.text.data, self.start.tolist()
        texts = [letters[start[position] : start[position + 1]] for position in chosen.tolist()]
        return RunTexts.of_texts(texts, self.height[chosen], self.width[chosen])

    def parts(self) -> list[RunTexts]:
        """The masks in pieces that threads can share out."""
        return [self[first : first + _SOME_MASKS] for first in range(0, len(self), _SOME_MASKS)]

    def __len__(self) -> int:
        return len(self.height)

    @overload
    def __getitem__(self, index: int) -> Runs: ...

    @overload
    def __getitem__(self, index: slice) -> RunTexts: ...

    def __getitem__(self, index: int | slice) -> Runs | RunTexts:
        if isinstance(index, slice):
            first, end, step = index.indices(len(self))
            if step != 1:
                raise ValueError("only neighbours are a part of run lengths; `taken` gives others")
            end = max(first, end)
            return RunTexts(self.text, self.start[first : end + 1], self.height[first:end], self.width[first:end])
        position = range(len(self))[index]
        text = self.text[self.start[position] : self.start[position + 1]].tobytes()
        return {"size": [int(self.height[position]), int(self.width[position])], "counts": text}


def text_of(mask: Runs) -> bytes:
    """The letters of compressed run lengths."""
    counts = mask["counts"]
    return counts.encode() if type(counts) is str else counts


def starts_of(lengths: Iterable[int] | Integers) -> Integers:
    """Where each of several pieces in a row begins, and the last one ends, int64 (pieces + 1,)."""
    return np.cumsum(np.fromiter(chain((0,), lengths), dtype=np.int64))
