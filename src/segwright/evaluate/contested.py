"""The pixels that thresholds decide about, kept small enough to try hundreds of threshold sets on them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from segwright.core import ClassTable, LabelMap, Probabilities
from segwright.evaluate.threshold_curves import MIN_THRESHOLD
from segwright.infer.decide import Decision, decide_ids

# 32 million probabilities, 128 MB: two thousand 640x480 frames with one percent of contested pixels, in four classes.
MAX_VALUES = 32_000_000


@dataclass
class ContestedPixels:
    """A growing collection of valid pixels where some foreground class reaches the lowest threshold there is.

    All other pixels are background under every threshold set; of those only the number of each true class is kept.
    Above `max_values` probabilities every second contested pixel is dropped and the rest weigh double: deterministic,
    and spread over all frames.
    """

    classes: ClassTable
    max_values: int = MAX_VALUES
    weight: int = 1
    settled_px: npt.NDArray[np.int64] = field(init=False)
    _values: list[npt.NDArray[np.float32]] = field(init=False, default_factory=list)
    _channels: list[npt.NDArray[np.int16]] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self.settled_px = np.zeros(len(self.classes), dtype=np.int64)

    @property
    def count(self) -> int:
        """Contested pixels held."""
        return sum(channels.size for channels in self._channels)

    def add(self, probabilities: Probabilities, truth: LabelMap) -> None:
        """Take in the contested pixels of one frame; void truth is left out."""
        channels = truth.channels(void_as=-1).ravel()
        values = probabilities.values.reshape(len(self.classes), -1)
        contested = channels >= 0
        if self.classes.background is not None:
            foreground = [self.classes.channel(spec.name) for spec in self.classes.foreground]
            contested &= (values[foreground] >= MIN_THRESHOLD).any(axis=0)
            self.settled_px += np.bincount(channels[(channels >= 0) & ~contested], minlength=len(self.classes))
        taken = np.flatnonzero(contested)[:: self.weight]
        self._values.append(values[:, taken])
        self._channels.append(channels[taken].astype(np.int16))
        while self.count * len(self.classes) > self.max_values:
            self.weight *= 2
            self._values = [kept[:, ::2] for kept in self._values]
            self._channels = [kept[::2].copy() for kept in self._channels]

    def counts(self, decision: Decision) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Correct, true and predicted pixels (classes,) under a decision, as weighted estimates for all pixels."""
        confusion = np.zeros((len(self.classes), len(self.classes)), dtype=np.int64)
        channel_of = np.zeros(65536, dtype=np.int64)
        channel_of[list(self.classes.ids)] = np.arange(len(self.classes))
        for values, channels in zip(self._values, self._channels, strict=True):
            decided = channel_of[decide_ids(values[:, None, :], self.classes, decision)[0]]
            pairs = channels.astype(np.int64) * len(self.classes) + decided
            confusion += np.bincount(pairs, minlength=confusion.size).reshape(confusion.shape)
        confusion *= self.weight
        if self.classes.background is not None:
            confusion[:, self.classes.channel(self.classes.background)] += self.settled_px
        return np.diagonal(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
