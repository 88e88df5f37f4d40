"""The training frames in memory: decoded once, with an index of where each class is."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from threading import Lock

import numpy as np
import numpy.typing as npt

from segwright.core import GREY, RGB, DataError, Image, Listener, Note, Problem, SegwrightError, silent, tracked
from segwright.data import Dataset, Frame
from segwright.data.augment import Components, components_of
from segwright.infer.preprocess import Preprocessing

VOID = 255  # in the arrays below: channel numbers are at most 254 here
PLACES_PER_CLASS = 64

Places = dict[int, npt.NDArray[np.int32]]


@dataclass(frozen=True, slots=True)
class LoadedFrame:
    """Pixels (height, width, bands) and channel numbers (height, width), `VOID` where void.

    A grey frame has one band here even where the network takes RGB: what varies a crop can then give it no tint.
    """

    pixels: npt.NDArray
    channels: npt.NDArray[np.uint8]


class TrainingFrames:
    """Frames of one part of the split, decoded on first use and kept while they fit in `cache_gb`.

    `places[frame][channel]` holds up to `PLACES_PER_CLASS` (row, column) pixels of that class, drawn once by a
    seed that depends on the frame's name alone; a class that a frame lacks has no entry. `components[frame][channel]`
    are the pieces of the classes that `index` was asked to take apart.
    """

    def __init__(self, dataset: Dataset, stems: Sequence[str], preprocessing: Preprocessing, cache_gb: float) -> None:
        self._dataset = dataset
        self._frames: list[Frame] = [dataset.frame(stem) for stem in stems]
        self._preprocessing = preprocessing
        self._budget_bytes = int(cache_gb * 2**30)
        self._cached: dict[int, LoadedFrame] = {}
        self._cached_bytes = 0
        self._lock = Lock()
        self.places: list[Places] = []
        self.components: list[dict[int, Components]] = []

    def __len__(self) -> int:
        return len(self._frames)

    def __getitem__(self, index: int) -> LoadedFrame:
        held = self._cached.get(index)
        return held if held is not None else self._load(index)

    def index(self, workers: int, listener: Listener = silent, *, apart: Collection[int] = ()) -> None:
        """Read every frame once, keep what fits, and note where each class is, and each piece of the channels `apart`.

        Raises:
            DataError: with one problem for each frame that cannot be read or used; none is skipped.
        """
        problems: list[Problem] = []
        with ThreadPoolExecutor(max(1, workers)) as pool:
            answers = pool.map(partial(self._look_at, apart=apart), range(len(self)))
            for answer in tracked(answers, listener, "reading", len(self)):
                if isinstance(answer, SegwrightError):
                    problems.extend(answer.problems)
                else:
                    self.places.append(answer[0])
                    self.components.append(answer[1])
        if problems:
            raise DataError(*problems)
        if len(self._cached) < len(self):
            held = f"{len(self._cached)} of {len(self)} frames fit in the cache; the others are decoded each time"
            listener(Note("reading", held + " (training.cache_gb)"))

    def _look_at(self, index: int, apart: Collection[int]) -> tuple[Places, dict[int, Components]] | SegwrightError:
        try:
            frame = self[index]
        except SegwrightError as error:
            return error
        rng = np.random.default_rng(int.from_bytes(hashlib.sha256(self._frames[index].stem.encode()).digest()[:8]))
        places: Places = {}
        flat = frame.channels.ravel()
        for channel in np.flatnonzero(np.bincount(flat, minlength=256)[:VOID]):
            found = np.flatnonzero(flat == channel)
            if len(found) > PLACES_PER_CLASS:
                found = rng.choice(found, PLACES_PER_CLASS, replace=False)
            rows, columns = np.divmod(found, frame.channels.shape[1])
            places[int(channel)] = np.column_stack([rows, columns]).astype(np.int32)
        here = sorted(set(apart) & set(places))
        return places, {channel: components_of(frame.channels, channel, rng) for channel in here}

    def _load(self, index: int) -> LoadedFrame:
        labelled = self._dataset.read(self._frames[index])
        self._preprocessing.check(labelled.image)
        pixels = labelled.image.pixels[..., :1] if is_grey(labelled.image) else labelled.image.pixels
        channels = labelled.labels.channels(void_as=VOID).astype(np.uint8)
        loaded = LoadedFrame(np.ascontiguousarray(pixels), channels)
        size = channels.nbytes + pixels.nbytes
        with self._lock:  # several workers load at once
            if index not in self._cached and self._cached_bytes + size <= self._budget_bytes:
                self._cached[index] = loaded
                self._cached_bytes += size
        return loaded


def is_grey(image: Image) -> bool:
    """Whether a grey camera took it, also where its frames are stored as RGB with three equal bands."""
    if image.bands != RGB:
        return image.bands == GREY
    red, green, blue = (image.pixels[..., band] for band in range(3))
    return np.array_equal(red, green) and np.array_equal(green, blue)
