"""The worst frames of an instance evaluation: objects as they are, as they were found, and what became of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from segwright.core import Box, Image
from segwright.data.listing import stem_of
from segwright.evaluate.instances.frame import Detections, InstanceFrame, Runs, Truths
from segwright.evaluate.instances.outcomes import ObjectOutcomes, outcomes_of
from segwright.evaluate.instances.pairs import InstancePairs
from segwright.evaluate.instances.runs import boxes_around, pixels_of
from segwright.evaluate.objects import ObjectEvaluation
from segwright.evaluate.report.object_pictures import (
    FOUND,
    INVENTED,
    LEFT_OUT,
    MISSED,
    WORST_FRAMES,
    ObjectPanel,
    PicturesByName,
    Views,
    colour_of,
    ground,
    worst_rows,
)
from segwright.evaluate.report.paint import Colour, Region, paint, pale
from segwright.evaluate.report.pictures import window
from segwright.infer.overlay import as_display


def instance_panels(
    evaluation: ObjectEvaluation, pairs: InstancePairs, images: PicturesByName, count: int = WORST_FRAMES
) -> Iterator[ObjectPanel]:
    """The `count` worst frames, worst first; detections from the confidence of the best F1 up."""
    for position, row in worst_rows(evaluation)[:count]:
        frame = pairs.frames.frame(position)
        name = stem_of(frame.name)
        views = instance_views(frame, images.of(name, frame.size), pairs, least_score(evaluation, pairs))
        yield ObjectPanel(name, row, views.pictures())


def least_score(evaluation: ObjectEvaluation, pairs: InstancePairs) -> float | None:
    """The confidence from which on detections are shown; None where every one is."""
    return evaluation.details.get("best_f1", {}).get(pairs.kinds[0], {}).get("score")


def instance_views(
    frame: InstanceFrame, image: Image | None, pairs: InstancePairs, least: float | None, shown: Box | None = None
) -> Views:
    """The frame painted, or the part `shown`; None takes the window with the most pixels missed and invented."""
    kind = pairs.kinds[0]
    found = outcomes_of(frame, kind, pairs.rule, boundary_ratio=pairs.boundary_ratio, least_score=least)
    classes, masks = pairs.frames.truth.classes, kind != "box"
    taken = sorted((*found.found, *found.invented, *found.forgiven))
    truths = regions_of(frame.truths, range(len(frame.truths.channel)), masks=masks)
    detections = dict(zip(taken, regions_of(frame.detections, taken, masks=masks), strict=True))
    wrong = [*(truths[each] for each in found.missed), *(detections[each] for each in found.invented)]
    box = shown or window(_marked(wrong, (frame.size.height, frame.size.width)))
    base = ground(image, box, frame.size)
    true = [
        _coloured(region, LEFT_OUT if each in found.ignored else colour_of(classes, int(channel), each))
        for each, (region, channel) in enumerate(zip(truths, frame.truths.channel, strict=True))
    ]
    predicted = [
        _coloured(region, colour_of(classes, int(frame.detections.channel[each]), each))
        for each, region in detections.items()
    ]
    return Views(
        image, box, frame.size,
        paint(as_display(base), true, box), paint(as_display(base), predicted, box),
        paint(pale(base), _difference(found, truths, detections), box),
    )  # fmt: skip


def _difference(found: ObjectOutcomes, truths: Sequence[Region], detections: dict[int, Region]) -> list[Region]:
    """What is left out lies below what is right, and that below what is wrong."""
    layers = (
        (LEFT_OUT, [truths[each] for each in found.ignored]),
        (LEFT_OUT, [detections[each] for each in found.forgiven]),
        (FOUND, [detections[each] for each in found.found]),
        (MISSED, [truths[each] for each in found.missed]),
        (INVENTED, [detections[each] for each in found.invented]),
    )
    return [_coloured(region, colour) for colour, regions in layers for region in regions]


def _coloured(region: Region, colour: Colour) -> Region:
    return replace(region, colour=colour)


def regions_of(objects: Truths | Detections, chosen: Sequence[int], *, masks: bool) -> list[Region]:
    """The objects at `chosen`, by their masks where they have some and masks are scored, else by their boxes."""
    if masks and objects.masks is not None:
        return [_of_mask(objects.masks[each]) for each in chosen]
    boxes: npt.NDArray[np.float64] = np.empty((0, 4)) if objects.boxes is None else objects.boxes
    return [_of_box(boxes[each]) for each in chosen]


def _of_mask(runs: Runs) -> Region:
    left, top, width, height = boxes_around([runs])[0].astype(int).tolist()
    box = Box(top, left, top + max(height, 1), left + max(width, 1))
    return Region(box, pixels_of(runs, slice(box.left, box.right))[box.top : box.bottom] > 0, LEFT_OUT)


def _of_box(found: npt.NDArray[np.float64]) -> Region:
    left, top = np.floor(found[:2]).astype(int).clip(0).tolist()
    right, bottom = np.ceil(found[:2] + found[2:]).astype(int).tolist()
    return Region(Box(top, left, max(bottom, top + 1), max(right, left + 1)), None, LEFT_OUT)


def _marked(regions: Sequence[Region], shape: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """Pixels of any of the regions (height, width)."""
    marked = np.zeros(shape, np.bool_)
    for region in regions:
        part = marked[region.box.top : region.box.bottom, region.box.left : region.box.right]
        part |= True if region.pixels is None else region.pixels[: part.shape[0], : part.shape[1]]
    return marked
