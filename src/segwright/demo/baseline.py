"""What the factory used before: a classical blob detector, tuned as well as one gets, and a plain grey threshold.

Contrast is cut at a fixed share of the metal's brightness, as an adaptive threshold with a constant offset does, or in
sigmas of the part's own texture. The first is fooled by coarser texture on another line, the second blinded by it.

Both methods mark what stands out from the metal and reject a bracket where the marked area is too large. Neither knows
what it marked: a harmless smudge, a stamped number and a dent of the same area are one and the same to them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from segwright.core import Image, Problem, raise_collected
from segwright.demo.evidence import (
    SATURATED,
    BlobParameters,
    Evidence,
    Mask,
    Unit,
    find_part,
    gather_evidence,
    grey_of,
    inner_part,
    scale_of,
)
from segwright.demo.frames import knobs
from segwright.demo.frames.spec import BACKGROUND_ID, VOID_ID

MAX_FALSE_ACCEPT_RATE = 0.05
CONTRAST_CUTS: dict[Unit, tuple[float, ...]] = {"percent": (8, 10, 12, 16, 20, 25), "sigmas": (2, 2.5, 3, 3.5, 4, 6)}
COLOUR_CUTS = (6.0, 9.0, math.inf)
TAIL_PERCENTS = (0.5, 1.0, 2.0, 4.0, 8.0)


@dataclass(frozen=True, slots=True)
class HeuristicResult:
    """A verdict, the marked area in percent of the part, and the marked pixels (height, width)."""

    reject: bool
    defect_percent: float
    blob_mask: Mask


@dataclass(frozen=True, slots=True)
class JudgedFrame:
    """A frame with its painted class ids and, where known, its part mask (both height, width), and its press line."""

    image: Image
    labels: npt.NDArray[np.uint8]
    part: Mask | None = None
    line: str = ""

    @property
    def reject(self) -> bool:
        """The worked example's rule on the painted mask: defect area above 2 % of the part; void is no defect."""
        part = find_part(self.image) if self.part is None else self.part
        return bool(100.0 * np.count_nonzero(self.defect) > knobs.LIMIT_PERCENT * np.count_nonzero(part))

    @property
    def defect(self) -> Mask:
        return (self.labels != BACKGROUND_ID) & (self.labels != VOID_ID)


@dataclass(frozen=True, slots=True)
class HeuristicScore:
    """Verdicts against the painted truth, and how well the marked pixels meet the painted defects (any class)."""

    frames: int
    acceptable: int
    false_rejects: int
    defective: int
    false_accepts: int
    pooled_defect_iou: float | None


class Heuristic(Protocol):
    """A frame in, a verdict out. `part` is found by brightness where it is not given."""

    def inspect(self, image: Image, part: Mask | None = None) -> HeuristicResult: ...


@dataclass(frozen=True, slots=True)
class BlobHeuristic:
    """Local contrast, line and colour detectors, an adaptive cut, closing, an area filter, and an area limit."""

    parameters: BlobParameters = field(default_factory=BlobParameters)

    def inspect(self, image: Image, part: Mask | None = None) -> HeuristicResult:
        """Verdict on one RGB frame of 8 bits."""
        return self._judge(gather_evidence(image, part, self.parameters.unit))

    def _judge(self, evidence: Evidence) -> HeuristicResult:
        blobs = evidence.blobs(self.parameters)
        percent = 100.0 * float(np.count_nonzero(blobs)) / evidence.part_px
        return HeuristicResult(percent > self.parameters.reject_percent, percent, blobs)


@dataclass(frozen=True, slots=True)
class GlobalThreshold:
    """The plainest method: a part pixel darker than `low` or brighter than `high` (grey levels) is a defect."""

    low: float
    high: float
    reject_percent: float = 2.0

    def inspect(self, image: Image, part: Mask | None = None) -> HeuristicResult:
        """Verdict on one RGB frame of 8 bits."""
        found = find_part(image) if part is None else part
        grey = grey_of(image)
        inside = inner_part(found, scale_of(image))
        marked = inside & ((grey < self.low) | (grey > self.high)) & (grey < SATURATED)
        percent = 100.0 * float(np.count_nonzero(marked)) / max(1, np.count_nonzero(found))
        return HeuristicResult(bool(percent > self.reject_percent), percent, marked)


def tune(
    frames: Iterable[JudgedFrame], *, unit: Unit = "percent", max_false_accept_rate: float = MAX_FALSE_ACCEPT_RATE
) -> BlobHeuristic:
    """The blob detector with the settings that reject the fewest acceptable frames.

    Among settings that pass at most `max_false_accept_rate` of the defective frames of every line. For an honest
    comparison these are the training lines' frames.

    Raises:
        DataError: a line's frames are all acceptable or all defective: no limit can be chosen.
    """
    known = list(frames)
    _check_both_verdicts(known)
    truth = np.array([frame.reject for frame in known], dtype=bool)
    evidence = [gather_evidence(frame.image, frame.part, unit) for frame in known]
    best: tuple[tuple[int, float], BlobHeuristic] | None = None
    for contrast, colour in product(CONTRAST_CUTS[unit], COLOUR_CUTS):
        parameters = BlobParameters(contrast, colour, unit=unit)
        percents = np.array([BlobHeuristic(parameters)._judge(one).defect_percent for one in evidence])
        limit = _limit_for_every_line(known, percents, max_false_accept_rate)
        rank = (int(np.count_nonzero(percents[~truth] > limit)), -_separation(percents, truth))
        if best is None or rank < best[0]:
            best = (rank, BlobHeuristic(replace(parameters, reject_percent=limit)))
    if best is None:
        raise ValueError("no settings to choose from")
    return best[1]


