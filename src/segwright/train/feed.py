"""Batches of crops. Batch `step` is a function of the plan and of `step` alone, so a resumed run sees the same ones.

Where hard places are drawn again (`hard_places.py`) it is one of the losses of earlier steps too, which are part of the
checkpoint.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from segwright.core import ClassTable, Size
from segwright.data.augment import erase, vary_colour
from segwright.infer.preprocess import Preprocessing
from segwright.models.losses import VOID_CHANNEL
from segwright.train.crops import Cropper
from segwright.train.frames import VOID, TrainingFrames
from segwright.train.hard_places import Hardest, HardPlaces, Place
from segwright.train.sampling_plan import SamplingPlan

BATCHES_AHEAD = 3


@dataclass(frozen=True, slots=True)
class Batch:
    """`frames` (batch, bands, height, width) float32 and `target`, what the task's objective wants for them.

    Of a semantic task the target is (batch, height, width) int64, channel numbers and void -1. `places` say which frame
    each crop is from and its centre (row, column); None where it is from several.
    """

    step: int
    frames: Tensor
    target: Any
    places: tuple[Place | None, ...] = ()


class Batches(Protocol):
    """What training goes through: batches in the order of their steps, and how long it had to wait for them."""

    @property
    def waited_seconds(self) -> float: ...

    @property
    def hard(self) -> HardPlaces | None:
        """The places drawn again for their loss; None where none are."""
        ...

    def batches(self, first_step: int, last_step: int) -> Iterator[Batch]: ...

    def batch(self, step: int, side: int | None = None) -> Batch: ...


class Feed:
    """Cuts crops on worker threads a few batches ahead of training; OpenCV and numpy release the interpreter lock.

    `slots` are those of each batch that this process learns from; all where it is None.
    """

    def __init__(
        self,
        frames: TrainingFrames,
        classes: ClassTable,
        plan: SamplingPlan,
        preprocessing: Preprocessing,
        seed: int,
        slots: Sequence[int] | None = None,
    ) -> None:
        self._plan = plan
        self._preprocessing = preprocessing
        self._seed = seed
        self._slots = range(plan.batch) if slots is None else slots
        self._cropper = Cropper(frames, classes, plan)
        self.hard = HardPlaces(plan.crop) if plan.hard_share > 0 else None
        self.waited_seconds = 0.0

    def batches(self, first_step: int, last_step: int) -> Iterator[Batch]:
        """The batches of steps `first_step` to `last_step - 1`, in order. Counts the time the caller had to wait."""
        with ThreadPoolExecutor(max(1, self._plan.workers)) as pool:
            ahead: deque[Future[Batch]] = deque()
            for step in range(first_step, last_step):
                while len(ahead) < BATCHES_AHEAD and step + len(ahead) < last_step:
                    wanted = step + len(ahead)
                    given = wanted, self._side(wanted), self._hardest(wanted), self._slots
                    ahead.append(pool.submit(self._batch, *given))
                started = time.perf_counter()
                batch = ahead.popleft().result()
                self.waited_seconds += time.perf_counter() - started
                yield batch

    def batch(self, step: int, side: int | None = None) -> Batch:
        """The whole batch of one step, from what is known of hard places now; `side` in place of the plan's, px.

        What is in a slot depends on the step, the slot and what is known of hard places alone.
        """
        return self._batch(step, side or self._side(step), self._hardest(step), range(self._plan.batch))

    def _batch(self, step: int, side: int, hard: Hardest | None, slots: Sequence[int]) -> Batch:
        samples = [self._sample(np.random.default_rng((self._seed, step, slot)), side, hard) for slot in slots]
        frames = torch.from_numpy(np.stack([pixels for pixels, _, _ in samples]))
        target = torch.from_numpy(np.stack([channels for _, channels, _ in samples])).long()
        target.masked_fill_(target == VOID, VOID_CHANNEL)
        return Batch(step, frames, target, tuple(place for _, _, place in samples))

    def _sample(
        self, rng: np.random.Generator, side: int, hard: Hardest | None
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.uint8], Place | None]:
        crop = self._cropper.crop(Size(side, side), hard, rng)
        channels = crop.channels
        scaled = crop.pixels.astype(np.float32) * np.float32(self._preprocessing.scale)
        varied = vary_colour(scaled, self._plan.colour, rng) if self._plan.colour.changes_anything else scaled
        if self._plan.mix.erase and rng.random() < self._plan.mix.erase:
            varied, channels = erase(varied, channels, rng, void=VOID)
        return normalised(varied, self._preprocessing), channels, crop.place

    def _side(self, step: int) -> int:
        return side_of_step(self._plan, self._seed, step)

    def _hardest(self, step: int) -> Hardest | None:
        return None if self.hard is None else self.hard.hardest(step)


def side_of_step(plan: SamplingPlan, seed: int, step: int) -> int:
    """The side of a step's crops: one random number of its own, so that the crops' are the same without it."""
    if not plan.sides:
        return plan.crop
    return int(plan.sides[np.random.default_rng((seed, step, plan.batch)).integers(len(plan.sides))])


def normalised(crop: npt.NDArray[np.float32], how: Preprocessing) -> npt.NDArray[np.float32]:
    """A crop (height, width, bands) as the network takes it, (bands, height, width); a grey one fills every band.

    Band by band: one expression over all of them takes six times as long.
    """
    bands = len(how.mean)
    planes = np.empty((bands, *crop.shape[:2]), np.float32)
    for band, (mean, std) in enumerate(zip(how.mean, how.std, strict=True)):
        np.subtract(crop[:, :, band if crop.shape[2] == bands else 0], np.float32(mean), out=planes[band])
        planes[band] /= np.float32(std)
    return planes
