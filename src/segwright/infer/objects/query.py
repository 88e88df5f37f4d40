"""What queries say -> objects, or one segment a pixel, at the frame's own size.

Arrays of one frame: class logits (queries, channels + 1), "no object" last, and mask logits (queries, rows, columns)
over the whole network input. Mask logits are enlarged first and cut to True and False after, one mask at a time: memory
is a few frames, however many queries there are.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from segwright.core import (
    ClassTable,
    ConfigError,
    Instance,
    InstanceSet,
    PanopticMap,
    Segment,
    Size,
    adopt,
    instance_from_mask,
)

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Place:
    """Where masks lie: over a network input of size `input_px`, whose upper left part is a `frame`, the rest padding.

    `native` is the frame's own size where it was resized to `frame` for the network; None where it was not.
    """

    frame: Size
    input_px: Size
    native: Size | None = None

    @staticmethod
    def whole(frame: Size) -> Place:
        """The network's input is the frame."""
        return Place(frame, frame)

    @property
    def size(self) -> Size:
        """What comes out: the frame's own size."""
        return self.native or self.frame

    def enlarged(self, mask: Floats) -> Floats:
        """One mask's logits (rows, columns) at the frame's own size, bilinear between the logits' centres."""
        over = _resized(mask, self.input_px)[: self.frame.height, : self.frame.width]
        return over if self.native is None else _resized(over, self.native)


def _resized(values: Floats, size: Size) -> Floats:
    if values.shape == (size.height, size.width):
        return np.asarray(values, np.float32)
    larger = cv2.resize(np.ascontiguousarray(values, np.float32), (size.width, size.height))
    return np.asarray(larger, np.float32)


@dataclass(frozen=True, eq=False)
class QueryCandidates:
    """Scored candidates, surest first: `scores` (n,) 0..1, `channels` (n,), `mask_logits` (n, rows, columns)."""

    scores: Floats
    channels: npt.NDArray[np.int64]
    mask_logits: Floats

    def __len__(self) -> int:
        return len(self.scores)


