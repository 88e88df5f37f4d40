"""Objects and segments over their frame: a colour an object, an outline, its class and how sure."""

from __future__ import annotations

import colorsys
from collections.abc import Mapping, Sequence

import cv2
import numpy as np
import numpy.typing as npt

from segwright.core import Box, ClassTable, Image, Instance, InstanceSet, PanopticMap, instances_from_panoptic
from segwright.core.conversions import NO_SCORES
from segwright.infer.overlay import as_display

# Neighbours in order get hues far apart: the golden section never repeats.
GOLDEN = 0.618033988749895
CROWD_COLOUR = (128, 128, 128)


def drawn(image: Image, objects: InstanceSet, *, opacity: float = 0.5) -> npt.NDArray[np.uint8]:
    """`image` with each object in a colour of its own, the least sure below; crowds are grey.

    Objects are numbered from 1 in their order. A small object carries its number alone, a tiny one nothing.
    """
    canvas = as_display(image)
    for at in reversed(range(len(objects))):
        one = objects.instances[at]
        colour = CROWD_COLOUR if one.crowd else object_colour(at)
        paint(canvas, one.box, one.mask, colour, opacity)
    for number, one in enumerate(objects, start=1):
        label(canvas, one.box, _texts(one, number, objects.classes))
    return canvas


def drawn_panoptic(
    image: Image, panoptic: PanopticMap, scores: Mapping[int, float] = NO_SCORES, *, opacity: float = 0.5
) -> npt.NDArray[np.uint8]:
    """`image` with stuff in its class's colour, things in a colour each; void and background stay as they are.

    A thing carries the number of its segment, its class and its score, as `drawn` writes them.
    """
    canvas = as_display(image)
    things = {spec.class_id for spec in panoptic.classes if spec.kind == "thing"}
    whole = Box.of(panoptic.size)
    for at, segment in enumerate(panoptic.segments):
        if segment.class_id == panoptic.classes.background_id:
            continue
        is_thing = segment.class_id in things and not segment.crowd
        colour = object_colour(at) if is_thing else panoptic.classes.colour(segment.class_id)
        paint(canvas, whole, panoptic.segment_ids == segment.segment_id, colour, opacity)
    numbers = [segment.segment_id for segment in panoptic.segments if segment.class_id in things]
    for number, one in zip(numbers, instances_from_panoptic(panoptic, scores), strict=True):
        if not one.crowd:
            label(canvas, one.box, _texts(one, number, panoptic.classes))
    return canvas


def _texts(one: Instance, number: int, classes: ClassTable) -> tuple[str, str]:
    """Number, class and score of an object; and the number alone, where that is too long."""
    sure = "" if one.score is None else f" {one.score:.2f}"
    return f"{number} {classes.name(one.class_id)}{sure}", str(number)


def object_colour(at: int) -> tuple[int, int, int]:
    """A colour (RGB) for the object number `at`, unlike those of the numbers beside it."""
    red, green, blue = colorsys.hsv_to_rgb(at * GOLDEN % 1, 0.85 - 0.25 * (at % 3 == 1), 1.0 - 0.2 * (at % 2))
    return round(red * 255), round(green * 255), round(blue * 255)


def paint(
    canvas: npt.NDArray[np.uint8],
    box: Box,
    mask: npt.NDArray[np.bool_],
    colour: tuple[int, int, int],
    opacity: float,
) -> None:
    """Mix `colour` into the pixels of `mask`, which lies in `box` of `canvas`, in place, and draw its outline."""
    window = canvas[box.slices]
    mixed = window[mask] * (1 - opacity) + np.array(colour) * opacity
    window[mask] = mixed.round().astype(np.uint8)
    solid = np.pad(mask.astype(np.uint8), 1)
    inner = cv2.erode(solid, cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3)))[1:-1, 1:-1]
    window[mask & (inner == 0)] = colour


def label(canvas: npt.NDArray[np.uint8], box: Box, texts: Sequence[str]) -> None:
    """Write the first of `texts` that suits the object's size at its upper left corner, light on dark; or none."""
    scale = max(0.35, min(0.6, canvas.shape[0] / 1200))
    for text in texts:
        (wide, high), base = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, 1)
        if box.width * 2 < wide or box.height * 1.5 < high:
            continue
        left = min(max(0, box.left), max(0, canvas.shape[1] - wide - 2))
        bottom = max(high + base, box.top)
        cv2.rectangle(canvas, (left, bottom - high - base), (left + wide + 2, bottom), (0, 0, 0), cv2.FILLED)
        at, white = (left + 1, bottom - base), (255, 255, 255)
        cv2.putText(canvas, text, at, cv2.FONT_HERSHEY_SIMPLEX, scale, white, 1, cv2.LINE_AA)
        return
