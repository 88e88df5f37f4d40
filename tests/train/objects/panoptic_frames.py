"""A tiny panoptic set: two kinds of stuff side by side, bolts and plates on them, a void corner; two lines."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from segwright.core import ClassSpec, ClassTable, Image, PanopticMap, Segment, adopt
from segwright.data.codecs import write_image
from segwright.data.segments import segments_info, write_segment_ids
from segwright.infer.objects.results import categories

CLASSES = ClassTable(
    (ClassSpec(1, "belt"), ClassSpec(2, "floor"), ClassSpec(3, "bolt", "thing"), ClassSpec(4, "plate", "thing"))
)
COLOURS = {1: (60, 60, 60), 2: (130, 130, 130), 3: (230, 60, 40), 4: (40, 80, 230)}


def panoptic_frame(seed: int, side: int = 64) -> tuple[Image, PanopticMap]:
    """A frame and its segments; every bolt and every plate has its own."""
    rng = np.random.default_rng(seed)
    ids = np.full((side, side), 2, np.uint32)
    ids[:, : int(side * rng.uniform(0.4, 0.6))] = 1
    kinds = {1: 1, 2: 2}
    rows, columns = np.mgrid[:side, :side]
    for number in range(4):
        row, column = rng.integers(8, side - 8, 2)
        is_bolt = number % 2
        inside = (
            (rows - row) ** 2 + (columns - column) ** 2 < (side / 9) ** 2
            if is_bolt
            else (abs(rows - row) < side / 12) & (abs(columns - column) < side / 7)
        )
        free = inside & (ids <= 2)
        if free.sum() > 20:
            ids[free], kinds[10 + number] = 10 + number, 3 if is_bolt else 4
    pixels = np.zeros((side, side, 3))
    for number, class_id in kinds.items():
        pixels[ids == number] = COLOURS[class_id]
    ids[-3:, -3:] = 0
    noisy = np.clip(pixels + rng.normal(0, 6, pixels.shape), 0, 255).astype(np.uint8)
    there = {int(value) for value in np.unique(ids)}
    segments = tuple(Segment(number, class_id) for number, class_id in kinds.items() if number in there)
    return Image(adopt(noisy)), PanopticMap(adopt(ids), segments, CLASSES)


def write_panoptic_set(folder: Path, *, frames: int = 4, side: int = 64) -> None:
    """`folder`/images, panoptic.json and panoptic/, named a0, b1, a2, ... by line."""
    rows: list[dict] = []
    for number in range(frames):
        name = f"{'ab'[number % 2]}{number}.png"
        image, panoptic = panoptic_frame(number, side)
        (folder / "images").mkdir(parents=True, exist_ok=True)
        (folder / "panoptic").mkdir(exist_ok=True)
        write_image(folder / "images" / name, image)
        write_segment_ids(folder / "panoptic" / name, panoptic)
        rows.append({"image_id": number, "file_name": name, "segments_info": segments_info(panoptic)})
    images = [{"id": row["image_id"], "file_name": row["file_name"], "height": side, "width": side} for row in rows]
    content = {"images": images, "annotations": rows, "categories": categories(CLASSES)}
    (folder / "panoptic.json").write_text(json.dumps(content), encoding="utf-8")
