"""Everything that is wrong with a dataset, found in one reading before work begins."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from segwright.core import Listener, Note, Problem, SegwrightError, silent, tracked
from segwright.data.dataset import Dataset, Frame
from segwright.data.workers import in_threads

_SHOWN = 8
_SAMPLED = 200


@dataclass(frozen=True)
class LabelSample:
    """What the labels of some frames hold: pixels of each class by name, of void, and what cannot be read.

    `unlabelled` counts the frames of the whole dataset that nobody labelled; none of them is in the sample.
    """

    frames: int
    class_pixels: Mapping[str, int]
    void_pixels: int
    problems: tuple[Problem, ...]
    unlabelled: int = 0

    def describe(self) -> str:
        """One line for messages: the share of each class and of void."""
        counts = {**self.class_pixels, "void": self.void_pixels}
        total = max(1, sum(counts.values()))
        return ", ".join(f"{name} {count / total:.2%}" if count else f"{name} none" for name, count in counts.items())


def sample_labels(dataset: Dataset, most: int = _SAMPLED, listener: Listener = silent) -> LabelSample:
    """What the labels of up to `most` labelled frames hold, taken evenly over the dataset; no image is decoded."""
    labelled = [frame for frame in dataset.frames if frame.mask is not None]
    frames = labelled[:: -(-len(labelled) // most) or 1]
    wanted = [*dataset.classes.ids, dataset.classes.void_id]

    def counted(frame: Frame) -> np.ndarray | SegwrightError:
        try:
            ids = dataset.read_labels(frame).ids
        except SegwrightError as error:
            return error
        return np.bincount(ids.ravel(), minlength=max(wanted) + 1)[wanted]

    answers = list(tracked(in_threads(counted, frames), listener, "masks", len(frames)))
    problems = [problem for answer in answers if isinstance(answer, SegwrightError) for problem in answer.problems]
    counts = [answer for answer in answers if not isinstance(answer, SegwrightError)]
    pixels = [int(count) for count in np.sum(counts, axis=0)] if counts else [0] * len(wanted)
    seen = {class_id for class_id, count in zip(wanted, pixels, strict=True) if count}
    problems += _void_for_class(dataset, seen) if counts else []
    by_name = dict(zip(dataset.classes.names, pixels, strict=False))
    return LabelSample(len(frames), by_name, pixels[-1], tuple(problems), len(dataset) - len(labelled))


def check(dataset: Dataset, listener: Listener = silent, *, seen_elsewhere: Collection[int] = ()) -> list[Problem]:
    """Read every frame with its labels once and collect every problem; empty where all can be used.

    Frames that can be read but teach nothing (void all over) are told as notes, as is what opening left out. Where
    `dataset` is a part of a larger one, `seen_elsewhere` are the ids, void included, that its other frames hold.
    """
    if not dataset.frames:
        fix = "put images and their masks there, or name another folder"
        return [Problem(str(dataset.root), "has no frames", "at least one labelled frame", "0", fix)]
    for text in dataset.notes:
        listener(Note("check", text, "warning"))
    ids = {*dataset.classes.ids}
    problems: list[Problem] = []
    all_void: list[str] = []
    seen: set[int] = {*seen_elsewhere}

    def looked_at(frame: Frame) -> SegwrightError | set[int]:
        try:
            labels = dataset.read(frame).labels
        except SegwrightError as error:
            return error
        return {class_id for class_id in (*ids, dataset.classes.void_id) if (labels.ids == class_id).any()}

    answers = tracked(in_threads(looked_at, dataset.frames), listener, "check", len(dataset))
    for frame, answer in zip(dataset.frames, answers, strict=True):
        if isinstance(answer, SegwrightError):
            problems.extend(answer.problems)
            continue
        seen |= answer
        if answer == {dataset.classes.void_id}:
            all_void.append(frame.stem)
    tell_void(all_void, listener)
    return [*problems, *_void_for_class(dataset, seen)]


def tell_void(stems: Sequence[str], listener: Listener) -> None:
    """Say which frames are void all over; nothing where none is."""
    if stems:
        shown = ", ".join(stems[:_SHOWN]) + (" ..." if len(stems) > _SHOWN else "")
        listener(Note("check", f"{len(stems)} frames are void all over and teach nothing: {shown}", "warning"))


def _void_for_class(dataset: Dataset, seen: set[int]) -> list[Problem]:
    """Masks of 0 and 255 are usually binary masks whose foreground would be read as void."""
    classes = dataset.classes
    if len(classes) != 2 or seen != {0, 255} or classes.void_id != 255:
        return []
    other = next((spec.name for spec in classes if spec.class_id != 0), None)
    return [
        Problem(
            str(dataset.root),
            "has masks of 0 and 255 only, and 255 is void: every frame would be void where it is painted",
            f"class ids {classes.describe()}",
            "0, 255",
            f"set `options: {{cut: 128}}`: {other} from 128 up",
        )
    ]
