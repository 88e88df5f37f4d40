"""What a network says of each tile of a frame; `tiles.py` blends probabilities, objects and segments are joined."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

import numpy as np

from segwright.core import Box, Image, Size
from segwright.infer.objects.answers import TileRuntime
from segwright.infer.preprocess import Preprocessing
from segwright.infer.tiles import TilePlan, padded

Answer = TypeVar("Answer")


def tile_answers(
    image: Image, runtime: TileRuntime[Answer], preprocessing: Preprocessing, tiles: TilePlan, batch: int
) -> Iterator[tuple[Box, Answer]]:
    """Each tile, cut at the frame, with the answer for the whole tile, whose upper left part is the frame's."""
    boxes = tiles.boxes(image.size, runtime.stride_px)
    for first in range(0, len(boxes), batch):
        some = boxes[first : first + batch]
        inside = [box.clipped(image.size) for box in some]
        pixels = [
            padded(preprocessing.apply(image.crop(box)), Size(whole.height, whole.width))
            for box, whole in zip(inside, some, strict=True)
        ]
        yield from zip(inside, runtime(np.stack(pixels)), strict=True)
