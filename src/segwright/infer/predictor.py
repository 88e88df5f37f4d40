"""The whole pipeline from a frame to its label map: preprocessing, tiles, decision, cleanup."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from segwright.core import GREY, RGB, ArtefactError, ClassTable, Image, LabelMap, Probabilities, adopt
from segwright.infer.cleanup import Cleanup, clean_ids
from segwright.infer.crf import refined_bands
from segwright.infer.decide import Decision, decide_ids
from segwright.infer.prediction import SemanticPrediction
from segwright.infer.preprocess import Preprocessing
from segwright.infer.runtimes import Runtime
from segwright.infer.tiles import TilePlan, probability_bands

Frame = Image | npt.NDArray | str | Path


@dataclass(frozen=True)
class Predictor:
    """A runtime and everything around it that decides what a pixel is called. `batch` tiles run at a time.

    Raises:
        ArtefactError: the network does not answer for the classes of the table.
        ConfigError: a threshold or a cleanup rule names no class of the table, or the tiles do not fit the network.
    """

    runtime: Runtime
    classes: ClassTable
    preprocessing: Preprocessing
    tiles: TilePlan = field(default_factory=TilePlan)
    decision: Decision = field(default_factory=Decision)
    cleanup: Cleanup = field(default_factory=Cleanup)
    batch: int = 4

    def __post_init__(self) -> None:
        if self.runtime.channels != len(self.classes):
            raise ArtefactError.of(
                "network",
                "does not answer for the classes of the table",
                allowed=f"{len(self.classes)} channels: {', '.join(self.classes.names)}",
                found=f"{self.runtime.channels} channels",
                fix="use the class table the network was trained with",
            )
        self.decision.check(self.classes)
        self.cleanup.check(self.classes)
        self.tiles.boxes(self.tiles.tile, self.runtime.stride_px)

    def predict(self, frame: Frame, *, confidence: bool = True, probabilities: bool = False) -> SemanticPrediction:
        """What the model says about `frame`, at the frame's own size, after thresholds and cleanup.

        `frame` is an `Image`, an array (height, width) grey or (height, width, 3) RGB (never BGR), or a file's path.
        Without `probabilities` the classes of all pixels are never held at once: a 10,000 px frame of 19 classes
        peaks near 2 GB, not 8.
        """
        image = as_image(frame)
        ids = np.empty(image.pixels.shape[:2], self.classes.id_type)
        sure = np.empty(ids.shape, np.float32) if confidence else None
        kept = np.empty((len(self.classes), *ids.shape), np.float32) if probabilities else None
        for top, band in self._bands(image):
            rows = slice(top, top + band.shape[1])
            ids[rows] = decide_ids(band, self.classes, self.decision)
            if sure is not None:
                np.max(band, axis=0, out=sure[rows])
            if kept is not None:
                kept[:, rows] = band
        labels = LabelMap(adopt(clean_ids(ids, self.classes, self.cleanup)), self.classes)
        return SemanticPrediction(
            image,
            labels,
            None if sure is None else adopt(sure),
            None if kept is None else Probabilities(adopt(kept), self.classes),
        )

    def probabilities(self, frame: Frame) -> Probabilities:
        """The blended probabilities of `frame` as they are decided on: after the CRF where the cleanup has one."""
        image = as_image(frame)
        values = np.empty((len(self.classes), *image.pixels.shape[:2]), np.float32)
        for top, band in self._bands(image):
            values[:, top : top + band.shape[1]] = band
        return Probabilities(adopt(values), self.classes)

    def _bands(self, image: Image) -> Iterator[tuple[int, npt.NDArray[np.float32]]]:
        self.preprocessing.check(image)
        bands = probability_bands(
            image.size,
            lambda box: self.preprocessing.apply(image.crop(box)),
            self.runtime,
            self.tiles,
            batch=self.batch,
        )
        crf = self.cleanup.crf
        return bands if crf is None else refined_bands(bands, image, crf, 1 / self.preprocessing.scale)


def as_image(frame: Frame) -> Image:
    """`frame` as an `Image`: files are decoded upright, an array of two axes is grey, of three bands RGB."""
    if isinstance(frame, Image):
        return frame
    if isinstance(frame, np.ndarray):
        return (
            Image(frame[..., None], GREY) if frame.ndim == 2 else Image(frame, GREY if frame.shape[2:] == (1,) else RGB)
        )
    from segwright.data.codecs import read_image

    return read_image(Path(frame))
