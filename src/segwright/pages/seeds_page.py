"""The seeds a person should look at, as one self-contained page: before and after, the least clear first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from segwright.assist import Case, SeedReport, Seeds
from segwright.core import Box, Instance, Listener, Size, silent, tracked
from segwright.data import Dataset
from segwright.data.splitting import SplitObjects
from segwright.evaluate.report.pictures import data_uri
from segwright.evaluate.report.templates import write_page
from segwright.infer.objects.drawing import object_colour, paint
from segwright.infer.overlay import as_display

SIDE_PX = 220
_CONTEXT, _LEAST_PX = 0.35, 32
_OPACITY = 0.35
_DEFINED = {
    "height": "of a pixel: its distance to the nearest one known to be something else; void and border are no edge",
    "lobe": "a top of the height; between two lobes lies a neck, the highest pass from one to the other",
    "stands out": "a lobe's height less that of its neck: what half the width grows by from neck to lobe",
    "split": "a region with more than one lobe that stands out by the depth or more",
    "nearly split": "a region left whole whose clearest lobe stands out by half the depth or more",
    "margin": "how far, in px, the region was from the other answer; the smallest come first",
}


def write_seeds_page(
    path: Path, dataset: Dataset, report: SeedReport, *, most: int = 60, listener: Listener = silent
) -> None:
    """Write the page of `report` on the seeds `dataset`, with pictures of the `most` least clear cases."""
    shown = report.cases[:most]
    nearly = len(report.cases) - len(report.split)
    content = {
        "title": f"Seeds of {dataset.root.name}",
        "facts": [
            ("frames", str(report.frames)),
            ("regions", str(report.regions)),
            ("objects", str(report.objects)),
            ("split", str(len(report.split))),
            ("nearly split", str(nearly)),
            ("depth", f"{report.depth_px:g} px"),
        ],
        "rows": [
            {"case": case, "class": dataset.classes.name(case.class_id), "pictures": pictures}
            for case, pictures in zip(shown, _pictures(dataset, shown, listener), strict=True)
        ],
        "hidden": len(report.cases) - len(shown),
        "unlabelled": report.unlabelled,
        "left_out_px": report.left_out_px,
        "definitions": _DEFINED,
    }
    write_page(path, "seeds_page.html.j2", content, "segwright.pages")


def _pictures(dataset: Dataset, cases: Sequence[Case], listener: Listener) -> list[tuple[str, str, str]]:
    """The picture, the region and its objects for each case; each frame is read once."""
    by_stem: dict[str, list[int]] = defaultdict(list)
    for at, case in enumerate(cases):
        by_stem[case.stem].append(at)
    drawn: dict[int, tuple[str, str, str]] = {}
    for stem in tracked(by_stem, listener, "drawing", len(by_stem)):
        frame = dataset.frame(stem)
        if not isinstance(frame.mask, Seeds):
            raise TypeError(f"{stem} holds no seeds")
        pixels = as_display(dataset.read_image(frame))
        found = frame.mask.split(frame.image.shape(), dataset.classes)
        for at in by_stem[stem]:
            drawn[at] = _drawn(pixels, _members(found, cases[at]), cases[at].box)
    return [drawn[at] for at in range(len(cases))]


def _members(found: SplitObjects, case: Case) -> list[Instance]:
    """The objects of the case's region."""
    regions = [one for one in found.regions if (one.class_id, one.box) == (case.class_id, case.box)]
    at = next((one.members for one in regions if len(one.members) == case.objects), ())
    return [found.objects.instances[number] for number in at]


def _drawn(pixels: npt.NDArray[np.uint8], members: Sequence[Instance], box: Box) -> tuple[str, str, str]:
    size = Size(*pixels.shape[:2])
    around = _around(box, size)
    scale = max(1, SIDE_PX // max(around.height, around.width))
    before, after = pixels.copy(), pixels.copy()
    region = np.zeros(pixels.shape[:2], bool)
    for at, one in enumerate(members):
        region[one.box.slices] |= one.mask
        paint(after, one.box, one.mask, object_colour(at), _OPACITY)
    paint(before, Box.of(size), region, object_colour(0), _OPACITY)
    plain, whole, parts = (data_uri(_enlarged(canvas[around.slices], scale)) for canvas in (pixels, before, after))
    return plain, whole, parts


def _enlarged(pixels: npt.NDArray[np.uint8], scale: int) -> npt.NDArray[np.uint8]:
    """By whole pixels, so that a neck of one pixel is seen; large regions are shrunk to what a page can hold."""
    side = max(pixels.shape[:2])
    if side > 2 * SIDE_PX:
        share = 2 * SIDE_PX / side
        return np.asarray(cv2.resize(pixels, None, fx=share, fy=share, interpolation=cv2.INTER_AREA), np.uint8)
    return np.ascontiguousarray(pixels.repeat(scale, axis=0).repeat(scale, axis=1))


def _around(box: Box, size: Size) -> Box:
    margin = max(round(_CONTEXT * max(box.height, box.width)), (_LEAST_PX - min(box.height, box.width)) // 2, 2)
    return Box(box.top - margin, box.left - margin, box.bottom + margin, box.right + margin).clipped(size)
