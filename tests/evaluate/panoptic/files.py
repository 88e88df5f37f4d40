"""Panoptic frames written as the two formats have them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from segwright.core import ClassTable
from segwright.evaluate.panoptic import PanopticFrame


def write_png(path: Path, bands: np.ndarray) -> None:
    """RGB or RGBA bands, uint8."""
    path.parent.mkdir(parents=True, exist_ok=True)
    order = [2, 1, 0, 3][: bands.shape[2]]
    path.write_bytes(cv2.imencode(".png", bands[..., order])[1].tobytes())


def rgb_of(ids: np.ndarray) -> np.ndarray:
    return np.stack([ids & 255, (ids >> 8) & 255, ids >> 16], axis=-1).astype(np.uint8)


def annotation(frame: PanopticFrame, image_id: int | str) -> dict[str, Any]:
    areas = dict(zip(frame.table.ids.tolist(), frame.table.area_px.tolist(), strict=True))
    segments = [
        {"id": each, "category_id": segment.class_id, "iscrowd": int(segment.is_crowd), "area": areas[each]}
        for each, segment in frame.segments.items()
    ]
    return {"image_id": image_id, "file_name": f"{frame.stem}.png", "segments_info": segments}


def categories(classes: ClassTable) -> list[dict[str, Any]]:
    return [{"id": spec.class_id, "name": spec.name, "isthing": int(spec.kind == "thing")} for spec in classes]


def write_coco(path: Path, frames: Sequence[PanopticFrame], *, named: bool = True, first_id: int = 1) -> Path:
    """`path` with its folder; `named` writes the categories."""
    for frame in frames:
        write_png(path.with_suffix("") / f"{frame.stem}.png", rgb_of(frame.ids))
    data: dict[str, Any] = {"annotations": [annotation(each, first_id + at) for at, each in enumerate(frames)]}
    if named:
        data["categories"] = categories(frames[0].classes)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data), encoding="utf-8")
    return path


def write_bitmask(folder: Path, frame: PanopticFrame) -> None:
    bands = np.zeros((*frame.ids.shape, 4), np.uint8)
    bands[..., 2], bands[..., 3] = frame.ids >> 8, frame.ids & 255
    for each, segment in frame.segments.items():
        bands[frame.ids == each, :2] = segment.class_id, 2 * segment.is_crowd
    write_png(folder / f"{frame.stem}.png", bands)
