"""Segments as COCO panoptic has them on disk: ids in the colours of a PNG, and a row of facts each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage

from segwright.core import PanopticMap
from segwright.data.codecs.writing import write_colours


def write_segment_ids(path: Path, panoptic: PanopticMap) -> None:
    """A PNG whose colours are segment ids: id = R + 256 G + 65536 B, 0 void; ids are below 2**24."""
    ids = panoptic.segment_ids
    bands = np.stack([ids & 255, ids >> 8 & 255, ids >> 16 & 255], axis=2)
    write_colours(path, bands.astype(np.uint8))


def segments_info(panoptic: PanopticMap) -> list[dict[str, Any]]:
    """Id, category, area in px, box [x, y, width, height] and crowd of each segment, as panopticapi writes them."""
    numbers = np.array([segment.segment_id for segment in panoptic.segments], np.uint32)
    order = np.argsort(numbers)
    dense = np.searchsorted(numbers[order], panoptic.segment_ids).astype(np.int32) + 1
    dense[panoptic.void] = 0
    areas = np.bincount(dense.ravel(), minlength=len(numbers) + 1)
    boxes = ndimage.find_objects(dense, len(numbers))
    place = {int(numbers[at]): nth for nth, at in enumerate(order)}
    rows = []
    for segment in panoptic.segments:
        nth = place[segment.segment_id]
        down, across = boxes[nth]
        box = [across.start, down.start, across.stop - across.start, down.stop - down.start]
        rows.append(
            {
                "id": segment.segment_id,
                "category_id": segment.class_id,
                "area": int(areas[nth + 1]),
                "bbox": [int(value) for value in box],
                "iscrowd": int(segment.crowd),
            }
        )
    return rows
