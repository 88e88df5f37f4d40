"""Objects of a large frame take the memory of their own windows, not of a frame each (roboflow/inference PR#2682)."""

from __future__ import annotations

import tracemalloc

import numpy as np

from segwright.core import Box, ClassTable, Size
from segwright.infer.objects import Candidates, ObjectDecision, objects_of
from segwright.infer.objects.stitching import stitched

CLASSES = ClassTable.of(["background", "bolt"])
FRAME = Size(3008, 4000)


def test_objects_of__300_masks_of_a_12_megapixel_frame() -> None:
    count, side = 300, 60
    rng = np.random.default_rng(0)
    low = rng.uniform(0, 1, (count, 2)) * (FRAME.width - side, FRAME.height - side)
    boxes = np.concatenate([low, low + side], axis=1).astype(np.float32)
    masks = np.full((count, 28, 28), 8, np.float32)
    scores, channels = np.linspace(0.9, 0.6, count, dtype=np.float32), np.zeros(count, np.int64)
    found = Candidates(scores, channels, boxes, masks, "box", FRAME.height, FRAME.width)
    tracemalloc.start()
    try:
        objects = objects_of(found, ObjectDecision(), CLASSES)
        whole = stitched([(Box.of(FRAME), objects)], FRAME)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(whole) > 250
    assert peak < FRAME.area_px, "less than one mask of the whole frame, a byte a pixel, for all of them"
