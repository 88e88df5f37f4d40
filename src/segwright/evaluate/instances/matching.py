"""Which detection found which truth, in one frame, at every IoU threshold and area range.

Detections of a class take turns, the best score first (among equals the earlier in the file). Each takes the free
truth it overlaps most, from the threshold up (among equals the later in the file); truths that count come before those
that are out of the count (crowds, and areas outside the range). A crowd is never used up. A detection that took a truth
out of the count is out of the count itself; so is one that took nothing and whose own area is outside the range.

Source: `evaluateImg` of pycocotools.cocoeval and `evaluate_img` of lvis-dataset/lvis-api.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from segwright.evaluate.instances.batches import Batch
from segwright.evaluate.instances.frame import InstanceFrame
from segwright.evaluate.instances.overlap import Pairs, overlaps
from segwright.evaluate.instances.rules import AREAS, IOU_THRESHOLDS, Kind, Rule
from segwright.evaluate.kernels import compiled, pays

Bits = npt.NDArray[np.uint16]


@dataclass(frozen=True, eq=False)
class Matches:
    """What one kind of score needs of one frame; equal by value.

    Detections, ordered by class and falling score: `channel` and `rank` (0 is the class's best in this frame) int64
    (detections,), `score` float64 (detections,), `matched` and `ignored` uint16 (detections, areas), whose bit t is
    for IoU threshold t. Truths: `truth_channel` int64 (truths,), `truth_counted` bool (truths, areas).
    """

    channel: npt.NDArray[np.int64]
    score: npt.NDArray[np.float64]
    rank: npt.NDArray[np.int64]
    matched: Bits
    ignored: Bits
    truth_channel: npt.NDArray[np.int64]
    truth_counted: npt.NDArray[np.bool_]

    def outcome(self, threshold: int = 0, area: int = 0, least_score: float = -np.inf) -> tuple[int, int, int]:
        """True positives, false positives and misses of all classes at one IoU threshold and area range.

        Detections below `least_score` are left out: who comes later in turn takes nothing from those before.
        """
        bit = np.uint16(1 << threshold)
        counted = ((self.ignored[:, area] & bit) == 0) & (self.score >= least_score)
        hits = int(np.count_nonzero(counted & ((self.matched[:, area] & bit) != 0)))
        return hits, int(np.count_nonzero(counted)) - hits, int(self.truth_counted[:, area].sum()) - hits

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Matches):
            return NotImplemented
        return all(np.array_equal(getattr(self, name), getattr(other, name)) for name in self.__dataclass_fields__)

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True, eq=False)
class Turns:
    """What `match` works on: pairs, their overlaps, and the truths and detections in the order of the pairs."""

    overlaps: npt.NDArray[np.float64]
    pairs: Pairs
    truth_area: npt.NDArray[np.float64]
    truth_ignored: npt.NDArray[np.bool_]
    truth_crowd: npt.NDArray[np.bool_]
    detection_area: npt.NDArray[np.float64]
    detection_lenient: npt.NDArray[np.bool_]


def match_frame(frame: InstanceFrame, kind: Kind, rule: Rule, *, boundary_ratio: float) -> Matches:
    """The matches of one frame."""
    return match_batch(Batch.of([frame]), kind, rule, boundary_ratio=boundary_ratio)[0]


def match_batch(batch: Batch, kind: Kind, rule: Rule, *, boundary_ratio: float) -> list[Matches]:
    """The matches of each frame of a batch."""
    detections, rank = _turn_order(batch, rule)
    truths = np.argsort(batch.truth_group, kind="stable")
    turns = _turns(batch, Pairs.of(batch, detections, truths), kind, boundary_ratio)
    matched, ignored = match(turns) if pays(batch.objects_so_far) else match_plainly(turns)
    area = turns.truth_area[:, None]
    counted = ~turns.truth_ignored[:, None] & (area >= AREAS[:, 0]) & (area <= AREAS[:, 1])
    found = batch.detections.channel[detections], batch.detections.score[detections], rank, matched, ignored
    true = batch.truths.channel[truths], counted
    columns = zip(
        *(_by_frame(column, batch.detection_frame[detections], len(batch.frames)) for column in found),
        *(_by_frame(column, batch.truth_frame[truths], len(batch.frames)) for column in true),
        strict=True,
    )
    return [Matches(*parts) for parts in columns]


def _by_frame(column: npt.NDArray, frame: npt.NDArray[np.int64], frames: int) -> list[npt.NDArray]:
    """A column in parts, one a frame; `frame` ascends."""
    edges = np.searchsorted(frame, np.arange(frames + 1)).tolist()
    return [column[first:end] for first, end in pairwise(edges)]


def match(turns: Turns) -> tuple[Bits, Bits]:
    """Matched and ignored bits (detections, areas) of a frame."""
    if not compiled():
        return match_plainly(turns)
    from segwright.evaluate.kernels import matching

    overlap_start, detection_start, truth_start, truth_end = turns.pairs.starts
    return matching.match(
        turns.overlaps, overlap_start, detection_start, truth_start, truth_end,
        turns.truth_area, turns.truth_ignored, turns.truth_crowd, turns.detection_area, turns.detection_lenient,
        IOU_THRESHOLDS, AREAS,
    )  # fmt: skip


def match_plainly(turns: Turns) -> tuple[Bits, Bits]:
    """What `match` gives, by numpy: all thresholds and areas of a detection at once."""
    shape = (len(AREAS), len(IOU_THRESHOLDS))
    found = np.zeros((*shape, turns.detection_area.size), dtype=np.bool_)
    left_out = np.zeros_like(found)
    least = np.minimum(IOU_THRESHOLDS, 1 - 1e-10)[None, :, None]
    beyond = _beyond(turns.truth_area) | turns.truth_ignored
    for detections, truths, cells in turns.pairs.groups():
        crowd, unscored = turns.truth_crowd[truths], beyond[:, truths]
        taken = np.zeros((*shape, len(crowd)), dtype=np.bool_)
        rows = turns.overlaps[cells].reshape(-1, len(crowd))
        for detection, shared in zip(range(detections.start, detections.stop), rows, strict=True):
            fits = (shared >= least) & (~taken | crowd)
            regular = fits & ~unscored[:, None]
            has_regular: npt.NDArray[np.bool_] = np.any(regular, axis=2)
            fits = np.where(has_regular[:, :, None], regular, fits)
            best = len(crowd) - 1 - np.where(fits, shared, -1.0)[:, :, ::-1].argmax(axis=2)
            has = fits.any(axis=2)
            area, threshold = np.nonzero(has)
            taken[area, threshold, best[area, threshold]] = True
            found[:, :, detection] = has
            left_out[:, :, detection] = has & ~has_regular
    lenient = _beyond(turns.detection_area) | turns.detection_lenient
    return _as_bits(found), _as_bits(left_out | (~found & lenient[:, None]))


def _beyond(area_px: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Whether each area lies outside each range, (areas, objects)."""
    return (area_px < AREAS[:, :1]) | (area_px > AREAS[:, 1:])


def _as_bits(flags: npt.NDArray[np.bool_]) -> Bits:
    """(areas, thresholds, detections) -> (detections, areas)."""
    weights = (1 << np.arange(flags.shape[1])).astype(np.uint16)
    return (flags * weights[:, None]).sum(axis=1, dtype=np.uint16).T.copy()


def turn_order(frame: InstanceFrame, rule: Rule) -> tuple[npt.NDArray, npt.NDArray]:
    """Positions of a frame's detections that count, by class and falling score, and each one's rank in its class."""
    return _turn_order(Batch.of([frame]), rule)


def _turn_order(batch: Batch, rule: Rule) -> tuple[npt.NDArray, npt.NDArray]:
    """Positions of the detections that count, by frame, class and falling score, and each one's rank in its class."""
    group, score = batch.detection_group, batch.detections.score
    kept = np.arange(len(score))
    if rule.most_in_frame is not None:
        kept = np.lexsort((-score, batch.detection_frame))
        kept = kept[_rank(batch.detection_frame[kept]) < rule.most_in_frame]
    if rule.federated:
        looked_for = np.concatenate([batch.groups_of(lambda frame: frame.absent), batch.truth_group])
        kept = kept[np.isin(group[kept], looked_for)]
    kept = kept[np.lexsort((-score[kept], group[kept]))]
    rank = _rank(group[kept])
    counted = rank < rule.most_detections[-1]
    return kept[counted], rank[counted]


def _rank(ordered: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Each one's place among equal numbers; `ordered` ascends."""
    return np.arange(len(ordered)) - np.searchsorted(ordered, ordered, side="left")


def _turns(batch: Batch, pairs: Pairs, kind: Kind, boundary_ratio: float) -> Turns:
    return Turns(
        overlaps=overlaps(batch, kind, pairs, boundary_ratio=boundary_ratio),
        pairs=pairs,
        truth_area=batch.truths.area_px[pairs.truths],
        truth_ignored=batch.truths.ignored[pairs.truths],
        truth_crowd=batch.truths.crowd[pairs.truths],
        detection_area=batch.detections.area_px[pairs.detections],
        detection_lenient=_lenient(batch, pairs),
    )


def _lenient(batch: Batch, pairs: Pairs) -> npt.NDArray[np.bool_]:
    """Whether each detection is of a class that was not marked exhaustively."""
    groups = batch.groups_of(lambda frame: frame.not_exhaustive)
    if not len(groups):
        return np.zeros(len(pairs.detections), dtype=np.bool_)
    return np.isin(batch.detection_group[pairs.detections], groups)
