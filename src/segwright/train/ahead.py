"""Batches made on worker threads a few steps ahead of training."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from segwright.train.feed import Batch
    from segwright.train.hard_places import HardPlaces

BATCHES_AHEAD = 3


class AheadOfTraining(ABC):
    """Calls `own_batch` on threads; OpenCV and numpy release the interpreter lock. `waited_seconds` is the caller's.

    `hard` are the places drawn again for their loss; None where none are.
    """

    def __init__(self, workers: int) -> None:
        self._workers = max(1, workers)
        self.waited_seconds = 0.0
        self.hard: HardPlaces | None = None

    @abstractmethod
    def batch(self, step: int, side: int | None = None) -> Batch:
        """The batch of one step: a function of the plan and of `step` alone."""
        ...

    def own_batch(self, step: int) -> Batch:
        """What this process learns from of the batch of one step: all of it where it is alone."""
        return self.batch(step)

    def waiting(self, step: int) -> Callable[[], Batch]:
        """What gives the batch of one step when it is its turn: here the batch itself, elsewhere in fewer bytes."""
        batch = self.own_batch(step)
        return lambda: batch

    def batches(self, first_step: int, last_step: int) -> Iterator[Batch]:
        """This process's own of steps `first_step` to `last_step - 1`, in order. Counts the time of waiting."""
        with ThreadPoolExecutor(self._workers) as pool:
            ahead: deque[Future[Callable[[], Batch]]] = deque()
            for step in range(first_step, last_step):
                while len(ahead) < BATCHES_AHEAD and step + len(ahead) < last_step:
                    ahead.append(pool.submit(self.waiting, step + len(ahead)))
                started = time.perf_counter()
                batch = ahead.popleft().result()()
                self.waited_seconds += time.perf_counter() - started
                yield batch
