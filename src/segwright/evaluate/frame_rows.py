"""The rows of an evaluation's frames, each made when somebody asks for it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import overload

from segwright.core import ClassTable
from segwright.evaluate.by_name import ScoresByName
from segwright.evaluate.frame_counts import FrameCounts
from segwright.evaluate.packed import PackedFrames
from segwright.evaluate.ratios import Score
from segwright.evaluate.result import FrameRow
from segwright.evaluate.scores import image_scores


@dataclass(frozen=True, eq=False)
class FrameRows(Sequence[FrameRow]):
    """A `FrameRow` for each counted frame; equal to any sequence of the same rows.

    Some hundred bytes a frame: a row as Python objects takes some thousand, so rows are not kept but made anew each
    time. Go through them once where there are many.
    """

    frames: PackedFrames
    classes: ClassTable

    @cached_property
    def _names(self) -> tuple[str, ...]:
        return self.classes.names

    def __len__(self) -> int:
        return len(self.frames)

    @overload
    def __getitem__(self, index: int) -> FrameRow: ...

    @overload
    def __getitem__(self, index: slice) -> FrameRows: ...

    def __getitem__(self, index: int | slice) -> FrameRow | FrameRows:
        if isinstance(index, slice):
            return FrameRows(self.frames[index], self.classes)
        return _frame_row(self.frames[index], self.classes, self._names)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and all(mine == theirs for mine, theirs in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]


def _frame_row(row: FrameCounts, classes: ClassTable, names: tuple[str, ...]) -> FrameRow:
    """The row of one frame; `names` are those of the classes, one tuple for all frames."""
    iou = ScoresByName(names, image_scores(row, classes).values())
    return FrameRow(
        stem=row.stem,
        columns=dict(row.columns),
        image_miou=_mean_present(iou.values()),
        image_miou_foreground=_mean_present(iou[spec.name] for spec in classes.foreground),
        iou=iou,
        boundary_f={
            f"boundary_f@{distance}": ScoresByName(names, row.boundaries.f_scores(distance))
            for distance in row.boundaries.boundary_px
        },
        correct_px=tuple(row.correct_px.tolist()),
        truth_px=tuple(row.truth_px.tolist()),
        predicted_px=tuple(row.predicted_px.tolist()),
        void_px=row.void_px,
    )


def _mean_present(scores: Iterable[Score]) -> Score:
    present = [score for score in scores if score is not None]
    return sum(present) / len(present) if present else None
