"""Void put into a prediction in one pass."""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt


@numba.njit(cache=True, nogil=True)
def hide_void(prediction: npt.NDArray, truth: npt.NDArray, void_id: int) -> npt.NDArray:
    """The prediction with `void_id` wherever the truth has it; both (height, width) of one type."""
    hidden = np.empty_like(truth)
    for row in range(truth.shape[0]):
        for column in range(truth.shape[1]):
            true = truth[row, column]
            hidden[row, column] = true if true == void_id else prediction[row, column]
    return hidden
