"""AP and AR of frames drawn again: ranked once, then counted with a weight a frame for every draw.

Precision is a figure of the ranking of all detections together, so no sum over frames gives it: each draw goes down
the ranking anew. The ranking itself does not change, and a frame drawn twice counts twice where it stands.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segwright.data.workers import in_threads
from segwright.evaluate.instances.kept import KeptMatches
from segwright.evaluate.instances.rules import AP50, AP75, IOU_THRESHOLDS, RECALL_THRESHOLDS
from segwright.evaluate.kernels import compiled

Array = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

# draws counted in one go: a few million numbers of working memory at a thousand classes
ROUNDS_AT_ONCE = 50


@dataclass(frozen=True, eq=False)
class Ranked:
    """Detections by class, then falling score, then frame; `start` (classes + 1,) is where each class begins."""

    start: Integers
    frame: Integers
    matched: npt.NDArray[np.uint16]
    ignored: npt.NDArray[np.uint16]
    truths: Integers

    @staticmethod
    def of(matches: KeptMatches) -> Ranked:
        """The ranking of all frames."""
        return _ranked(matches, matches.channel, matches.truths)

    @staticmethod
    def of_both(one: KeptMatches, other: KeptMatches) -> Ranked:
        """Each frame of one model, then the same of the other: to be drawn from both, ties in the order of frames."""
        truths = np.stack([one.truths, other.truths], axis=1).reshape(-1, one.truths.shape[1])
        frame = np.concatenate([2 * one.frame, 2 * other.frame + 1])
        names = ("channel", "score", "matched", "ignored")
        columns = (np.concatenate([getattr(one, name), getattr(other, name)]) for name in names)
        return Ranked.of(KeptMatches(frame, *columns, truths=truths))

    def scores(self, weights: npt.NDArray[np.integer], limit: int) -> dict[str, Array]:
        """`ap`, `ap50`, `ap75` and `ar@limit` (rounds, classes), NaN where absent; `weights` (rounds, frames)."""
        parts = [weights[at : at + ROUNDS_AT_ONCE].astype(np.int64) for at in range(0, len(weights), ROUNDS_AT_ONCE)]
        counted = list(in_threads(self._part, parts))
        names = ("ap", "ap50", "ap75", f"ar@{limit}")
        return {name: np.concatenate([part[place] for part in counted]) for place, name in enumerate(names)}

    def _part(self, weights: Integers) -> tuple[Array, Array, Array, Array]:
        precision, recall = _weighted(self, weights)
        return precision.mean(axis=2), precision[:, :, AP50].copy(), precision[:, :, AP75].copy(), recall.mean(axis=2)


def image_ap(matches: KeptMatches) -> list[float | None]:
    """Of each frame alone, the mean of AP over the classes it has a truth of that counts; None where it has none."""
    classes = matches.truths.shape[1]
    keys = np.flatnonzero(matches.truths.ravel())  # (frame, class) as one number
    own = matches.frame * classes + matches.channel
    place = np.searchsorted(keys, own)
    known = (place < len(keys)) & (keys[np.minimum(place, len(keys) - 1)] == own) if len(keys) else own < 0
    part = KeptMatches(
        matches.frame[known], place[known], matches.score[known], matches.matched[known], matches.ignored[known],
        matches.truths,
    )  # fmt: skip
    ranked = _ranked(part, part.channel, matches.truths.ravel()[keys][np.newaxis])
    once = Ranked(ranked.start, np.zeros_like(ranked.frame), ranked.matched, ranked.ignored, ranked.truths)
    precision, _ = _weighted(once, np.ones((1, 1), np.int64))
    values = precision[0].mean(axis=1)
    frames = keys // classes
    total, count = (np.bincount(frames, weights=each, minlength=len(matches.truths)) for each in (values, None))
    return [float(summed / times) if times else None for summed, times in zip(total, count, strict=True)]


def _ranked(matches: KeptMatches, channel: Integers, truths: Integers) -> Ranked:
    order = np.lexsort((matches.frame, -matches.score, channel))
    start = np.searchsorted(channel[order], np.arange(truths.shape[1] + 1)).astype(np.int64)
    return Ranked(start, matches.frame[order], matches.matched[order], matches.ignored[order], truths)


def _weighted(ranked: Ranked, weights: Integers) -> tuple[Array, Array]:
    """AP and recall (rounds, classes, thresholds)."""
    truths = weights @ ranked.truths
    if not compiled():
        return weighted_plainly(ranked, weights, truths)
    from segwright.evaluate.kernels.weighted import weighted

    columns = ranked.start, ranked.frame, ranked.matched, ranked.ignored
    return weighted(*columns, truths, weights, len(IOU_THRESHOLDS), RECALL_THRESHOLDS)


def weighted_plainly(ranked: Ranked, weights: Integers, truths: Integers) -> tuple[Array, Array]:
    """What the kernel gives, by numpy: all thresholds of a class and draw at once."""
    precision = np.full((*truths.shape, len(IOU_THRESHOLDS)), np.nan)
    recall = np.full(precision.shape, np.nan)
    bits = (1 << np.arange(len(IOU_THRESHOLDS))).astype(np.uint16)[:, None]
    for turn, channel in np.argwhere(truths).tolist():
        rows = slice(ranked.start[channel], ranked.start[channel + 1])
        times = weights[turn, ranked.frame[rows]]
        counted, matched = (ranked.ignored[rows] & bits) == 0, (ranked.matched[rows] & bits) != 0
        hits = np.cumsum(np.where(counted & matched, times, 0), axis=1)
        wrong = np.cumsum(np.where(counted & ~matched, times, 0), axis=1)
        best = np.maximum.accumulate((hits / (wrong + hits + np.spacing(1)))[:, ::-1], axis=1)[:, ::-1]
        best = np.concatenate([best, np.zeros((len(best), 1))], axis=1)
        total = truths[turn, channel]
        at = np.array([np.searchsorted(row / total, RECALL_THRESHOLDS) for row in hits])
        precision[turn, channel] = np.take_along_axis(best, at, axis=1).mean(axis=1)
        recall[turn, channel] = hits[:, -1] / total if hits.shape[1] else 0.0
    return precision, recall
