"""Batches of crops. Batch `step` is a function of the plan and of `step` alone, so a resumed run sees the same ones."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from segwright.core import ClassTable, Size
from segwright.data.augment import centre_anywhere, centre_on, cut, draw_geometry, vary_colour
from segwright.infer.preprocess import Preprocessing
from segwright.models.losses import VOID_CHANNEL
from segwright.train.frames import VOID, TrainingFrames
from segwright.train.settings import SamplingPlan

BATCHES_AHEAD = 3


@dataclass(frozen=True, slots=True)
class Batch:
    """`frames` (batch, bands, height, width) float32 and `target` (batch, height, width) int64, void -1."""

    step: int
    frames: Tensor
    target: Tensor


class Feed:
    """Cuts crops on worker threads a few batches ahead of training; OpenCV and numpy release the interpreter lock."""

    def __init__(
        self, frames: TrainingFrames, classes: ClassTable, plan: SamplingPlan, preprocessing: Preprocessing, seed: int
    ) -> None:
        self._frames = frames
        self._plan = plan
        self._preprocessing = preprocessing
        self._seed = seed
        self._holders = _holders(frames, classes, plan)
        self.waited_seconds = 0.0

    def batches(self, first_step: int, last_step: int) -> Iterator[Batch]:
        """The batches of steps `first_step` to `last_step - 1`, in order. Counts the time the caller had to wait."""
        with ThreadPoolExecutor(max(1, self._plan.workers)) as pool:
            ahead: deque[Future[Batch]] = deque()
            for step in range(first_step, last_step):
                while len(ahead) < BATCHES_AHEAD and step + len(ahead) < last_step:
                    ahead.append(pool.submit(self.batch, step + len(ahead)))
                started = time.perf_counter()
                batch = ahead.popleft().result()
                self.waited_seconds += time.perf_counter() - started
                yield batch

    def batch(self, step: int) -> Batch:
        """The batch of one step."""
        samples = [self._sample(np.random.default_rng((self._seed, step, slot))) for slot in range(self._plan.batch)]
        frames = torch.from_numpy(np.stack([pixels for pixels, _ in samples]))
        target = torch.from_numpy(np.stack([channels for _, channels in samples])).long()
        return Batch(step, frames, target.masked_fill_(target == VOID, VOID_CHANNEL))

    def _sample(self, rng: np.random.Generator) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.uint8]]:
        index, place = self._choose(rng)
        frame = self._frames[index]
        geometry = draw_geometry(Size(self._plan.crop, self._plan.crop), self._plan.geometry, rng)
        shape = Size(*frame.channels.shape)
        centre = centre_anywhere(geometry, shape, rng) if place is None else centre_on(geometry, shape, place, rng)
        pixels, channels = cut(frame.pixels, frame.channels, geometry, centre, void=VOID)
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
