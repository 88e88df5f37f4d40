"""Objects and segments as COCO writes them, so that evaluation and every other tool can read them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from segwright.core import ClassTable, InstanceSet, PanopticMap
from segwright.core.conversions import NO_SCORES
from segwright.data.object_runs import frame_runs
from segwright.data.rasterise import packed_runs
from segwright.data.segments import segments_info, write_segment_ids


def coco_results(objects: InstanceSet, image_id: int | str) -> list[dict[str, Any]]:
    """COCO results: class id, score, box [x, y, width, height] in px and compressed run lengths of each object.

    An object without a score is written with 1: the format asks for one.
    """
    return [{"image_id": image_id, **row} for row in object_rows(objects)]


def write_objects(path: Path, objects: InstanceSet) -> None:
    """`object_rows` as JSON."""
    path.write_text(json.dumps(object_rows(objects)), encoding="utf-8")


def object_rows(objects: InstanceSet) -> list[dict[str, Any]]:
    """COCO results without the image they are of."""
    return [
        {
            "category_id": one.class_id,
            "score": 1.0 if one.score is None else round(one.score, 6),
            "bbox": [one.box.left, one.box.top, one.box.width, one.box.height],
            "segmentation": {
                "size": [objects.size.height, objects.size.width],
                "counts": packed_runs(frame_runs(one, objects.size)),
            },
        }
        for one in objects
    ]


def segment_rows(panoptic: PanopticMap, scores: Mapping[int, float]) -> list[dict[str, Any]]:
    """What COCO panoptic's JSON says of the segments of one frame, and `score` of those that have one."""
    rows = segments_info(panoptic)
    return [row | ({"score": round(scores[row["id"]], 6)} if row["id"] in scores else {}) for row in rows]


def panoptic_row(
    panoptic: PanopticMap, image_id: int | str, file_name: str, scores: Mapping[int, float] = NO_SCORES
) -> dict[str, Any]:
    """What COCO panoptic's JSON says of one frame."""
    return {"image_id": image_id, "file_name": file_name, "segments_info": segment_rows(panoptic, scores)}


def write_segments(path: Path, panoptic: PanopticMap, scores: Mapping[int, float] = NO_SCORES) -> None:
    """The size of a frame and its segments as JSON."""
    size = {"height": panoptic.size.height, "width": panoptic.size.width}
    path.write_text(json.dumps({"size": size, "segments_info": segment_rows(panoptic, scores)}), encoding="utf-8")


def categories(classes: ClassTable, things: set[int] | None = None) -> list[dict[str, Any]]:
    """The class table as COCO panoptic's categories."""
    return [
        {
            "id": spec.class_id,
            "name": spec.name,
            "isthing": int(spec.kind == "thing" or spec.class_id in (things or set())),
            "color": list(classes.colour(spec.class_id)),
        }
        for spec in classes
    ]


def write_panoptic(path: Path, panoptic: PanopticMap, scores: Mapping[int, float] = NO_SCORES) -> None:
    """Segment ids as a PNG at `path`, and beside it, ending in .json, the segments and the class table."""
    write_segment_ids(path, panoptic)
    own = panoptic_row(panoptic, path.stem, path.name, scores)
    row = {"annotations": [own], "categories": categories(panoptic.classes)}
    path.with_suffix(".json").write_text(json.dumps(row, ensure_ascii=False) + "\n", encoding="utf-8")
