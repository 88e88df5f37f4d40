"""The frames of instances or panoptic maps that changed: truth, both predictions, and what became of each object."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol

from segwright.core import Image, SegwrightError
from segwright.data.listing import stem_of
from segwright.evaluate.compare_objects import ObjectFrameChange, name_of
from segwright.evaluate.difference import CHANGE_COLOURS, Outcome, PixelChange
from segwright.evaluate.earlier import reason
from segwright.evaluate.earlier_objects import EarlierInstances, EarlierPanoptic
from segwright.evaluate.instances.frame import InstanceFrame
from segwright.evaluate.instances.outcomes import ObjectOutcomes, outcomes_of
from segwright.evaluate.instances.pairs import InstancePairs
from segwright.evaluate.objects import ObjectEvaluation
from segwright.evaluate.panoptic.pairs import PanopticPairs
from segwright.evaluate.report.changed import ChangedPictures
from segwright.evaluate.report.instance_panels import instance_views, least_score, regions_of
from segwright.evaluate.report.object_pictures import INVENTED, PicturesByName, Views, ground
from segwright.evaluate.report.paint import Canvas, Region, fill, paint, pale
from segwright.evaluate.report.panoptic_panels import panoptic_views, segment_outcomes
from segwright.evaluate.report.pictures import caption, data_uri

CHANGE_MEANINGS = {
    "instance": (
        (CHANGE_COLOURS[PixelChange.FIXED], "fixed: an object that only the new prediction found"),
        (CHANGE_COLOURS[PixelChange.BROKEN], "broken: an object that only the old prediction found"),
        (CHANGE_COLOURS[PixelChange.STILL_WRONG], "still missed, in both"),
        (INVENTED, "false in the new prediction"),
        (CHANGE_COLOURS[PixelChange.VOID], "crowd or ignored: in no score"),
    ),
    "panoptic": (
        (CHANGE_COLOURS[PixelChange.FIXED], "fixed: in matched segments in the new prediction alone"),
        (CHANGE_COLOURS[PixelChange.BROKEN], "broken: in matched segments in the old prediction alone"),
        (CHANGE_COLOURS[PixelChange.STILL_WRONG], "still wrong, in both"),
        (CHANGE_COLOURS[PixelChange.VOID], "void or crowd in truth: in no score"),
    ),
}


@dataclass(frozen=True)
class ObjectChangedPanel:
    """What the report shows of one frame; `missing` says why there is no old prediction."""

    change: ObjectFrameChange
    pictures: ChangedPictures
    missing: str = ""


@dataclass(frozen=True)
class OldViews:
    """The old prediction against the truth, what changed since, and how many objects or pixels."""

    difference: Canvas
    change: Canvas
    fixed: int
    broken: int


class Changes(Protocol):
    """The frames of one task, painted for both predictions."""

    def new(self, name: str) -> Views:
        """The frame called `name` with its new prediction; raises DataError where it cannot be read."""
        ...

    def old(self, name: str, shown: Views) -> OldViews | None:
        """The same window with the old prediction; None where nobody knows where it is, DataError where it changed."""
        ...


def changed_panels(rows: Iterable[ObjectFrameChange], changes: Changes) -> Iterator[ObjectChangedPanel]:
    """A panel for each of `rows`, read again one at a time."""
    for row in rows:
        shown, before, missing = changes.new(row.stem), None, ""
        try:
            before = changes.old(row.stem, shown)
        except SegwrightError as error:
            missing = reason(error)
        truth, new = data_uri(shown.truth), data_uri(shown.difference)
        where = caption(shown.window, shown.size)
        pictures = ChangedPictures(truth, None, new, None, where, None, None)
        if before is not None:
            old, change = data_uri(before.difference), data_uri(before.change)
            pictures = ChangedPictures(truth, old, new, change, where, before.fixed, before.broken)
        yield ObjectChangedPanel(row, pictures, missing)


@dataclass(frozen=True, eq=False)
class InstanceChanges:
    """Both detections of the frames; `evaluations` are the old and the new one."""

    evaluations: tuple[ObjectEvaluation, ObjectEvaluation]
    pairs: InstancePairs
    images: PicturesByName
    earlier: EarlierInstances | None

    def new(self, name: str) -> Views:
        """See `Changes`."""
        frame = self.pairs.frames.frame(self._places[name])
        return instance_views(frame, self._image(frame), self.pairs, least_score(self.evaluations[1], self.pairs))

    def old(self, name: str, shown: Views) -> OldViews | None:
        """See `Changes`."""
        if self.earlier is None:
            return None
        place = self._places[name]
        frames = self.earlier.frame(place), self.pairs.frames.frame(place)
        least = [least_score(evaluation, self.pairs) for evaluation in self.evaluations]
        difference = instance_views(frames[0], shown.image, self.pairs, least[0], shown.window).difference
        rule, rim, kind = self.pairs.rule, self.pairs.boundary_ratio, self.pairs.kinds[0]
        was, now = (
            outcomes_of(frame, kind, rule, boundary_ratio=rim, least_score=score)
            for frame, score in zip(frames, least, strict=True)
        )
        canvas = pale(ground(shown.image, shown.window, shown.size))
        missed = set(was.missed), set(now.missed)
        paint(canvas, _changed_regions(frames[1], missed, now, masks=kind != "box"), shown.window)
        return OldViews(difference, canvas, len(missed[0] - missed[1]), len(missed[1] - missed[0]))

    def _image(self, frame: InstanceFrame) -> Image | None:
        return self.images.of(stem_of(frame.name), frame.size)

    @cached_property
    def _places(self) -> dict[str, int]:
        return {name_of(row): place for place, row in enumerate(self.evaluations[1].details["frames"])}


def _changed_regions(
    frame: InstanceFrame, missed: tuple[set[int], set[int]], now: ObjectOutcomes, *, masks: bool
) -> list[Region]:
    """What is left out lies lowest, then what is still missed, fixed and broken, and what is invented on top."""
    was, still = missed
    truths = (
        (CHANGE_COLOURS[PixelChange.VOID], now.ignored),
        (CHANGE_COLOURS[PixelChange.STILL_WRONG], sorted(was & still)),
        (CHANGE_COLOURS[PixelChange.FIXED], sorted(was - still)),
        (CHANGE_COLOURS[PixelChange.BROKEN], sorted(still - was)),
    )
    regions = [
        replace(region, colour=colour)
        for colour, chosen in truths
        for region in regions_of(frame.truths, chosen, masks=masks)
    ]
    invented = regions_of(frame.detections, now.invented, masks=masks)
    return [*regions, *(replace(region, colour=INVENTED) for region in invented)]


@dataclass(frozen=True, eq=False)
class PanopticChanges:
    """Both maps of the frames; `evaluation` is the new one."""

    evaluation: ObjectEvaluation
    pairs: PanopticPairs
    images: PicturesByName
    earlier: EarlierPanoptic | None

    def new(self, name: str) -> Views:
        """See `Changes`."""
        prediction, truth = self.pairs.pair(name)
        return panoptic_views(prediction, truth, self.images.of(name, truth.size), self.evaluation.provenance["rule"])

    def old(self, name: str, shown: Views) -> OldViews | None:
        """See `Changes`; the numbers are pixels of the whole frame."""
        if self.earlier is None:
            return None
        prediction, truth = self.pairs.pair(name)
        past, rule = self.earlier.frame(name), self.evaluation.provenance["rule"]
        difference = panoptic_views(past, truth, shown.image, rule, shown.window).difference
        before, after = (segment_outcomes(side, truth, rule) for side in (past, prediction))
        was, now, void = before == Outcome.RIGHT, after == Outcome.RIGHT, after == Outcome.VOID
        canvas = pale(ground(shown.image, shown.window, shown.size))
        marks = {
            PixelChange.FIXED: now & ~was & ~void,
            PixelChange.BROKEN: was & ~now & ~void,
            PixelChange.STILL_WRONG: ~was & ~now & ~void,
            PixelChange.VOID: void,
        }
        for code, mask in marks.items():
            faint = 0.45 if code == PixelChange.VOID else 0.85
            fill(canvas, mask[shown.window.slices], CHANGE_COLOURS[code], faint)
        return OldViews(difference, canvas, int(marks[PixelChange.FIXED].sum()), int(marks[PixelChange.BROKEN].sum()))
