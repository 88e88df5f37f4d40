"""A distribution that adds up: how often each value occurs, values kept to three digits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
_DIGITS = 3


@dataclass(frozen=True, eq=False)
class Distribution:
    """Values in ascending order, each once, and the weight of each. Sums of parts equal the whole exactly.

    Values are kept to three significant digits: whole numbers below 1000 are exact, others within 0.5 %, and there are
    at most 900 of them in each power of ten however many are counted.
    """

    values: npt.NDArray[np.float64]
    weights: npt.NDArray[np.float64]

    @staticmethod
    def of(values: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> Distribution:
        """The distribution of finite values (count,), each counted once, or by its weight."""
        kept = _rounded(np.asarray(values, float))
        found, places = np.unique(kept, return_inverse=True)
        held = np.ones(len(kept)) if weights is None else np.asarray(weights, float)
        return Distribution(found, np.bincount(places, held, len(found)).astype(float))

    @staticmethod
    def total(parts: Iterable[Distribution]) -> Distribution:
        """The distribution of everything that the parts counted."""
        rows = list(parts)
        if not rows:
            return Distribution(np.zeros(0), np.zeros(0))
        found, places = np.unique(np.concatenate([row.values for row in rows]), return_inverse=True)
        weights = np.concatenate([row.weights for row in rows])
        return Distribution(found, np.bincount(places, weights, len(found)).astype(float))

    @property
    def weight(self) -> float:
        """How much was counted."""
        return float(self.weights.sum())

    def quantile(self, share: float) -> float | None:
        """The smallest value that `share` of the weight does not exceed; None where nothing was counted."""
        if not len(self.values):
            return None
        reached = np.cumsum(self.weights)
        place = int(np.searchsorted(reached, share * reached[-1] * (1 - 1e-12)))
        return float(self.values[min(place, len(self.values) - 1)])

    def below(self, limit: float) -> float:
        """The share of the weight at values below `limit`; 0 where nothing was counted."""
        return float(self.weights[self.values < limit].sum()) / (self.weight or 1.0)

    def histogram(self, bins: int = 24) -> list[tuple[float, float, float]]:
        """(low, high, weight) of bins of equal ratio between the least and the greatest value, both above 0."""
        if not len(self.values):
            return []
        low, high = float(self.values[0]), float(self.values[-1])
        if low == high:
            return [(low, high, self.weight)]
        edges = np.geomspace(low, high, bins + 1)
        places = np.clip(np.searchsorted(edges, self.values, side="right") - 1, 0, bins - 1)
        sums = np.bincount(places, self.weights, bins)
        return [(float(edges[i]), float(edges[i + 1]), float(sums[i])) for i in range(bins)]

    def to_json(self) -> dict[str, object]:
        """Quantiles, and the histogram as (low, high, weight)."""
        quantiles = {f"q{round(100 * share):02}": self.quantile(share) for share in QUANTILES}
        bins = [[float(f"{low:.4g}"), float(f"{high:.4g}"), weight] for low, high, weight in self.histogram()]
        return {"weight": self.weight, **quantiles, "histogram": bins}


def _rounded(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """To three significant digits; 0 stays 0."""
    magnitude = np.floor(np.log10(np.maximum(np.abs(values), 1e-12)))
    factor = 10.0 ** (_DIGITS - 1 - magnitude)
    return np.where(values == 0, 0.0, np.round(values * factor) / factor)
