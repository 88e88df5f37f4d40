"""The power law of learning curves, fitted by least squares.

score(n) = ceiling - gap * n ** -exponent. What is missing to the ceiling shrinks by the same factor each time the
number of frames doubles.

Source: Hestness et al. (2017), "Deep Learning Scaling is Predictable, Empirically", which fits the error as
`a * m ** b + c`; Mahmood et al. (2022), "How Much More Data Do I Need? Estimating Requirements for Downstream Tasks",
which compares it with other laws.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

LAW = "score(n) = ceiling - gap * n ** -exponent, with ceiling <= 1, gap >= 0 and exponent from 0.05 to 2"
EXPONENTS = np.geomspace(0.05, 2.0, 120)


@dataclass(frozen=True)
class PowerLaw:
    """`ceiling - gap * n ** -exponent`; where `gap` is 0 the score does not grow, and the exponent says nothing."""

    ceiling: float
    gap: float
    exponent: float

    def __call__(self, size: float) -> float:
        """The score at `size` labelled frames."""
        return float(self.ceiling - self.gap * size**-self.exponent)


def fit_power_law(sizes: npt.ArrayLike, scores: npt.ArrayLike) -> PowerLaw:
    """The law with the least sum of squared differences to the runs' scores; `sizes` and `scores` (runs,)."""
    fitted = fit_many(np.asarray(sizes, float), np.asarray(scores, float)[None])
    return PowerLaw(*(float(value) for value in fitted[0]))


def fit_many(sizes: npt.NDArray[np.float64], scores: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The laws of several sets of scores (sets, runs) at the same `sizes` (runs,): ceiling, gap, exponent (sets, 3).

    For each exponent of the grid the other two follow from linear regression, within their bounds; the best is taken.
    """
    best = np.full(len(scores), np.inf)
    laws = np.zeros((len(scores), 3))
    for exponent in EXPONENTS:
        shrunk = sizes**-exponent
        ceiling, gap = _regressed(shrunk, scores)
        missed = ((scores - ceiling[:, None] + gap[:, None] * shrunk) ** 2).sum(axis=1)
        better = missed < best
        best = np.where(better, missed, best)
        laws[better] = np.column_stack([ceiling, gap, np.full(len(scores), exponent)])[better]
    return laws


def _regressed(shrunk: npt.NDArray, scores: npt.NDArray) -> tuple[npt.NDArray, npt.NDArray]:
    """Ceiling and gap (sets,) of `scores = ceiling - gap * shrunk`: least squares with ceiling <= 1 and gap >= 0."""
    centred = shrunk - shrunk.mean()
    means = scores.mean(axis=1)
    gap = np.maximum(0.0, -(scores @ centred) / max(float(centred @ centred), 1e-300))
    ceiling = means + gap * shrunk.mean()
    capped = np.maximum(0.0, ((1 - scores) @ shrunk) / float(shrunk @ shrunk))
    above = ceiling > 1
    return np.where(above, 1.0, ceiling), np.where(above, capped, gap)
