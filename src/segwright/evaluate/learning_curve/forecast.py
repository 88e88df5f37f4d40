"""What the next labelled frames should bring: the fitted law with its uncertainty, or why nothing can be said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri, stdtrit

from segwright.evaluate.learning_curve.law import LAW, PowerLaw, fit_many, fit_power_law
from segwright.evaluate.learning_curve.points import SizeSummary, by_size

Interval = tuple[float, float]

CONFIDENCE = 0.9
RESAMPLES = 2000
FEWEST_SIZES = 4  # three numbers are fitted: with three sizes the law goes through any three means
FEWEST_RUNS = 6
FARTHEST = 3.0  # times the largest size: beyond it a law fitted on the left says little
_SURE_DROP = 2.0  # standard errors by which a larger size scores less


@dataclass(frozen=True)
class Forecast:
    """The score at `size` frames, the gain of `more` frames beyond it, and the law, each with its 90 % interval.

    `curve` holds (size, score, low, high) along the law. `exponent_identified` is False where the exponent's interval
    reaches an end of what is tried: the law then holds near the runs, but its numbers mean nothing by themselves.
    """

    size: int
    more: int
    score: float
    gain: float
    gain_interval: Interval
    law: PowerLaw
    ceiling_interval: Interval
    exponent_interval: Interval
    exponent_identified: bool
    residual_std: float
    curve: tuple[tuple[float, float, float, float], ...]

    def to_json(self) -> dict[str, Any]:
        """The forecast as plain values."""
        return {"identified": True, "law_is": LAW, "confidence": CONFIDENCE, **asdict(self)}


@dataclass(frozen=True)
class Refusal:
    """Why no forecast is made, and what would make one possible."""

    reason: str
    fix: str

    def to_json(self) -> dict[str, Any]:
        """The refusal as plain values."""
        return {"identified": False, "law_is": LAW, "reason": self.reason, "fix": self.fix}


def forecast(sizes: Sequence[int], scores: Sequence[float], *, more: int = 100, seed: int = 0) -> Forecast | Refusal:
    """The gain of `more` frames beyond the largest of `sizes`; one entry of `sizes` and `scores` a run.

    Intervals come from a bootstrap over runs: the runs' differences to the law, widened for the three fitted numbers,
    are drawn with replacement and put on it, and the law is fitted again. A refusal where sizes are too few, where the
    scores do not rise, or where the interval of the gain is wider than all the rise that was measured.
    """
    rows = by_size(sizes, scores)
    smallest, largest = (min(sizes), max(sizes)) if sizes else (0, 0)
    refused = _too_little(rows, len(scores), largest, more) or _falling(rows)
    if refused is not None:
        return refused
    at, found = np.asarray(sizes, float), np.asarray(scores, float)
    law = fit_power_law(at, found)
    laws, residual_std = _resampled(at, found, law, seed)
    gains = _values(laws, largest + more) - _values(laws, largest)
    rise = law(largest) - law(smallest)
    low, high = _interval(gains)
    refused = _unclear(laws, (smallest, largest), rise, (low, high))
    if refused is not None:
        return refused
    exponents = _interval(laws[:, 2])
    return Forecast(
        size=largest,
        more=more,
        score=law(largest),
        gain=law(largest + more) - law(largest),
        gain_interval=(low, high),
        law=law,
        ceiling_interval=_interval(laws[:, 0]),
        exponent_interval=exponents,
        exponent_identified=exponents[0] > 0.051 and exponents[1] < 1.95,
        residual_std=residual_std,
        curve=_along(law, laws, smallest, largest + more),
    )


def _too_little(rows: Sequence[SizeSummary], runs: int, largest: int, more: int) -> Refusal | None:
    if len(rows) < FEWEST_SIZES or runs < FEWEST_RUNS:
        said = f"{len(rows)} sizes and {runs} runs, where {FEWEST_SIZES} and {FEWEST_RUNS} are the fewest"
        return Refusal(f"too few points: {said} to fit three numbers to", "--sizes 25,50,100,all --seeds 3")
    if largest + more > FARTHEST * largest:
        reason = f"{more} more frames are more than twice the {largest} that were measured"
        return Refusal(reason, f"--more {int((FARTHEST - 1) * largest)}, or fewer")
    return None


def _falling(rows: Sequence[SizeSummary]) -> Refusal | None:
    """A refusal where a larger size scores surely less: by more than twice the standard error of the difference."""
    spreads = [row.std for row in rows if row.std is not None]
    pooled = float(np.sqrt(np.mean(np.square(spreads)))) if spreads else 0.0
    for one, other in pairwise(rows):
        error = pooled * float(np.sqrt(1 / one.runs + 1 / other.runs))
        if one.mean - other.mean > max(_SURE_DROP * error, 1e-9):
            reason = (
                f"not monotone: {one.size} frames score {one.mean:.3f} and {other.size} score {other.mean:.3f}, "
                "a fall beyond the spread between runs"
            )
            return Refusal(reason, "more --steps, so that each size is trained to its end; or more --seeds")
    return None


def _resampled(at: npt.NDArray, found: npt.NDArray, law: PowerLaw, seed: int) -> tuple[npt.NDArray[np.float64], float]:
    """Laws (resamples, 3) of drawn residuals put on `law`, and the residuals' standard deviation."""
    fitted = law.ceiling - law.gap * at**-law.exponent
    freedom = len(found) - 3
    residuals = (found - fitted) * np.sqrt(len(found) / freedom)
    residuals -= residuals.mean()
    # A handful of runs knows its own spread badly: as wide as Student's distribution is beside the normal one.
    wider = float(stdtrit(freedom, (1 + CONFIDENCE) / 2) / ndtri((1 + CONFIDENCE) / 2))
    drawn = np.random.default_rng(seed).choice(wider * residuals, (RESAMPLES, len(found)))
    return fit_many(at, fitted + drawn), float(np.sqrt(np.mean(residuals**2)))


def _unclear(laws: npt.NDArray, ends: tuple[int, int], rise: float, gain: Interval) -> Refusal | None:
    """A refusal where the runs scatter more than the score grows."""
    smallest, largest = ends
    rises = _values(laws, largest) - _values(laws, smallest)
    if _interval(rises)[0] <= 0 or rise <= 0:
        reason = f"the score does not surely rise from {smallest} to {largest} frames: the runs scatter more"
        return Refusal(reason, "smaller and larger --sizes, or more --seeds")
    if gain[1] - gain[0] > rise:
        reason = (
            f"the fit is not identified: the gain lies between {gain[0]:.3f} and {gain[1]:.3f}, "
            f"wider than all the rise that was measured ({rise:.3f})"
        )
        return Refusal(reason, "more --seeds, or one more of --sizes")
    return None


def _values(laws: npt.NDArray, size: float) -> npt.NDArray[np.float64]:
    return laws[:, 0] - laws[:, 1] * size ** -laws[:, 2]


def _interval(values: npt.NDArray) -> Interval:
    low, high = np.quantile(values, ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2))
    return float(low), float(high)


def _along(law: PowerLaw, laws: npt.NDArray, low: float, high: float) -> tuple[tuple[float, float, float, float], ...]:
    sizes = np.geomspace(low, high, 40)
    return tuple((float(size), law(size), *_interval(_values(laws, size))) for size in sizes)
