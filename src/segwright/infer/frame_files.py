"""The files of one frame's prediction, by task and by what was asked for beside."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from segwright.core import (
    GREY,
    ConfigError,
    Image,
    Problem,
    adopt,
    raise_collected,
)
from segwright.data.codecs import write_image, write_label_map
from segwright.data.segments import write_segment_ids
from segwright.infer.objects import InstancePrediction, PanopticPrediction
from segwright.infer.objects.results import write_objects, write_segments
from segwright.infer.objects.yolo_text import write_yolo
from segwright.infer.prediction import SemanticPrediction

OBJECTS, SEGMENTS = "objects", "segments"
# what only models of some tasks can give
TASKS_OF = {
    "confidence": ("semantic",),
    "probabilities": ("semantic",),
    "yolo": ("instance", "panoptic"),
}

Prediction = SemanticPrediction | InstancePrediction | PanopticPrediction
File = tuple[str, Callable[[Path], None]]


@dataclass(frozen=True)
class Extras:
    """What is written beside a task's own files.

    `confidence` and `probabilities` are of masks alone, `yolo` of objects alone; `overlays` are for people, of any.
    """

    confidence: bool = False
    probabilities: bool = False
    overlays: bool = False
    yolo: bool = False

    def check(self, task: str) -> None:
        """Raise ConfigError where models of the task have no such files."""
        problems = [
            Problem(
                f"--{name}",
                f"is nothing that a model of task {task} gives",
                f"a bundle of task {' or '.join(tasks)}",
                f"task {task}",
                f"leave out --{name}, or name another bundle",
            )
            for name, tasks in TASKS_OF.items()
            if getattr(self, name) and task not in tasks
        ]
        raise_collected(problems, ConfigError)


def files_of(prediction: Prediction, extras: Extras) -> Iterator[File]:
    """(path pattern, what writes it) of each file; the task's own last, so that it means the rest is there."""
    if extras.overlays:
        picture = Image(adopt(prediction.plot()))
        yield "overlays/{stem}.jpg", lambda target: write_image(target, picture)
    if isinstance(prediction, SemanticPrediction):
        yield from _mask_files(prediction)
        return
    if extras.yolo:
        objects = prediction.objects
        yield "yolo/labels/{stem}.txt", lambda target: write_yolo(target, objects)
    if isinstance(prediction, InstancePrediction):
        yield f"{OBJECTS}/{{stem}}.json", lambda target: write_objects(target, prediction.objects)
        return
    panoptic, scores = prediction.panoptic, prediction.scores
    yield f"{SEGMENTS}/{{stem}}.json", lambda target: write_segments(target, panoptic, scores)
    yield "panoptic/{stem}.png", lambda target: write_segment_ids(target, panoptic)


def _mask_files(prediction: SemanticPrediction) -> Iterator[File]:
    if prediction.confidence is not None:
        scaled = np.rint(np.clip(prediction.confidence, 0, 1) * 65535).astype(np.uint16)
        yield "confidence/{stem}.png", lambda target: write_image(target, Image(adopt(scaled[..., None]), GREY))
    if prediction.probabilities is not None:
        values = prediction.probabilities.values.astype(np.float16)
        yield "probabilities/{stem}.npy", lambda target: np.save(target, values, allow_pickle=False)
    yield "masks/{stem}.png", lambda target: write_label_map(target, prediction.label_map)
