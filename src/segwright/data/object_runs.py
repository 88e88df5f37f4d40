"""An object as run lengths over its whole frame, from its box alone."""

from __future__ import annotations

import numpy as np

from segwright.core import Instance, Size


def frame_runs(one: Instance, size: Size) -> list[int]:
    """The object's run lengths over a frame of `size`, by column, first outside; no mask of the frame is made."""
    columns = np.pad(one.mask.T.astype(np.int8), ((0, 0), (1, 1)))
    steps = np.diff(columns, axis=1)
    origin = one.box.left * size.height + one.box.top
    starts, ends = (np.nonzero(steps == step) for step in (1, -1))
    first, last = (origin + column * size.height + row for column, row in (starts, ends))
    goes_on = first[1:] == last[:-1]  # from the foot of one column to the head of the next
    first, last = np.delete(first, np.flatnonzero(goes_on) + 1), np.delete(last, np.flatnonzero(goes_on))
    edges = np.column_stack([first, last]).ravel()
    runs = np.diff(np.concatenate([[0], edges, [size.area_px]])).tolist()
    return runs if runs[-1] else runs[:-1]
