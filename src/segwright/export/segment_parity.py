"""The proof that an exported panoptic pipeline gives the segments the trained one gives, over whole frames."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from segwright.core import Listener, silent
from segwright.evaluate.panoptic.matching import match_segments
from segwright.evaluate.panoptic.predicted import frame_of
from segwright.export.object_parity import ObjectFrameOfProof
from segwright.export.proof import Proof, over_frames
from segwright.infer.objects import PanopticPredictor


@dataclass(frozen=True)
class SegmentTolerance:
    """How far an exported panoptic pipeline may be from its reference.

    alone_share: of all segments, how many may be there in only one of them, or with an IoU below `iou`.
    few: so many segments alone pass whatever their share: a candidate on the edge of its threshold is no fault.
    pixel_share: of all pixels, how many may be in segments of another class, or in none, or not match.
    """

    alone_share: float = 0.01
    few: int = 2
    iou: float = 0.95
    pixel_share: float = 0.005


@dataclass(frozen=True)
class SegmentProof(Proof):
    """What was compared, by how much it differs, and whether that is within `tolerance`."""

    reference: str
    exported: str
    frames: int
    segments: int
    alone: int
    smallest_iou: float | None
    pixel_share: float
    tolerance: SegmentTolerance
    worst: tuple[str, ...]

    @property
    def reasons(self) -> tuple[str, ...]:
        """What exceeds the tolerance."""
        limits, found = self.tolerance, []
        few = self.alone <= limits.few
        if self.alone > limits.alone_share * self.segments and not few:
            found.append(f"{self.alone} of {self.segments} segments are given by one pipeline only")
        if self.pixel_share > limits.pixel_share and not few:
            found.append(f"{self.pixel_share:.2%} of the pixels are in other segments")
        return tuple(found)


@dataclass(frozen=True)
class _Compared:
    """A frame: the IoU of each pair of segments, segments of one side only, and pixels that are in no pair."""

    stem: str
    ious: tuple[float, ...]
    alone: int
    differing_px: int
    frame_px: int


def segment_parity(
    reference: PanopticPredictor,
    exported: PanopticPredictor,
    frames: Iterable[ObjectFrameOfProof],
    tolerance: SegmentTolerance = SegmentTolerance(),
    *,
    total: int = 0,
    listener: Listener = silent,
) -> SegmentProof:
    """Run both pipelines on whole `frames` and compare their maps, segment by segment of one class.

    Raises:
        ConfigError: there is no frame to compare on.
    """

    def compared(frame: ObjectFrameOfProof) -> _Compared:
        return _compared(frame, reference, exported, tolerance.iou)

    seen = over_frames(frames, compared, total=total, listener=listener)
    return SegmentProof(
        reference.runtime.name,
        exported.runtime.name,
        len(seen),
        sum(len(row.ious) + row.alone for row in seen),
        sum(row.alone for row in seen),
        min((iou for row in seen for iou in row.ious), default=None),
        sum(row.differing_px for row in seen) / sum(row.frame_px for row in seen),
        tolerance,
        tuple(row.stem for row in sorted(seen, key=lambda row: -row.differing_px)[:3] if row.differing_px),
    )


def _compared(
    frame: ObjectFrameOfProof, reference: PanopticPredictor, exported: PanopticPredictor, least_iou: float
) -> _Compared:
    ours, theirs = (frame_of(frame.stem, each.predict(frame.image).panoptic) for each in (reference, exported))
    found = match_segments(theirs, ours, "bdd100k")
    ious = found.intersection_px / np.maximum(1, found.union_px)
    good = ious >= least_iou
    alone = len(ours.table.ids) + len(theirs.table.ids) - 2 * int(np.count_nonzero(good))
    both_void = int(np.count_nonzero((ours.ids == 0) & (theirs.ids == 0)))
    agreeing = int(found.intersection_px.sum()) + both_void
    return _Compared(frame.stem, tuple(ious[good].tolist()), alone, ours.ids.size - agreeing, ours.ids.size)
