"""Where the loss was high lately: cells of the frames, from which a share of the crops is drawn again.

A batch is cut before the losses of the batches just ahead of it are known. So the batch of step s is drawn from the
losses of the steps up to s - `LAG` and of no later one: the same crops however many workers cut them, however rarely
losses are read from an accelerator, and wherever a run was interrupted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

LAG = 16  # steps; more than are cut ahead and than go by before losses are read
FRESH_SHARE = 0.5  # how much of a cell's loss is its newest crop's

Place = tuple[int, float, float]  # frame, row, column
Cell = tuple[int, int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Hardest:
    """Cells (n, 3) of frame, row and column, counted in cells, and the chance of each."""

    cells: npt.NDArray[np.int64]
    chances: npt.NDArray[np.float64]

    def draw(self, cell_px: int, rng: np.random.Generator) -> tuple[int, tuple[int, int]]:
        """A frame, and a pixel (row, column) inside the cell; it may lie past the frame's border."""
        frame, row, column = self.cells[int(rng.choice(len(self.cells), p=self.chances))]
        down, right = rng.integers(cell_px, size=2)
        return int(frame), (int(row * cell_px + down), int(column * cell_px + right))


class HardPlaces:
    """The running mean of the loss about each cell of `cell_px`; part of a checkpoint."""

    def __init__(self, cell_px: int) -> None:
        self.cell_px = cell_px
        self._settled: dict[Cell, float] = {}
        self._later: list[tuple[int, list[tuple[Cell, float]]]] = []  # of the last steps, oldest first
        self._unread: list[tuple[int, Sequence[Place | None], Tensor]] = []

    def observe(self, step: int, places: Sequence[Place | None], losses: Tensor) -> None:
        """Take note of a batch: the loss (batch,) of the crop at each place, where the crop lay in one frame."""
        self._unread.append((step, places, losses.detach()))

    def hardest(self, step: int) -> Hardest | None:
        """From what the crops of `step` are drawn; None as long as nothing is known."""
        if self._unread and self._unread[0][0] <= step - LAG:
            self._read()
        known = dict(self._settled)
        for seen, found in self._later:
            if seen <= step - LAG:
                _add(known, found)
        if not known:
            return None
        cells = sorted(known)
        losses = np.array([known[cell] for cell in cells])
        return Hardest(np.array(cells, np.int64), losses / losses.sum()) if losses.sum() > 0 else None

    def state(self) -> dict[str, Any]:
        """Plain values, for a checkpoint."""
        self._read()
        cells = sorted(self._settled)
        later = [[step, [[*cell, loss] for cell, loss in found]] for step, found in self._later]
        return {
            "cells": [list(cell) for cell in cells],
            "losses": [self._settled[cell] for cell in cells],
            "later": later,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Become what `state` was taken from."""
        self._settled = {(a, b, c): loss for (a, b, c), loss in zip(state["cells"], state["losses"], strict=True)}
        self._later = [(step, [((a, b, c), loss) for a, b, c, loss in found]) for step, found in state["later"]]
        self._unread.clear()

    def _read(self) -> None:
        """Wait for the losses and keep them by cell."""
        for step, places, losses in self._unread:
            pairs = zip(places, losses.double().tolist(), strict=True)
            found = [(self._cell(place), loss) for place, loss in pairs if place is not None and np.isfinite(loss)]
            self._later.append((step, found))
            # The next batch to be cut after a resume is step + 1: it may not know of anything later than this.
            while self._later and self._later[0][0] <= step + 1 - LAG:
                _add(self._settled, self._later.pop(0)[1])
        self._unread.clear()

    def _cell(self, place: Place) -> Cell:
        frame, row, column = place
        return frame, max(0, int(row) // self.cell_px), max(0, int(column) // self.cell_px)


def _add(known: dict[Cell, float], found: Sequence[tuple[Cell, float]]) -> None:
    for cell, loss in found:
        known[cell] = loss if cell not in known else (1 - FRESH_SHARE) * known[cell] + FRESH_SHARE * loss


def crop_losses(logits: Tensor, target: Tensor) -> Tensor:
    """The mean cross-entropy of each crop (batch,) over its valid pixels; not a number where all of it is void."""
    with torch.no_grad():
        each = torch.nn.functional.cross_entropy(logits.float(), target, ignore_index=-1, reduction="none")
        valid = target != -1
        return (each * valid).sum((1, 2)) / valid.sum((1, 2))