def candidates(
    class_logits: Floats, mask_logits: Floats, channels: Collection[int] | None = None, *, most: int = 100
) -> QueryCandidates:
    """The `most` surest pairs of a query and one of `channels` (None: any): a query may stand for several classes.

    The score is the query's probability of the class, "no object" being one of them. Masks are views, not copies, where
    they can be.

    Source: Cheng et al. 2021 (MaskFormer), as its code has it for instances (`instance_inference`).
    """
    shares = _softmax(class_logits)[:, :-1]
    wanted = np.arange(shares.shape[1]) if channels is None else np.array(sorted(channels), dtype=np.int64)
    scores = shares[:, wanted].ravel()
    order = np.argsort(-scores, kind="stable")[:most]
    return QueryCandidates(
        scores[order], wanted[order % max(1, len(wanted))], mask_logits[order // max(1, len(wanted))]
    )


def instances(
    found: QueryCandidates,
    place: Place,
    classes: ClassTable,
    *,
    score: float = 0.0,
    mask: float = 0.5,
) -> InstanceSet:
    """The candidates as objects at the frame's own size, surest first; they may overlap, and none is an empty one.

    An object's score is the candidate's times the mean probability of its mask where that is above `mask`; those below
    `score` are left out, and so are candidates of the background.

    Source: Cheng et al. 2021 (MaskFormer), `instance_inference`.

    Raises:
        ConfigError: thresholds outside their range.
    """
    _check(score=score, mask=mask)
    made = (_object(found, at, place, classes, mask) for at in range(len(found)))
    kept = [one for one in made if one is not None and (one.score or 0.0) >= score]
    return InstanceSet(place.size, tuple(sorted(kept, key=lambda one: -(one.score or 0.0))), classes)


def _object(found: QueryCandidates, at: int, place: Place, classes: ClassTable, mask: float) -> Instance | None:
    class_id = classes.ids[int(found.channels[at])]
    if class_id == classes.background_id:
        return None
    logits = place.enlarged(found.mask_logits[at])
    inside = logits > _logit(mask)
    if not inside.any():
        return None
    score = float(found.scores[at]) * float(_sigmoid(logits[inside]).mean(dtype=np.float64))
    return instance_from_mask(inside, class_id, score=score)


def panoptic(
    class_logits: Floats,
    mask_logits: Floats,
    place: Place,
    classes: ClassTable,
    *,
    score: float = 0.8,
    overlap: float = 0.8,
    mask: float = 0.5,
) -> PanopticMap:
    """One segment a pixel at the frame's own size: the query with the largest product of score and mask probability.

    Queries that are likelier "no object" than any class, or no surer than `score`, have no part. A query loses its
    pixels where another is surer; one that keeps less than the share `overlap` of its mask is dropped whole, and its
    pixels are void, as are pixels where the winner's own mask is below `mask`. Queries of one stuff class become one
    segment. No segment at all is a valid answer: a map of void.

    Source: Cheng et al. 2021 (MaskFormer), section 3.4, "General inference", with 0.8 and 0.8 as its code for COCO.

    Raises:
        ConfigError: thresholds outside their range.
    """
    ids = np.zeros((place.size.height, place.size.width), np.uint32)
    segments: dict[object, Segment] = {}
    for part in parts(class_logits, mask_logits, place, score=score, overlap=overlap, mask=mask):
        spec = classes.classes[part.channel]
        key = spec.class_id if spec.kind == "stuff" else ("thing", part.query)
        segment = segments.setdefault(key, Segment(len(segments) + 1, spec.class_id))
        ids[part.pixels] = segment.segment_id
    return PanopticMap(adopt(ids), tuple(segments.values()), classes)


class Part(NamedTuple):
    """The pixels (height, width) that a query keeps, its likeliest channel, and the probability of that."""

    query: int
    channel: int
    score: float
    pixels: npt.NDArray[np.bool_]


def parts(
    class_logits: Floats, mask_logits: Floats, place: Place, *, score: float, overlap: float, mask: float
) -> Iterator[Part]:
    """What `panoptic` makes segments of: no two share a pixel.

    Raises:
        ConfigError: thresholds outside their range.
    """
    _check(score=score, overlap=overlap, mask=mask)
    shares = _softmax(class_logits)
    labels, sure = shares.argmax(1), shares.max(1)
    kept = np.flatnonzero((labels < shares.shape[1] - 1) & (sure > score))
    winner = _winners(mask_logits, kept, sure, place)
    for at, region in _regions(mask_logits, kept, winner, place, mask, overlap):
        yield Part(at, int(labels[at]), float(sure[at]), region)


def _winners(mask_logits: Floats, kept: npt.NDArray[np.intp], sure: Floats, place: Place) -> npt.NDArray[np.int64]:
    """Which of the queries `kept` has each pixel (height, width); -1 where there are none."""
    best = np.full((place.size.height, place.size.width), -1.0, np.float32)
    winner = np.full(best.shape, -1, np.int64)
    for at in kept:
        here = _sigmoid(place.enlarged(mask_logits[at])) * sure[at]
        better = here > best
        best[better], winner[better] = here[better], at
    return winner


def _regions(
    mask_logits: Floats,
    kept: npt.NDArray[np.intp],
    winner: npt.NDArray[np.int64],
    place: Place,
    mask: float,
    overlap: float,
) -> Iterator[tuple[int, npt.NDArray[np.bool_]]]:
    """The queries that keep enough of their masks, each with its pixels."""
    for at in kept:
        inside = place.enlarged(mask_logits[at]) >= _logit(mask)
        won = winner == at
        region = won & inside
        if region.any() and np.count_nonzero(won) >= overlap * np.count_nonzero(inside):
            yield int(at), region


def _check(**shares: float) -> None:
    wrong = [f"{name} {value}" for name, value in shares.items() if not 0 <= value <= 1]
    wrong += [f"mask {shares['mask']}"] if shares["mask"] in (0, 1) else []
    if wrong:
        raise ConfigError.of(
            "queries",
            "are decided by numbers outside their range",
            allowed="score and overlap 0 to 1, mask between 0 and 1",
            found=", ".join(wrong),
            fix="leave them out: score 0.8, overlap 0.8, mask 0.5",
        )


def _logit(share: float) -> float:
    return float(np.log(share / (1 - share)))


def _sigmoid(logits: Floats) -> Floats:
    return (0.5 * (1 + np.tanh(0.5 * logits))).astype(np.float32, copy=False)


def _softmax(logits: Floats) -> Floats:
    raised = np.exp(logits - logits.max(axis=-1, keepdims=True, initial=-np.inf))
    return (raised / raised.sum(axis=-1, keepdims=True)).astype(np.float32, copy=False)