def with_limit_from(
    heuristic: BlobHeuristic, frames: Iterable[JudgedFrame], max_false_accept_rate: float = MAX_FALSE_ACCEPT_RATE
) -> BlobHeuristic:
    """The same detector with its area limit set anew on `frames`.

    Set on the very frames it is then measured on, it is better than any heuristic on the line can be: an upper bound.

    Raises:
        DataError: a line's frames are all acceptable or all defective.
    """
    known = list(frames)
    _check_both_verdicts(known)
    percents = np.array([heuristic.inspect(frame.image, frame.part).defect_percent for frame in known])
    limit = _limit_for_every_line(known, percents, max_false_accept_rate)
    return BlobHeuristic(replace(heuristic.parameters, reject_percent=limit))


def tune_threshold(
    frames: Iterable[JudgedFrame], *, max_false_accept_rate: float = MAX_FALSE_ACCEPT_RATE
) -> GlobalThreshold:
    """The plain threshold's grey levels and area limit with the fewest false rejects, on the same condition as `tune`.

    Raises:
        DataError: a line's frames are all acceptable or all defective.
    """
    known = list(frames)
    _check_both_verdicts(known)
    truth = np.array([frame.reject for frame in known], dtype=bool)
    parts = [find_part(frame.image) if frame.part is None else frame.part for frame in known]
    levels = np.concatenate([grey_of(frame.image)[part][::37] for frame, part in zip(known, parts, strict=True)])
    best: tuple[int, GlobalThreshold] | None = None
    for tail in TAIL_PERCENTS:
        low, high = np.percentile(levels, [tail, 100 - tail])
        plain = GlobalThreshold(float(low), float(high))
        pairs = zip(known, parts, strict=True)
        percents = np.array([plain.inspect(frame.image, part).defect_percent for frame, part in pairs])
        limit = _limit_for_every_line(known, percents, max_false_accept_rate)
        false_rejects = int(np.count_nonzero(percents[~truth] > limit))
        if best is None or false_rejects < best[0]:
            best = (false_rejects, replace(plain, reject_percent=limit))
    if best is None:
        raise ValueError("no settings to choose from")
    return best[1]


def choose_limit(percents: npt.NDArray[Any], defective: Mask, max_false_accept_rate: float) -> float:
    """The highest area limit that passes at most this share of the defective frames; both arrays are (frames,).

    A frame is rejected where its percent is above the limit; at least one must be defective.

    >>> choose_limit(np.array([1.0, 3.0, 4.0, 0.5]), np.array([False, True, True, False]), 0.5) > 3.0
    True
    """
    ascending = np.sort(percents[defective])
    allowed = math.floor(max_false_accept_rate * len(ascending))
    return float(np.nextafter(ascending[min(allowed, len(ascending) - 1)], -np.inf))


def measure(heuristic: Heuristic, frames: Iterable[JudgedFrame]) -> HeuristicScore:
    """Verdicts and pixels of a heuristic against the painted masks; void pixels count for nothing.

    `pooled_defect_iou` pools all frames, defect against none; None where nothing is painted and nothing is marked.
    """
    rejected, truth = [], []
    overlap = union = 0
    for frame in frames:
        result = heuristic.inspect(frame.image, frame.part)
        rejected.append(result.reject)
        truth.append(frame.reject)
        valid = frame.labels != VOID_ID
        overlap += int(np.count_nonzero(result.blob_mask & frame.defect & valid))
        union += int(np.count_nonzero((result.blob_mask | frame.defect) & valid))
    said, true = np.array(rejected, dtype=bool), np.array(truth, dtype=bool)
    return HeuristicScore(
        frames=len(true),
        acceptable=int(np.count_nonzero(~true)),
        false_rejects=int(np.count_nonzero(said & ~true)),
        defective=int(np.count_nonzero(true)),
        false_accepts=int(np.count_nonzero(~said & true)),
        pooled_defect_iou=overlap / union if union else None,
    )


def _separation(percents: npt.NDArray[Any], truth: Mask) -> float:
    """How far apart the marked areas of defective and acceptable frames lie, as a tie-breaker."""
    spread = float(percents.std()) or 1.0
    return (float(np.median(percents[truth])) - float(np.median(percents[~truth]))) / spread


def _lines_of(frames: Sequence[JudgedFrame]) -> dict[str, Mask]:
    """For each press line, which of the frames are its."""
    lines = np.array([frame.line for frame in frames])
    return {str(line): lines == line for line in np.unique(lines)}


def _limit_for_every_line(frames: Sequence[JudgedFrame], percents: npt.NDArray[Any], rate: float) -> float:
    """The highest area limit that keeps to the false-accept rate on every line by itself."""
    truth = np.array([frame.reject for frame in frames], dtype=bool)
    return min(choose_limit(percents[mine], truth[mine], rate) for mine in _lines_of(frames).values())


def _check_both_verdicts(frames: Sequence[JudgedFrame]) -> None:
    truth = np.array([frame.reject for frame in frames], dtype=bool)
    raise_collected(
        Problem(
            f"tuning frames of line '{line}'",
            "hold one kind of verdict only",
            "both frames above and frames below the area limit",
            f"{np.count_nonzero(truth[mine])} defective of {np.count_nonzero(mine)}",
            "give more frames of this line",
        )
        for line, mine in (_lines_of(frames) or {"": truth}).items()
        if truth[mine].all() or not truth[mine].any()
    )
