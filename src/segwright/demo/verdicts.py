"""Reject or accept: the model's verdicts and the blob heuristics' on the same held-out frames."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from segwright.core import Listener, Progress, silent
from segwright.data import Dataset, read_image
from segwright.demo.baseline import (
    BlobHeuristic,
    GlobalThreshold,
    Heuristic,
    JudgedFrame,
    tune,
    tune_threshold,
    with_limit_from,
)
from segwright.line.records import Record

MAX_FALSE_ACCEPT_RATE = 0.05
TUNING_FRAMES = 100


@dataclass(frozen=True, slots=True)
class VerdictCounts:
    """A method's verdicts against the area rule on the painted masks, in frames."""

    method: str
    acceptable: int
    defective: int
    false_rejects: int
    false_accepts: int
    defect_iou: float | None = None

    def to_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    @staticmethod
    def of(
        method: str, truth: Mapping[str, bool], rejected: Mapping[str, bool], iou: float | None = None
    ) -> VerdictCounts:
        """Count verdicts by stem; every frame of `truth` must have one."""
        return VerdictCounts(
            method,
            acceptable=sum(not defective for defective in truth.values()),
            defective=sum(truth.values()),
            false_rejects=sum(rejected[stem] and not defective for stem, defective in truth.items()),
            false_accepts=sum(not rejected[stem] and defective for stem, defective in truth.items()),
            defect_iou=iou,
        )


def model_verdicts(records: Iterable[Record], truth: Mapping[str, bool]) -> VerdictCounts:
    """The watch's recorded verdicts; a frame that could not be judged counts as rejected."""
    rejected = {Path(record.key.name).stem: record.verdict != "ok" for record in records}
    return VerdictCounts.of("segwright", truth, rejected)


def true_verdicts(dataset: Dataset) -> dict[str, bool]:
    """Stem -> whether the area rule rejects the frame by its painted mask and true part mask."""
    return {frame.stem: frame.columns["reject"] == "1" for frame in dataset.frames}


def heuristic_verdicts(training: Dataset, held_out: Dataset, listener: Listener = silent) -> list[VerdictCounts]:
    """The classical methods, tuned on training lines, on the held-out line; then with their limit set on that line.

    The last is an upper bound no factory has: its limit has seen the answers it is measured on.
    """
    stages = 4
    known = list(judged_frames(_thinned(training)))
    listener(Progress("heuristics", 1, stages, "methods"))
    blob = tune(known, unit="percent", max_false_accept_rate=MAX_FALSE_ACCEPT_RATE)
    listener(Progress("heuristics", 2, stages, "methods"))
    plain = tune_threshold(known, max_false_accept_rate=MAX_FALSE_ACCEPT_RATE)
    listener(Progress("heuristics", 3, stages, "methods"))
    unseen = list(judged_frames(held_out))
    best = with_limit_from(blob, unseen, MAX_FALSE_ACCEPT_RATE)
    methods: list[tuple[str, BlobHeuristic | GlobalThreshold]] = [
        ("blob detection", blob),
        ("global threshold", plain),
        ("blob detection, limit set on the held-out line itself", best),
    ]
    truth = true_verdicts(held_out)
    stems = [frame.stem for frame in held_out.frames]
    rows = [_counted(name, method, stems, unseen, truth) for name, method in methods]
    listener(Progress("heuristics", stages, stages, "methods"))
    return rows


def judged_frames(dataset: Dataset) -> Iterator[JudgedFrame]:
    """Frames with their painted ids and true part masks, one at a time."""
    for frame in dataset.frames:
        labelled = dataset.read(frame)
        part = read_image(dataset.root / "parts" / f"{frame.stem}.png").pixels[..., 0]
        yield JudgedFrame(labelled.image, labelled.labels.ids, part > 0, frame.columns["line"])


def _counted(
    name: str, method: Heuristic, stems: list[str], frames: list[JudgedFrame], truth: Mapping[str, bool]
) -> VerdictCounts:
    rejected: dict[str, bool] = {}
    both, either = 0, 0
    for stem, frame in zip(stems, frames, strict=True):
        result = method.inspect(frame.image, frame.part)
        rejected[stem] = result.reject
        valid = frame.labels != 255
        both += int(np.count_nonzero(result.blob_mask & frame.defect))
        either += int(np.count_nonzero((result.blob_mask | frame.defect) & valid))
    return VerdictCounts.of(name, truth, rejected, both / either if either else None)


def _thinned(dataset: Dataset) -> Dataset:
    step = max(1, len(dataset.frames) // TUNING_FRAMES)
    return dataset.only(frame.stem for frame in dataset.frames[::step])
