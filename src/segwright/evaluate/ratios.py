"""A part over a whole, with one rule for what is absent."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Score = float | None


def ratio(part: npt.ArrayLike, whole: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """`part / whole`, NaN where the whole is 0; NaN becomes None at the door."""
    part, whole = np.asarray(part, dtype=np.float64), np.asarray(whole, dtype=np.float64)
    return np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0)


def mean(values: npt.NDArray[np.float64], axis: int | None = None) -> npt.NDArray[np.float64]:
    """The mean over what is not NaN; NaN where nothing is left."""
    present = ~np.isnan(values)
    return ratio(np.where(present, values, 0.0).sum(axis=axis), present.sum(axis=axis))


def score(value: npt.NDArray | np.floating) -> Score:
    """One number for JSON: None for NaN."""
    number = float(value)
    return None if np.isnan(number) else number
