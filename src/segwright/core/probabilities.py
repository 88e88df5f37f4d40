"""What a network says before anyone decides: a probability for each class and pixel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segwright.core.classes import ClassTable
from segwright.core.geometry import Size
from segwright.core.image import frozen


@dataclass(frozen=True, eq=False)
class Probabilities:
    """Probabilities `(channels, height, width)`, float32 in 0..1, channel order as in the class table.

    The channels of a pixel sum to 1 within rounding. There is no channel for void: a network is never asked for it.
    """

    values: npt.NDArray[np.float32]
    classes: ClassTable

    def __post_init__(self) -> None:
        if self.values.ndim != 3 or self.values.shape[0] != len(self.classes):
            raise ValueError(
                f"probabilities are ({len(self.classes)} channels, height, width), got {self.values.shape}"
            )
        if self.values.dtype != np.float32:
            raise ValueError(f"probabilities are float32, got {self.values.dtype}")
        object.__setattr__(self, "values", frozen(self.values))

    @property
    def size(self) -> Size:
        """Height and width in px."""
        return Size(self.values.shape[1], self.values.shape[2])

    def of(self, name: str) -> npt.NDArray[np.float32]:
        """The probability (height, width) of the class called `name`."""
        return self.values[self.classes.channel(name)]

    @property
    def confidence(self) -> npt.NDArray[np.float32]:
        """The largest probability of each pixel (height, width)."""
        return self.values.max(axis=0)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Probabilities):
            return NotImplemented
        return self.classes == other.classes and np.array_equal(self.values, other.values)

    __hash__ = None  # type: ignore[assignment]
