"""Things that may overlap and a map of stuff to one answer for every pixel."""

from __future__ import annotations

import numpy as np

from segwright.core import InstanceSet, LabelMap, PanopticMap, Segment, adopt


def merge_panoptic(
    things: InstanceSet,
    stuff: LabelMap,
    *,
    score_threshold: float = 0.5,
    visible_share: float = 0.5,
    min_stuff_px: int = 4096,
) -> PanopticMap:
    """Each pixel in one segment, numbered from 1: surer things first, stuff below them, the rest void.

    A thing keeps the pixels no surer thing has, and is dropped where fewer than `visible_share` of its own are left or
    its score is below `score_threshold` (a thing without a score is sure). `stuff` has a stuff class's id at each
    pixel, and void where the network says "some thing": such a pixel that no thing covers is void. A class of stuff
    with fewer than `min_stuff_px` pixels left is void too; scale it with the frame, COCO's frames have 0.3 Mpx.

    Lost: what lies under a surer thing, scores, attributes.

    Source: Kirillov et al. 2019, "Panoptic segmentation", section 6 (the heuristic merge), with Detectron2's values
    (`combine_semantic_and_instance_outputs`): 0.5, 0.5, 4096.

    Raises:
        ValueError: the sizes or the class tables differ.
    """
    if things.size != stuff.size or things.classes != stuff.classes:
        raise ValueError(f"things are of {things.size}, stuff is of {stuff.size}: one frame and one class table")
    ids = np.zeros((stuff.size.height, stuff.size.width), dtype=np.uint32)
    segments: list[Segment] = []
    for thing in sorted(things, key=lambda one: -_score(one.score)):
        if _score(thing.score) < score_threshold:
            break
        part = ids[thing.box.slices]
        visible = thing.mask & (part == 0)
        left = int(np.count_nonzero(visible))
        if left and left >= visible_share * thing.area_px:
            segments.append(Segment(len(segments) + 1, thing.class_id))
            part[visible] = len(segments)
    for spec in stuff.classes:
        region = (stuff.ids == spec.class_id) & (ids == 0) if spec.kind == "stuff" else np.zeros_like(ids, dtype=bool)
        if np.count_nonzero(region) >= max(1, min_stuff_px):
            segments.append(Segment(len(segments) + 1, spec.class_id))
            ids[region] = len(segments)
    return PanopticMap(adopt(ids), tuple(segments), stuff.classes)


def _score(score: float | None) -> float:
    return 1.0 if score is None else score
