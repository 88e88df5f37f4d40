"""The learning rate as a function of the step alone, so that resuming needs no scheduler state."""

from __future__ import annotations

import math

FLOOR = 0.01  # of the peak, at the last step


def rate_factor(step: int, *, steps: int, warmup_steps: int, hold: float = 0.0) -> float:
    """The share of the peak rate at `step` of `steps`: a linear warm-up, the peak, then half a cosine down to `FLOOR`.

    The rate falls from the share `hold` of the steps on; where the warm-up ends later, from there.
    """
    if step < warmup_steps:
        return (step + 1) / warmup_steps
    falls_from = max(warmup_steps, round(hold * steps))
    progress = max(0, step - falls_from) / max(1, steps - falls_from)
    return FLOOR + (1 - FLOOR) * 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))
