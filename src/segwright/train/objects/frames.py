"""The training frames with their objects, decoded once and kept while they fit."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock

import numpy as np
import numpy.typing as npt

from segwright.core import DataError, Listener, Note, Problem, SegwrightError, silent, tracked
from segwright.data import Dataset, Frame
from segwright.data.frame_objects import read_objects
from segwright.infer.preprocess import Preprocessing
from segwright.train.frames import is_grey
from segwright.train.objects.layers import ObjectLayers, layered, places_in

PLACES_PER_OBJECT = 16


@dataclass(frozen=True, slots=True)
class ObjectFrame:
    """Pixels (height, width, bands), one band where the frame is grey, and the objects in it."""

    pixels: npt.NDArray
    objects: ObjectLayers


def read_layers(dataset: Dataset, frame: Frame) -> ObjectLayers:
    """The objects of a labelled frame as layers.

    Raises:
        DataError: the labels cannot be read.
    """
    return layered(read_objects(dataset, frame))


ReadLayers = Callable[[Dataset, Frame], ObjectLayers]


class ObjectFrames:
    """Frames of one part of the split, decoded on first use and kept while they fit in `cache_gb`.

    `places[frame][object]` holds up to `PLACES_PER_OBJECT` (row, column) pixels of each object, drawn once by a seed
    that depends on the frame's name alone. `read` gives the objects of a frame; segments are read by another one.
    """

    def __init__(
        self,
        dataset: Dataset,
        stems: Sequence[str],
        preprocessing: Preprocessing,
        cache_gb: float,
        read: ReadLayers = read_layers,
    ) -> None:
        self._dataset = dataset
        self._read = read
        self._frames: list[Frame] = [dataset.frame(stem) for stem in stems]
        self._preprocessing = preprocessing
        self._budget_bytes = int(cache_gb * 2**30)
        self._cached: dict[int, ObjectFrame] = {}
        self._cached_bytes = 0
        self._lock = Lock()
        self.places: list[list[npt.NDArray[np.int32]]] = []
        self.channels: list[npt.NDArray[np.int64]] = []

    def __len__(self) -> int:
        return len(self._frames)

    def __getitem__(self, index: int) -> ObjectFrame:
        held = self._cached.get(index)
        return held if held is not None else self._load(index)

    def index(self, workers: int, listener: Listener = silent) -> None:
        """Read every frame once, keep what fits, and note where each object is.

        Raises:
            DataError: with one problem for each frame that cannot be read or used; none is skipped.
        """
        problems: list[Problem] = []
        with ThreadPoolExecutor(max(1, workers)) as pool:
            answers = pool.map(self._places_of, range(len(self)))
            for answer in tracked(answers, listener, "reading", len(self)):
                if isinstance(answer, SegwrightError):
                    problems.extend(answer.problems)
                else:
                    self.places.append(answer[0])
                    self.channels.append(answer[1])
        if problems:
            raise DataError(*problems)
        if len(self._cached) < len(self):
            held = f"{len(self._cached)} of {len(self)} frames fit in the cache; the others are decoded each time"
            listener(Note("reading", held + " (training.cache_gb)"))

    def _places_of(self, index: int) -> tuple[list[npt.NDArray[np.int32]], npt.NDArray[np.int64]] | SegwrightError:
        try:
            frame = self[index]
        except SegwrightError as error:
            return error
        seed = int.from_bytes(hashlib.sha256(self._frames[index].stem.encode()).digest()[:8])
        places = places_in(frame.objects, PLACES_PER_OBJECT, np.random.default_rng(seed))
        return places, frame.objects.channels

    def _load(self, index: int) -> ObjectFrame:
        frame = self._frames[index]
        image = self._dataset.read_image(frame)
        self._preprocessing.check(image)
        pixels = image.pixels[..., :1] if is_grey(image) else image.pixels
        loaded = ObjectFrame(np.ascontiguousarray(pixels), self._read(self._dataset, frame))
        size = loaded.objects.nbytes + loaded.pixels.nbytes
        with self._lock:  # several workers load at once
            if index not in self._cached and self._cached_bytes + size <= self._budget_bytes:
                self._cached[index] = loaded
                self._cached_bytes += size
        return loaded
