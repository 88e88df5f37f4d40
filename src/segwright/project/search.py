"""The `search` section of segwright.yaml, and the file of --search-space: which settings are tried, and within what."""

from __future__ import annotations

from pydantic import Field, model_validator

from segwright.project.section import Positive, Section

Value = bool | int | float | str | list[int] | list[float] | list[str] | None


class Range(Section):
    """Numbers between two ends; whole numbers where both ends are."""

    low: int | float
    high: int | float
    log: bool = Field(default=False, description="even over orders of magnitude, as learning rates are")
    step: int | float | None = Field(default=None, gt=0, description="only values this far apart from the low end")

    @model_validator(mode="after")
    def _ordered(self) -> Range:
        if not self.low < self.high:
            raise ValueError(f"low is below high, got {self.low} to {self.high}")
        if self.log and (self.low <= 0 or self.step is not None):
            raise ValueError("log needs a low above 0 and no step")
        return self

    @property
    def is_whole(self) -> bool:
        """Whether whole numbers are drawn."""
        return isinstance(self.low, int) and isinstance(self.high, int)


Space = dict[str, Range | list[Value]]

USUAL: Space = {
    "training.learning_rate": Range(low=5e-4, high=1e-2, log=True),
    "training.augment.colour": Range(low=0.0, high=2.0),
    "training.rare_crops": Range(low=0.2, high=0.9),
    "loss.dice": Range(low=0.1, high=1.0),
}


class Search(Section):
    """What `segwright train --search N` tries."""

    space: Space = Field(
        default=USUAL, min_length=1, description="setting -> {low, high, log, step} or a list of values"
    )
    prune_after: Positive = Field(default=3, description="whole trials before one that is below the median may stop")
