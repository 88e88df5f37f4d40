"""The learning rate as a function of the step alone, so that resuming needs no scheduler state."""

from __future__ import annotations

import math

FLOOR = 0.01  # of the peak, at the last step


def rate_factor(step: int, *, steps: int, warmup_steps: int) -> float:
    """The share of the peak rate at `step` of `steps`: a linear warm-up, then half a cosine down to `FLOOR`."""
    if step < warmup_steps:
        return (step + 1) / warmup_steps
    progress = (step - warmup_steps) / max(1, steps - warmup_steps)
    return FLOOR + (1 - FLOOR) * 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))
