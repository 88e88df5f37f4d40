"""Batches of crops. Batch `step` is a function of the plan and of `step` alone, so a resumed run sees the same ones."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from segwright.core import ClassTable, Size
from segwright.data.augment import GeometryRanges, vary_colour, warped_crop
from segwright.infer.preprocess import Preprocessing
from segwright.models.losses import VOID_CHANNEL
from segwright.train.frames import VOID, LoadedFrame, TrainingFrames
from segwright.train.settings import SamplingPlan

BATCHES_AHEAD = 3


@dataclass(frozen=True, slots=True)
class Batch:
    """`frames` (batch, bands, height, width) float32 and `target` (batch, height, width) int64, void -1."""

    step: int
    frames: Tensor
    target: Tensor


class Batches(Protocol):
    """What training goes through: batches in the order of their steps, and how long it had to wait for them."""

    @property
    def waited_seconds(self) -> float: ...

    def batches(self, first_step: int, last_step: int) -> Iterator[Batch]: ...

    def batch(self, step: int) -> Batch: ...


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
        self._frames = frames
        self._plan = plan
        self._preprocessing = preprocessing
        self._seed = seed
        self._slots = range(plan.batch) if slots is None else slots
        self._holders = _holders(frames, classes, plan)
        self._reach = _reach(plan.geometry)
        self.waited_seconds = 0.0

    def batches(self, first_step: int, last_step: int) -> Iterator[Batch]:
        """The batches of steps `first_step` to `last_step - 1`, in order. Counts the time the caller had to wait."""
        with ThreadPoolExecutor(max(1, self._plan.workers)) as pool:
            ahead: deque[Future[Batch]] = deque()
            for step in range(first_step, last_step):
                while len(ahead) < BATCHES_AHEAD and step + len(ahead) < last_step:
                    ahead.append(pool.submit(self.batch, step + len(ahead), self._slots))
                started = time.perf_counter()
                batch = ahead.popleft().result()
                self.waited_seconds += time.perf_counter() - started
                yield batch

    def batch(self, step: int, slots: Sequence[int] | None = None) -> Batch:
        """The batch of one step, or these slots of it: what is in a slot depends on the step and the slot alone."""
        wanted = range(self._plan.batch) if slots is None else slots
        samples = [self._sample(np.random.default_rng((self._seed, step, slot))) for slot in wanted]
        frames = torch.from_numpy(np.stack([pixels for pixels, _ in samples]))
        target = torch.from_numpy(np.stack([channels for _, channels in samples])).long()
        return Batch(step, frames, target.masked_fill_(target == VOID, VOID_CHANNEL))

    def _sample(self, rng: np.random.Generator) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.uint8]]:
        index, place = self._choose(rng)
        frame = self._frames[index]
        size = Size(self._plan.crop, self._plan.crop)
        centre = _centre(frame, place, size, self._reach, rng)
        pixels, channels = warped_crop(frame.pixels, frame.channels, centre, size, self._plan.geometry, rng, void=VOID)
        scaled = pixels.astype(np.float32) * np.float32(self._preprocessing.scale)
        varied = vary_colour(scaled, self._plan.colour, rng) if self._plan.colour.changes_anything else scaled
        mean, std = (np.asarray(row, np.float32) for row in (self._preprocessing.mean, self._preprocessing.std))
        # mean and std have a value for each of the network's bands: a grey crop becomes RGB by broadcasting
        return np.ascontiguousarray(((varied - mean) / std).transpose(2, 0, 1)), channels

    def _choose(self, rng: np.random.Generator) -> tuple[int, tuple[int, int] | None]:
        """A frame, and the pixel the crop should hold; None for anywhere."""
        if self._holders and rng.random() < self._plan.rare_share:
            channels = list(self._holders)
            shares = np.array([self._holders[channel][0] for channel in channels])
            channel = channels[int(rng.choice(len(channels), p=shares / shares.sum()))]
            holders = self._holders[channel][1]
            index = int(holders[rng.integers(len(holders))])
            places = self._frames.places[index][channel]
            row, column = places[rng.integers(len(places))]
            return index, (int(row), int(column))
        return int(rng.integers(len(self._frames))), None


def _holders(
    frames: TrainingFrames, classes: ClassTable, plan: SamplingPlan
) -> dict[int, tuple[float, npt.NDArray[np.int64]]]:
    """channel -> (share of the class-centred crops, the frames that hold it)."""
    holders = {}
    for name, share in plan.class_shares.items():
        channel = classes.channel(name)
        inside = np.array([index for index, places in enumerate(frames.places) if channel in places], dtype=np.int64)
        if share > 0 and len(inside):
            holders[channel] = (share, inside)
    return holders


def _reach(geometry: GeometryRanges) -> float:
    """How far from a crop's centre a pixel may lie, in crop sides, and still be inside however the crop is warped."""
    angle = np.deg2rad(min(geometry.rotate_degrees, 45.0))
    return float(0.45 / (max(1.0, geometry.scale[1]) * (np.cos(angle) + np.sin(angle))))


def _centre(
    frame: LoadedFrame, place: tuple[int, int] | None, size: Size, reach: float, rng: np.random.Generator
) -> tuple[float, float]:
    """A crop centre (row, column): anywhere inside the frame, or within `reach` crop sides of `place`.

    Near the frame's border the crop stays inside the frame, and `place` may come to lie nearer to the crop's edge.
    """
    centre = []
    for axis, (length, crop) in enumerate(zip(frame.channels.shape, (size.height, size.width), strict=True)):
        low, high = sorted((crop / 2, length - crop / 2))
        if place is None:
            centre.append(rng.uniform(low, high))
        else:
            wanted = place[axis] + rng.uniform(-reach, reach) * crop
            centre.append(float(np.clip(wanted, low, high)))
    return centre[0] - 0.5, centre[1] - 0.5
